// Ctrl-C and SIGTERM, at questions and in the middle of work: one sentence, exit code 130, nothing that goes on, and the next run comes to
// the end. On one practice machine.
import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, expect, test } from "vitest";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { project } from "../../provisioners/project.ts";
import { type Running, Trial } from "../support/fleet.ts";
import { commandsOf } from "../support/session.ts";
import { soon } from "../support/soon.ts";

const trial = new Trial("interrupt", {
  target: "practice",
  servers: { isu1: { roles: ["memcached"], cores: 1 } },
});
afterAll(() => trial.remove());

/** What still runs of what the command started: machines are to go on, the engine and all of its helpers not. */
const leftOf = async (pid: number): Promise<readonly string[]> =>
  [...(await commandsOf(pid)).values()].filter((command) => /pulumi|run\.cjs|cli\/main\.ts/.test(command));

/** Waits until it has said so, then sends the signal to the command alone, as `kill` does. */
async function interruptedAt(run: Running, moment: RegExp, signal: NodeJS.Signals) {
  await soon(() => run.said()).toMatch(moment);
  run.child.kill(signal);
  const answer = await run.done;
  return { ...answer, left: await leftOf(run.child.pid ?? 0) };
}

function expectInterrupted({ code, said, left }: { code: number; said: string; left: readonly string[] }, sentence: RegExp): void {
  expect(code, said).toBe(130);
  expect(left).toEqual([]);
  const told = said.split("\n").filter((line) => line.includes("interrupted"));
  expect(told, said).toEqual([expect.stringMatching(sentence)]);
  expect(said).not.toMatch(/^\s+at .*:\d+:\d+|--force|AbortError|stack rm/m);
}

const goesOn = (command: string) =>
  new RegExp(
    `^${command}: interrupted; what is done stays done, the rest was not begun; next: \\./fleet ${command} \\S+ --yes(?: --verbose)?, which goes on from there$`,
  );
const untouched = (command: string) =>
  new RegExp(`^${command}: interrupted before anything was changed; next: \\./fleet ${command} \\S+ --engine$`);

test("an up that is ended in the middle of its work stops at a safe point, and the next one comes to the end", async () => {
  const stopped = await interruptedAt(trial.start("up", ["--yes", "--verbose"]), /Machine \S+ creat(?:ing|ed)/, "SIGTERM");
  expectInterrupted(stopped, goesOn("up"));
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
});

test.each(["preview", "verify"] as const)("%s that is ended has changed nothing", async (command) => {
  // By the engine: the quick answer may come before the signal.
  const run = trial.start(command, ["--engine"]);
  const engineRuns = async () => [...(await commandsOf(run.child.pid ?? 0)).values()].some((each) => /pulumi preview /.test(each));
  await expect.poll(engineRuns, { timeout: 120_000, interval: 20 }).toBe(true);
  run.child.kill("SIGINT");
  const answer = await run.done;
  expectInterrupted({ ...answer, left: await leftOf(run.child.pid ?? 0) }, untouched(command));
});

/** Typed at a terminal: util-linux's `script` gives it one. */
function atTerminal(words: string): { child: ChildProcess; said(): string; ended: Promise<number> } {
  const child = spawn("script", ["-qefc", `./fleet ${words}`, "/dev/null"], {
    cwd: project,
    env: { ...process.env, ...trial.env },
    stdio: "pipe",
  });
  let heard = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  return { child, said: () => heard, ended: new Promise((resolve) => child.on("close", (code) => resolve(code ?? -1))) };
}

test.each([
  ["Ctrl-C", "\u0003", 130, /down: interrupted before anything was changed; next: \.\/fleet down /],
  ["Ctrl-D", "\u0004", 2, /expected `\S+`, got ``; nothing was changed/],
  ["another word", "no\r", 2, /expected `\S+`, got `no`; nothing was changed/],
] as const)("%s at down's question is an answer", async (_what, typed, code, sentence) => {
  const { child, said, ended } = atTerminal(`down ${trial.stack}`);
  await soon(said).toMatch(/to go on: /);
  child.stdin?.write(typed);
  expect(await ended, said()).toBe(code);
  expect(said()).toMatch(sentence);
  expect(said()).not.toMatch(/AbortError|^\s+at /m);
});

test("up at a terminal shows what fleet preview shows, and asks as down does", async () => {
  trial.edit((fleet) => {
    fleet.params = { memcached: { connections: 2048 } };
  });
  const stopped = atTerminal(`up ${trial.stack}`);
  await soon(stopped.said).toMatch(/~ file\[\/etc\/memcached\.conf\] [\s\S]*1 to update[\s\S]*Type \S+ to go on: /);
  stopped.child.stdin?.write("\u0003");
  expect(await stopped.ended, stopped.said()).toBe(130);
  expect(stopped.said()).toMatch(/up: interrupted before anything was changed; next: \.\/fleet up /);
  const { child, said, ended } = atTerminal(`up ${trial.stack}`);
  await soon(said).toMatch(/to go on: /);
  child.stdin?.write(`${trial.stack}\r`);
  expect(await ended, said()).toBe(0);
  expect(said()).toMatch(/trial: \d+ changes? on 1 server/);
});

test("a down that is ended says how to go on, and the next one leaves nothing", async () => {
  const run = trial.start("down", ["--yes"]);
  const isUp = async () => (await nspawn.read({ stack: trial.stack, name: "isu1" }))?.running ?? false;
  await expect.poll(isUp, { timeout: 120_000, interval: 20 }).toBe(false);
  run.child.kill("SIGTERM");
  const answer = await run.done;
  expectInterrupted({ ...answer, left: await leftOf(run.child.pid ?? 0) }, goesOn("down"));
  const { code, said } = await trial.run("down", ["--yes"]);
  expect(code, said).toBe(0);
  expect(said).toContain("nothing is left on this computer");
  expect(said).not.toMatch(/stack rm|history and configuration/);
});
