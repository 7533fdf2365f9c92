// A folder with files that becomes a checkout, by the scripts that a server runs, on folders and repositories of this computer.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask } from "../../provisioners/engine/ask.ts";
import type { Shell } from "../../provisioners/engine/shell.ts";
import { GitWant, git } from "../../provisioners/resources/git.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-adopt-"));
  mkdirSync(join(folder, "webapp"));
  writeFileSync(join(folder, "webapp", "app.py"), "print(1)\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

const webapp = (): string => join(folder, "webapp");
const run = (text: string) => spawnSync("sh", ["-c", text], { encoding: "buffer" });
const shell: Shell = {
  host: "isu1",
  close: async () => {},
  run: async ({ text }) => {
    const { status, stdout, stderr } = run(text);
    return { code: status ?? 1, stdout, stderr: stderr.toString() };
  },
};
const want = (): GitWant =>
  GitWant.parse({ path: webapp(), repository: join(folder, "webapp.git"), ref: "main", owner: "root", group: "root", adopt: true });
const look = () => ask(shell, (asked) => git.read(want(), asked));

async function apply(): Promise<{ readonly code: number | null; readonly said: string; readonly changes: readonly string[] }> {
  const steps = git.plan(want(), await look(), { pending: false, gone: [], changed: new Set() });
  const done = steps.map((step) => run(`set -e\n${step.run!.text}`));
  const failed = done.find(({ status }) => status !== 0);
  return { code: failed?.status ?? 0, said: done.map(({ stdout }) => stdout).join(""), changes: steps.map(({ change }) => change) };
}

/** The folder's own files, pushed. */
function push(branch = "main"): void {
  const at = (...args: string[]) => execFileSync("git", ["-C", webapp(), "-c", "user.name=x", "-c", "user.email=x@x", ...args]);
  execFileSync("git", ["init", "-q", "--bare", "-b", "main", join(folder, "webapp.git")]);
  at("init", "-q", "-b", branch);
  at("add", ".");
  at("commit", "-q", "-m", "as handed out");
  at("push", "-q", join(folder, "webapp.git"), branch);
  rmSync(join(webapp(), ".git"), { recursive: true });
}

test("a repository that can't be had leaves the folder as it was, and the next run begins anew", async () => {
  expect((await apply()).code).toBeGreaterThan(0);
  expect(readdirSync(webapp())).toEqual(["app.py"]);
  push();
  expect((await apply()).code).toBe(0);
  expect(existsSync(join(webapp(), ".git"))).toBe(true);
  expect((await apply()).changes).toEqual([]);
});

test("a branch that is not there is named", async () => {
  push("master");
  const { code, said } = await apply();
  expect(code).toBe(1);
  expect(said).toContain("to have a branch, a tag or a commit main, got none of that name");
  expect(readdirSync(webapp())).toEqual(["app.py"]);
});

test("what a run that was killed left is no checkout yet: the next one makes it one", async () => {
  push();
  execFileSync("git", ["-C", webapp(), "init", "-q"]);
  execFileSync("git", ["-C", webapp(), "remote", "add", "origin", "/nowhere"]);
  const { code, changes } = await apply();
  expect(changes).toEqual([expect.stringContaining("make the folder a checkout of")]);
  expect(code).toBe(0);
  expect((await apply()).changes).toEqual([]);
});
