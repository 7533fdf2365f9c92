// A state or lock that a full disk or a power cut left in pieces: one sentence, with the way back. And nobody else reads what is kept.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { planFleet } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { shutStateFolder, stateFolder } from "../../pulumi/folder.ts";
import { localDeployment, localStack, prepare } from "../../pulumi/state.ts";
import { canClose, refuseLostState } from "../../pulumi/state-file.ts";
import { UserError } from "../../spec/problem.ts";
import { parseStack } from "../../spec/read.ts";

const file = localStack("x");
const backups = join(stateFolder, ".pulumi/backups/contest-fleet/x");
const state = (resources: readonly string[]): string =>
  JSON.stringify({ version: 3, checkpoint: { stack: "x", latest: { resources: resources.map((urn) => ({ urn, type: "t" })) } } });

function put(path: string, text: string, time = 0): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  if (time > 0) utimesSync(path, time, time);
}

const { spec } = parseStack(
  "config:\n  contest-fleet:fleet:\n    team: t\n    target: practice\n    servers: { isu1: { roles: [memcached] } }\n",
  "stacks/Pulumi.x.yaml",
  choices,
);
const plan = planFleet(spec, { stack: "x", cores: 2, architecture: "amd64", overlays: {} });

const said = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return "nothing";
};

beforeEach(() => rmSync(join(stateFolder, ".pulumi"), { recursive: true, force: true }));

describe("a state", () => {
  test("that is whole is read", () => {
    put(file, state(["a"]));
    expect(localDeployment("x")?.resources).toEqual([{ urn: "a", type: "t" }]);
    put(file, '{"version":3,"checkpoint":{"stack":"x"}}');
    expect(localDeployment("x")).toBeUndefined();
  });

  test.each([
    ["an empty file", ""],
    ["one that was cut short", state(["a"]).slice(0, 40)],
    ["one that was cut short", "null"],
  ])("that is %s names the newest backup that is whole", (got, text) => {
    put(file, text);
    put(`${file}.bak`, state(["a"]), 1_700_000_000);
    put(join(backups, "x.1.json"), state(["a", "b"]), 1_700_000_900);
    put(join(backups, "x.2.json"), "{", 1_700_001_000);
    const sentence = said(() => localDeployment("x"));
    expect(sentence).toContain(`, got ${got}; next: cp `);
    expect(sentence).toMatch(/^x: expected its state in \S+\/x\.json, got /);
    expect(sentence).toContain("x.1.json ");
    expect(sentence).toContain("of 2023-11-14 22:28:20 UTC");
    // What it says to type is what helps.
    const [, from = "", to = ""] = /next: cp (\S+) (\S+)/.exec(sentence) ?? [];
    put(to, readFileSync(from, "utf8"));
    expect(localDeployment("x")?.resources).toHaveLength(2);
  });

  test("without a backup may begin anew", () => {
    put(file, "");
    expect(said(() => localDeployment("x"))).toMatch(/next: no backup of it is whole; rm \S+x\.json begins anew/);
  });

  test("that is missing while a backup knows of servers is not begun anew in silence", async () => {
    put(`${file}.bak`, state(["a"]));
    await expect(prepare(plan)).rejects.toThrow(/expected its state in \S+, got no file; next: cp \S+x\.json\.bak \S+x\.json /);
  });

  test("of a stack that Pulumi's own commands took away is not missed: the newest backup knows of nothing", () => {
    put(join(backups, "x.1.json"), state(["a", "b"]), 1_700_000_000);
    put(`${file}.bak`, state([]), 1_700_000_900);
    expect(said(() => refuseLostState("x", file))).toBe("nothing");
    put(join(backups, "x.2.json"), state(["a"]), 1_700_001_000);
    expect(said(() => refuseLostState("x", file))).toMatch(/got no file; next: cp \S+x\.2\.json /);
  });
});

describe("a lock", () => {
  const lock = join(stateFolder, ".pulumi/locks/organization/contest-fleet/x/1.json");

  test.each([[""], ['{"pid": 12, "user']])("that says not whose it is (%j) is told, with what to type", async (text) => {
    put(file, state([]));
    put(lock, text);
    await expect(prepare(plan)).rejects.toThrow(
      /^x: expected a lock that says who holds it, .*; next, if nobody is at work on x: pulumi cancel --yes -s x$/,
    );
  });
});

test("what is kept is its owner's alone", () => {
  const log = join(stateFolder, "runs/up-x.log");
  for (const each of [file, `${file}.bak`, join(backups, "x.1.json"), log]) put(each, "secret");
  shutStateFolder();
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect([file, `${file}.bak`, join(backups, "x.1.json"), log].map(mode)).toEqual(["600", "600", "600", "600"]);
  expect([stateFolder, dirname(file), backups, dirname(log)].map(mode)).toEqual(["700", "700", "700", "700"]);
});

test.each([
  ["fleet:Server", true, true],
  ["pulumi:providers:fleet", true, true],
  ["pulumi:providers:aws", true, true],
  ["contest-fleet:aws:Target", false, true],
  ["aws:ec2/instance:Instance", true, false],
] as const)("a step of %s that a killed run left open is closed by the next one: %#", (type, custom, closes) => {
  expect(canClose({ resource: { type, custom } })).toBe(closes);
});
