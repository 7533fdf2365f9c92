// The quick answer: "nothing to do" only where everything holds; else the engine, with the reason.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { answer, type Means, nothingToDo } from "../../cli/quick/quick.ts";
import { readCheckpoint } from "../../pulumi/checkpoint.ts";
import { decrypted, unlock } from "../../pulumi/passphrase.ts";

/** As Pulumi 3.250 wrote it, for the passphrase `bench`. */
const salt = "v1:lGdUNs2skf0=:v1:1GG9IkpUc7nl+pPW:diZcMoNHmiT1121/RaLJUuybBBhu6A==";
/** What Pulumi encrypted beside the salt is no JSON text: as a value it can't be read. */
const hidden = {
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  ciphertext: "v1:1GG9IkpUc7nl+pPW:diZcMoNHmiT1121/RaLJUuybBBhu6A==",
};

const urn = (type: string, name: string) => `urn:pulumi:team-a::contest-fleet::fleet:index:TeamFleet$${type}::${name}`;
const custom = (type: string, name: string, more: object = {}) => ({ urn: urn(type, name), type, custom: true, id: name, ...more });
const roleOf = (host: string) =>
  custom("fleet:index:Role", `team-a-${host}-app`, {
    inputs: { host, role: "app", resources: { "file[/b]": {}, "file[/a]": {} } },
    outputs: {},
  });
