// Which runs may be killed at any moment without a state that was written after each step.
import { describe, expect, test } from "vitest";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { needsNoSteps } from "../../pulumi/state-writes.ts";

const resource = (type: string, name: string) => ({ type, urn: `urn:pulumi:s::contest-fleet::${type}::${name}` });
const ours = (type: string, name: string) => resource(`fleet:index:${type}`, name);
const complete = [
  resource("pulumi:pulumi:Stack", "contest-fleet-s"),
  resource("pulumi:providers:fleet", "default"),
  ours("TeamFleet", "t"),
  ours("KeyPair", "t-fleet-key"),
  ours("KeyPair", "t-mesh-key"),
  ours("Host", "t-isu1"),
  ours("Role", "t-isu1-base"),
];
const machine = ours("Machine", "t-isu1-machine");

const plan = (kind: string, { hooks = {}, servers = ["isu1"] } = {}): FleetPlan =>
  ({
    spec: { team: "t", target: { kind }, hooks, servers: Object.fromEntries(servers.map((name) => [name, {}])) },
  }) as unknown as FleetPlan;

describe("without a state after each step", () => {
  test("servers that were handed out, by keys that are in the state", () => {
    expect(needsNoSteps(plan("inventory"), { resources: complete })).toBe(true);
    expect(needsNoSteps(plan("inventory", { servers: ["isu1", "isu2"] }), { resources: complete })).toBe(true);
  });

  test.for(["t-fleet-key", "t-mesh-key"])("not before %s is written down", (key) => {
    expect(needsNoSteps(plan("inventory"), { resources: complete.filter(({ urn }) => !urn.endsWith(key)) })).toBe(false);
  });

  test("practice machines that are all there, none to be made or taken away", () => {
    expect(needsNoSteps(plan("practice"), { resources: [...complete, machine] })).toBe(true);
    expect(needsNoSteps(plan("practice"), { resources: complete })).toBe(false);
    expect(needsNoSteps(plan("practice", { servers: [] }), { resources: [...complete, machine] })).toBe(false);
  });

  test.for([
    ["AWS", plan("aws"), { resources: complete }],
    ["commands of the team's", plan("inventory", { hooks: { a: {} } }), { resources: complete }],
    ["a resource that only the engine knows", plan("inventory"), { resources: [...complete, resource("command:local:Command", "x")] }],
    ["a step that a killed run left open", plan("inventory"), { resources: complete, pending_operations: [{ resource: machine }] }],
    ["a first run", plan("inventory"), {}],
  ] as const)("not with %s", ([, of, deployment]) => {
    expect(needsNoSteps(of, deployment)).toBe(false);
  });
});
