// A server that is gone for good: the state forgets what is its own, and nothing else.
import { expect, test } from "vitest";
import { fatesOf } from "../../cli/commands/down.ts";
import { without } from "../../pulumi/forget.ts";

const resource = (type: string, name: string, more: object = {}) => ({ urn: `urn::${name}`, type: `fleet:index:${type}`, ...more });
const host = (name: string) => resource("Host", `host-${name}`, { parent: "urn::team", inputs: { name } });
const role = (server: string, of: readonly string[]) =>
  resource("Role", `role-${server}`, {
    parent: `urn::host-${server}`,
    inputs: { host: server },
    dependencies: [`urn::host-${server}`, ...of],
    propertyDependencies: { late: of, connection: [] },
  });
const key = (name: string) => resource("HostKey", `key-${name}`, { parent: "urn::team", inputs: { name } });
const machine = (name: string) => resource("Machine", `machine-${name}`, { parent: "urn::team", inputs: { name } });

const both = ["urn::key-isu1", "urn::key-isu3"];
const state = {
  resources: [
    resource("TeamFleet", "team"),
    key("isu1"),
    key("isu3"),
    machine("isu3"),
    host("isu1"),
    role("isu1", both),
    host("isu3"),
    role("isu3", both),
  ],
};

test("its host, roles and host key go; others no longer wait for them; a machine is the fleet's to destroy", () => {
  const { resources = [] } = without(["isu3"], state);
  expect(resources.map(({ urn }) => urn)).toEqual(["urn::team", "urn::key-isu1", "urn::machine-isu3", "urn::host-isu1", "urn::role-isu1"]);
  expect(resources.at(-1)).toMatchObject({
    dependencies: ["urn::host-isu1", "urn::key-isu1"],
    propertyDependencies: { late: ["urn::key-isu1"], connection: [] },
  });
});

test("of no server, the state stays as it is", () => {
  expect(without([], state)).toEqual(state);
});

test("a down does not say of it that it gets back what it had", () => {
  const servers = ["isu1", "isu3"].map((name) => ({ name, view: { privateAddress: "192.0.2.1" } }));
  const plan = { spec: { target: { kind: "inventory" } }, servers } as unknown as Parameters<typeof fatesOf>[0];
  expect(fatesOf(plan, ["isu3"]).map(([name, , fate]) => `${name} ${fate}`)).toEqual([
    "isu1 gets back what it had",
    "isu3 is forgotten: what was done there stays there",
  ]);
});
