// A role that is dropped in the run that gave its server's name to another one: there is nothing to undo, and nobody is asked for it.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { Context } from "../../provisioners/provider/context.ts";
import type { Call } from "../../provisioners/provider/resource.ts";
import { type RoleOutputs, roleResource } from "../../provisioners/provider/role.ts";

/** Nobody listens there. */
const old: Connection = { name: "isu1", address: "127.0.0.1", port: 1, user: "fleet", password: "x", hostKey: "ssh-ed25519 AAAA-old" };
let context: Context;
beforeEach(() => {
  context = new Context();
});
afterEach(() => context.close());

const said: string[] = [];
const call: Call = {
  ...{ urn: "urn:pulumi:team-a::contest-fleet::fleet:index:Role::team-a-isu1-redis", name: "team-a-isu1-redis" },
  ...{ signal: new AbortController().signal, log: (_severity, message) => void said.push(message), redact: (text) => text },
};
const drop = () => {
  const outputs: RoleOutputs = {
    ...{ host: "isu1", role: "redis", connection: old, resources: {}, late: {}, guard: { paths: [], users: [], units: [] } },
    ...{ failed: [], owed: [] },
  };
  return roleResource(context).delete("isu1/redis", { inputs: outputs, outputs }, call);
};

describe("the way to what is to be undone", () => {
  test("is the old one where this run has not been there, or the server is somebody else's and another", () => {
    expect(context.nowOf(old)).toBe(old);
    context.isNow({ ...old, address: "192.0.2.1", hostKey: "ssh-ed25519 AAAA-new" });
    expect(context.nowOf(old)).toBe(old);
  });

  test("is the new one where the server only moved", () => {
    const moved = { ...old, address: "192.0.2.1" };
    context.isNow(moved, true);
    expect(context.nowOf(old)).toBe(moved);
  });
});

test("a dropped role of a server that the fleet has replaced is gone with it", async () => {
  await expect(drop()).rejects.toThrow(/isu1: .*what was done there can't be undone/);
  context.isNow({ ...old, address: "192.0.2.1", hostKey: "ssh-ed25519 AAAA-new" }, true);
  await drop();
  expect(said).toEqual(["isu1: nothing of it is to be undone: the server that it was done on is gone"]);
});
