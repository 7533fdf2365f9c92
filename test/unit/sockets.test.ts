// Locks as they are where there are no abstract sockets: files of a directory, tried here on any system.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { locked } from "../../provisioners/machines/lock.ts";
import { type Hold, socketFiles } from "../../provisioners/machines/sockets.ts";

let directory: string;
let hold: Hold;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sockets-test-"));
  hold = socketFiles(() => directory);
});
afterEach(() => rm(directory, { recursive: true }));

/** Another process that has the lock until it is ended; it says so first. */
async function holder(name: string): Promise<ChildProcess> {
  const module = new URL("../../provisioners/machines/", import.meta.url).href;
  const script = `
    const { locked } = await import("${module}lock.ts");
    const { socketFiles } = await import("${module}sockets.ts");
    await locked(${JSON.stringify(name)}, () => { console.log("in"); return new Promise((done) => process.stdin.on("end", done).resume()); },
      { hold: socketFiles(() => ${JSON.stringify(directory)}) });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout!, "data");
  return child;
}

test("one at a time, each of many in its turn, and nothing is left", async () => {
  let inside = 0;
  const most: number[] = [];
  const work = async () => {
    most.push(++inside);
    await sleep(5);
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => locked("one", work, { hold })));
  expect(most).toEqual(Array(8).fill(1));
  expect(await readdir(directory)).toEqual([]);
});

test("free again after a failure; another name is another lock", async () => {
  await expect(locked("one", () => Promise.reject(new Error("failed inside")), { hold })).rejects.toThrow("failed inside");
  expect(await locked("one", () => locked("two", async () => "both", { hold }), { hold })).toBe("both");
});

test("of another process: waited for, and taken at the moment of its release", async () => {
  const child = await holder("one");
  await expect(locked("one", async () => "in", { hold, deadline: 100 })).rejects.toThrow("worked on by another process");
  let got = false;
  const waiting = locked(
    "one",
    async () => {
      got = true;
      return Date.now();
    },
    { hold },
  );
  await sleep(200);
  expect(got).toBe(false);
  const ended = once(child, "exit");
  child.stdin!.end();
  expect(await waiting).toBeGreaterThan(0);
  await ended;
  expect(child.exitCode).toBe(0);
});

test("of a process that was killed: its file stays, is nobody's, and goes at the next look", async () => {
  const child = await holder("one");
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  expect(await readdir(directory)).toHaveLength(1);
  expect(await locked("one", async () => (await readdir(directory)).length, { hold, deadline: 1000 })).toBe(1);
  expect(await readdir(directory)).toEqual([]);
});

test("two processes and this one at a stale lock never meet", async () => {
  const child = await holder("one");
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  const seen: string[] = [];
  const enter = (who: string) => async () => {
    seen.push(`${who} in`);
    await sleep(10);
    seen.push(`${who} out`);
  };
  await Promise.all(["a", "b", "c", "d"].map((who) => locked("one", enter(who), { hold })));
  expect(seen).toHaveLength(8);
  for (let at = 0; at < 8; at += 2) expect(seen[at + 1]).toBe(seen[at]!.replace("in", "out"));
});
