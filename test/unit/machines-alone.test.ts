// When a fleet can go without the engine: only where nothing in its state would outlive its machines.
import { describe, expect, test } from "vitest";
import { machinesAlone } from "../../cli/machines-alone.ts";
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
