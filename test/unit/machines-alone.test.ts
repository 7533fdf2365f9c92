// When a fleet can go without the engine: only where nothing in its state would outlive its machines.
import { describe, expect, test } from "vitest";
import { machinesAlone, standsOnServers } from "../../cli/machines-alone.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import type { StateResource } from "../../pulumi/state-file.ts";

const resource = (type: string, inputs: Readonly<Record<string, unknown>> = {}): StateResource => ({
  urn: `urn:pulumi:t::contest-fleet::${type}::x`,
  type,
  inputs,
});
const fleet: readonly StateResource[] = [
  resource("pulumi:pulumi:Stack"),
  resource("pulumi:providers:fleet"),
  resource("fleet:index:TeamFleet"),
  resource("fleet:index:KeyPair"),
  resource("fleet:index:TeamKeys"),
  resource("fleet:index:Machine", { stack: "t", name: "isu1" }),
  resource("fleet:index:Host", { name: "isu1" }),
  resource("fleet:index:Role", { role: "nginx" }),
];

describe("the engine is not needed", () => {
  test("where all is on machines of the stack", () => expect(machinesAlone("t", fleet)).toBe(true));
});

describe("the engine takes it away", () => {
  test.each([
    ["a server that was handed out", [...fleet, resource("fleet:index:Host", { name: "isu2" })]],
    ["a host key that was pinned for one", [...fleet, resource("fleet:index:HostKey", { name: "isu2" })]],
    ["a hook", [...fleet, resource("command:local:Command")]],
    ["something of a cloud", [...fleet, resource("aws:ec2/instance:Instance"), resource("pulumi:providers:aws")]],
    ["a kind that is not known here", [...fleet, resource("fleet:index:Tomorrow")]],
    ["a machine of another stack's name", [...fleet, resource("fleet:index:Machine", { stack: "u", name: "isu2" })]],
    ["no machine at all", fleet.filter(({ type }) => !/Machine|Host|Role/.test(type))],
    ["an empty state", []],
  ])("where there is %s", (_, resources) => expect(machinesAlone("t", resources)).toBe(false));
});

describe("a state that was lost", () => {
  const lent = [
    ...fleet.filter(({ type }) => !type.endsWith(":Machine")),
    resource("fleet:index:HostKey", { name: "isu1" }),
    resource("fleet:index:HostKey", { name: "isu1's jump host" }),
  ];
  const plan = (kind: string) => ({ spec: { target: { kind } }, servers: [{ name: "isu1" }, { name: "isu2" }] }) as unknown as FleetPlan;

  test("is not missed where the stack file's servers remember all that it held", () =>
    expect(standsOnServers(plan("inventory"), lent)).toBe(true));

  test.each([
    ["a server that left the stack file", [...lent, resource("fleet:index:Host", { name: "isu3" })]],
    ["a hook", [...lent, resource("command:local:Command")]],
    ["a kind that is not known here", [...lent, resource("fleet:index:Tomorrow")]],
  ])("is asked for where it held %s", (_, resources) => expect(standsOnServers(plan("inventory"), resources)).toBe(false));

  test("is asked for where the fleet made the servers", () => expect(standsOnServers(plan("practice"), lent)).toBe(false));
});
