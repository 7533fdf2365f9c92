// What could not be had ends no run: what leans on it is left and named, the rest of the role is done. Real sh runs the script.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bootScript } from "../../provisioners/boot-script.ts";
import { apply } from "../../provisioners/engine/apply.ts";
import { blankObservation, type Observation } from "../../provisioners/engine/observe.ts";
import { missingPath } from "../../provisioners/engine/probe.ts";
import type { Result } from "../../provisioners/engine/report.ts";
import { type Command, sh } from "../../provisioners/engine/shell-quote.ts";
import type { Address } from "../../provisioners/resources/kind.ts";
import { type Declared, want } from "../../provisioners/resources/want.ts";
import { type LocalShell, localShell } from "../support/local-shell.ts";

let shell: LocalShell;
beforeEach(() => {
  shell = localShell();
});
afterEach(() => shell.close());
const at = (path: string): string => join(shell.root, path);

const broken = sh`echo 'E: Unable to locate package wrong'; exit 100`;
const gone = want.package({ name: "wrong" });

const seen = (all: Readonly<Record<Address, unknown>>): Observation => ({
  ...blankObservation,
  haves: new Map((Object.keys(all) as Address[]).map((address) => [address, missingPath])),
});

/** Each in the order given, by a step of the test's own: what a kind would run is not what is asked here. */
async function run(...all: readonly (readonly [Declared, Command])[]): Promise<Readonly<Record<Address, Result>>> {
  const changes = all.map(([{ address }, each]) => ({ address, steps: [{ change: "runs", run: each }], undo: false }));
  const wants = Object.fromEntries(all.map(([{ address, want: each }]) => [address, each]));
  const results = await apply(shell, { role: "lacking", wants, seen: seen(wants), changes, forgotten: [] });
  return Object.fromEntries(results.map((result) => [result.address, result]));
}
const told = (results: Readonly<Record<Address, Result>>) => Object.values(results).map(({ outcome, reason }) => [outcome, reason]);
const write = (path: string) => sh`echo new > ${path}`;

test("a wrong package stops nothing that does not lean on it", async () => {
  const file = want.file({ path: at("motd"), content: "new\n" });
  const results = await run([gone, broken], [file, write(at("motd"))], [want.check({ name: "holds", command: "true" }), sh`:`]);
  expect(results[gone.address]).toMatchObject({ outcome: "failed", reason: expect.stringContaining("Unable to locate package wrong") });
  expect(told(results).slice(1)).toEqual([
    ["changed", undefined],
    ["changed", undefined],
  ]);
  expect(readFileSync(at("motd"), "utf8")).toBe("new\n");
});

test("anything else that fails ends the run as ever, also after a package that could not be had", async () => {
  const [first, second] = ["a", "b"].map((name) => want.command({ name, run: "x", unless: "false" }));
  expect(told(await run([first!, broken], [second!, sh`:`])).map(([outcome]) => outcome)).toEqual(["failed", "skipped"]);
  const late = await run([gone, broken], [first!, sh`exit 3`], [second!, sh`:`]);
  expect(told(late).map(([outcome]) => outcome)).toEqual(["failed", "failed", "skipped"]);
});

test("what a reference leads to, however far, is left", async () => {
  const locale = want.command({ name: "locale", run: "x", unless: "false", after: [gone.address] });
  const next = want.command({ name: "next", run: "x", unless: "false", after: [locale.address] });
  const results = await run([gone, broken], [locale, sh`touch ${at("locale")}`], [next, sh`touch ${at("next")}`]);
  expect(told(results).slice(1)).toEqual([
    ["skipped", "left: it comes after package[wrong]"],
    ["skipped", "left: it comes after command[locale]"],
  ]);
  expect(existsSync(at("locale")) || existsSync(at("next"))).toBe(false);
});