const state = (more: object = {}, resources: readonly object[] = [roleOf("isu1"), roleOf("isu2")]) => ({
  checkpoint: {
    latest: {
      secrets_providers: { type: "passphrase", state: { salt } },
      resources: [{ urn: urn("x", "y"), type: "fleet:index:TeamFleet", custom: false }, ...resources],
      ...more,
    },
  },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-quick-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function checkpoint(value: unknown) {
  const file = join(folder, "state.json");
  writeFileSync(file, JSON.stringify(value));
  return readCheckpoint(file);
}

const inputs = { "the stack file": "1", "the engine": "1" };
function means(more: Partial<Means> = {}): Means {
  const kept = checkpoint(state());
  if (typeof kept === "string") throw new Error(kept);
  const record = { version: 1 as const, team: "team-a", files: "/files", inputs, state: kept.digest, facts: {} };
  return {
    backend: undefined,
    record,
    inputs: () => inputs,
    locks: () => [],
    state: () => kept,
    digest: () => record.state,
    passphrases: ["of team-a", "bench"],
    differing: async () => [],
    ...more,
  };
}

test("nothing to do, where all of it holds: every resource of every role, by address", async () => {
  const found = await answer(means());
  expect(
    found.reports.map(({ host, role, results }) => [host, role, results.map(({ address, outcome }) => `${address} ${outcome}`)]),
  ).toEqual([
    ["isu1", "app", ["file[/a] unchanged", "file[/b] unchanged"]],
    ["isu2", "app", ["file[/a] unchanged", "file[/b] unchanged"]],
  ]);
  expect(nothingToDo(found)).toBe("team-a: nothing to do; 4 resources on 2 servers as they should be");
});

test("it looks at every resource of the state that is no component", async () => {
  const looked = vi.fn<Means["differing"]>(async () => []);
  await answer(means({ differing: looked }));
  expect(looked.mock.calls[0]![0].map(({ id }) => id)).toEqual(["team-a-isu1-app", "team-a-isu2-app"]);
});

test("facts that the engine saw in a preview count, not those that the state remembers", async () => {
  const host = custom("fleet:index:Host", "team-a-isu1", {
    inputs: { name: "isu1" },
    outputs: { facts: { nginxUser: "old" }, problem: "" },
  });
  const kept = checkpoint(state({}, [host]));
  if (typeof kept === "string") throw new Error(kept);
  const looked = vi.fn<Means["differing"]>(async () => []);
  const record = { ...means().record!, state: kept.digest };
  await answer(means({ state: () => kept, digest: () => kept.digest, record, differing: looked }));
  await answer(
    means({
      state: () => kept,
      digest: () => kept.digest,
      record: { ...record, facts: { [host.urn]: { nginxUser: "www-data" } } },
      differing: looked,
    }),
  );
  expect(looked.mock.calls.map(([[found]]) => found!.outputs)).toEqual([
    { facts: { nginxUser: "old" }, problem: "" },
    { facts: { nginxUser: "www-data" }, problem: "" },
  ]);
});

describe("the engine is asked", () => {
  test.for<[reason: string, more: () => Partial<Means>]>([
    ["its state is kept elsewhere (PULUMI_BACKEND_URL)", () => ({ backend: "s3://bucket" })],
    ["no run of it was completed here before", () => ({ record: undefined })],
    ["the engine changed since its last complete run", () => ({ inputs: () => ({ ...inputs, "the engine": "2" }) })],
    ["another run is at work, or was killed", () => ({ locks: () => ["lock.json"] })],
    ["its state changed since its last complete run", () => ({ state: () => checkpoint(state({ more: 1 })) })],
    ["the passphrase does not open the state", () => ({ passphrases: ["other"] })],
    ["isu1 app: file[/a] differs", () => ({ differing: async () => ["isu1 app: file[/a]"] })],
    ["isu1 app: file[/a], and 2 more differ", () => ({ differing: async () => ["isu1 app: file[/a]", "x", "y"] })],
    ["a look broke", () => ({ differing: () => Promise.reject(new Error("a look broke")) })],
  ])("%s", async ([reason, more]) => {
    await expect(answer(means(more()))).rejects.toThrow(reason);
  });

  test("where another run began while it looked", async () => {
    let looks = 0;
    await expect(answer(means({ locks: () => (looks++ === 0 ? [] : ["lock.json"]) }))).rejects.toThrow("another run is at work");
  });

  test("where the state changed while it looked", async () => {
    await expect(answer(means({ digest: () => "another" }))).rejects.toThrow("its state changed since its last complete run");
  });

  test.for<[reason: string, value: () => unknown]>([
    [
      "it has resources that only the engine knows (aws:ec2/instance:Instance)",
      () => state({}, [custom("aws:ec2/instance:Instance", "x")]),
    ],
    ["it has resources that only the engine knows (command:local:Command)", () => state({}, [custom("command:local:Command", "x")])],
  ])("%s", async ([reason, value]) => {
    const kept = checkpoint(value());
    if (typeof kept === "string") throw new Error(kept);
    const record = { ...means().record!, state: kept.digest };
    await expect(answer(means({ record, state: () => kept }))).rejects.toThrow(reason);
  });
});

describe("a state that only the engine can go on from", () => {
  test.for<[reason: string, value: () => unknown]>([
    ["the state is empty", () => ({ checkpoint: {} })],
    ["a run was cut short", () => state({ pending_operations: [{ type: "creating" }] })],
    ["the state's secrets are not kept by a passphrase", () => state({ secrets_providers: { type: "cloud", state: {} } })],
    ["x is not finished", () => state({}, [custom("fleet:index:Role", "x", { initErrors: ["failed"] })])],
    ["x is not finished", () => state({}, [custom("fleet:index:Role", "x", { delete: true })])],
    ["x is not finished", () => state({}, [custom("fleet:index:Role", "x", { taint: true })])],
  ])("%s", ([reason, value]) => {
    expect(checkpoint(value())).toBe(reason);
  });

  test("none at all", () => {
    expect(readCheckpoint(join(folder, "missing.json"))).toBe("there is no state in this checkout");
  });
});

test("Pulumi's own passphrase: the right one opens, another does not", async () => {
  const key = await unlock(salt, "bench");
  expect(decrypted(key!, hidden.ciphertext)).toBe("pulumi");
  expect(await unlock(salt, "Bench")).toBeUndefined();
  expect(await unlock("v2:x", "bench")).toBeUndefined();
});