describe("what nobody has made leaves", () => {
  const path = () => at("nowhere/app.conf");
  const user = "fleet-nobody-here";
  test.each([
    ["a file in its folder", () => want.file({ path: path(), content: "" }), () => `\`${at("nowhere")}\` is not there`],
    ["a file of its user", () => want.file({ path: at("a"), content: "", owner: user }), () => `user \`${user}\` does not exist`],
    ["a file of its group", () => want.file({ path: at("a"), content: "", group: user }), () => `group \`${user}\` does not exist`],
    ["a folder of its user", () => want.directory({ path: at("a"), owner: user }), () => `user \`${user}\` does not exist`],
    ["a block in its folder", () => want.block({ path: path(), name: "x", content: "a\n" }), () => `\`${at("nowhere")}\` is not there`],
    [
      "a link to what it brings",
      () => want.link({ path: at("zone"), target: at("zones/x"), existing: true }),
      () => `\`${at("zones/x")}\` is not there`,
    ],
    ["a command of its user", () => want.command({ name: "x", run: "x", unless: "false", user }), () => `user \`${user}\` does not exist`],
    ["an account in its group", () => want.user({ name: "ada", groups: [user] }), () => `group \`${user}\` does not exist`],
    [
      "a checkout of its user",
      () => want.git({ path: at("a"), repository: "https://x.example/a.git", ref: "main", owner: user }),
      () => `user \`${user}\` does not exist`,
    ],
    [
      "a job of its user",
      () => want.cron({ name: "x", jobs: [{ schedule: "@daily", user, run: "x" }] }),
      () => `user \`${user}\` does not exist`,
    ],
  ])("%s", async (_name, declared, why) => {
    mkdirSync(at("kept"));
    const each = declared();
    const last = want.file({ path: at("kept/last"), content: "new\n" });
    const results = await run([gone, broken], [each, sh`touch ${at("ran")}`], [last, write(at("kept/last"))]);
    expect(results[each.address]).toMatchObject({ outcome: "skipped", reason: `left without package[wrong]: ${why()}` });
    expect(results[last.address]).toMatchObject({ outcome: "changed" });
    expect(existsSync(at("ran"))).toBe(false);
    // Where all could be had, nobody asks: the step itself says what is wrong.
    expect((await run([gone, sh`:`], [each, sh`touch ${at("ran")}`]))[each.address]).toMatchObject({ outcome: "changed" });
  });
});

test("a service whose unit is not there is left, and its files go back with what asks it", async () => {
  writeFileSync(at("app.conf"), "old\n");
  const file = want.file({ path: at("app.conf"), content: "new\n" });
  const other = want.file({ path: at("motd"), content: "new\n" });
  const service = want.service({ unit: "fleet-not-here.service", restartOn: [file.address] });
  const check = want.check({ name: "answers", command: "true" });
  const steps = [
    [file, write(at("app.conf"))],
    [other, write(at("motd"))],
    [service, sh`:`],
    [check, sh`touch ${at("asked")}`],
  ] as const;
  // No systemd is asked here.
  mkdirSync(at("bin"));
  writeFileSync(at("bin/systemctl"), "#!/bin/sh\necho not-found\n", { mode: 0o755 });
  const asked: LocalShell["run"] = (script, options) => shell.run({ ...script, text: `PATH=${at("bin")}:$PATH\n${script.text}` }, options);
  const changes = [[gone, broken] as const, ...steps].map(([{ address, want: each }, step]) => ({
    address,
    each,
    steps: [{ change: "runs", run: step }],
    undo: false,
    ...(address.startsWith("file[") && { path: address.slice(5, -1) }),
  }));
  const wants = Object.fromEntries(changes.map(({ address, each }) => [address, each]));
  const results = await apply({ ...shell, run: asked }, { role: "lacking", wants, seen: seen(wants), changes, forgotten: [] });
  expect(results.map(({ outcome, reason }) => [outcome, outcome === "failed" ? "" : reason])).toEqual([
    ["failed", ""],
    ["skipped", "rolled back: service[fleet-not-here.service] was left"],
    ["changed", undefined],
    ["skipped", "left without package[wrong]: unit `fleet-not-here.service` is not there"],
    ["skipped", "left without package[wrong]: its service does not run"],
  ]);
  expect(["app.conf", "motd"].map((name) => readFileSync(at(name), "utf8"))).toEqual(["old\n", "new\n"]);
  expect(existsSync(at("asked"))).toBe(false);
});

test("what fails after something was left is a failure, also where its file goes back", async () => {
  writeFileSync(at("app.conf"), "old\n");
  const file = want.file({ path: at("app.conf"), content: "new\n" });
  const early = want.file({ path: at("nowhere/a"), content: "" });
  const service = want.service({ unit: "app.service", restartOn: [file.address] });
  const all = [
    [gone, broken],
    [early, sh`:`],
    [file, sh`echo new > ${at("app.conf")}; echo refused; exit 1`],
  ] as const;
  const changes = all.map(([{ address }, step]) => ({
    address,
    steps: [{ change: "runs", run: step }],
    undo: false,
    ...(address === file.address && { path: at("app.conf") }),
  }));
  const wants = Object.fromEntries([gone, early, file, service].map(({ address, want: each }) => [address, each]));
  const results = await apply(shell, { role: "lacking", wants, seen: seen(wants), changes, forgotten: [] });
  expect(results.map(({ address, outcome }) => [address, outcome])).toEqual([
    [gone.address, "failed"],
    [early.address, "skipped"],
    [file.address, "failed"],
  ]);
  expect(results.at(-1)!.reason).toContain("refused");
  expect(readFileSync(at("app.conf"), "utf8")).toBe("old\n");
});

test("a server that nobody pushes to still ends with a failure", () => {
  const script = bootScript([{ role: "base", wants: { [gone.address]: gone.want } }]);
  expect(script).toMatch(/fail \| left\) .*exit 1/);
});
