// Locks as they are where there are no abstract sockets: files of a directory, tried here on any system.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { locked } from "../../machines/lock.ts";
import { type AcquireLock, socketFiles } from "../../machines/sockets.ts";

let directory: string;
let hold: AcquireLock;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sockets-test-"));
  hold = socketFiles(() => directory);
});
afterEach(() => rm(directory, { recursive: true }));

/** Another process, with `hold` and `locked` at hand. */
function elsewhere(script: string): ChildProcess {
  const module = new URL("../../machines/", import.meta.url).href;
  const before = `
    const { locked } = await import("${module}lock.ts");
    const { socketFiles } = await import("${module}sockets.ts");
    const hold = socketFiles(() => ${JSON.stringify(directory)});`;
  return spawn(process.execPath, ["--input-type=module", "--eval", before + script], { stdio: ["pipe", "pipe", "inherit"] });
}

/** Has the lock until it is ended; it says so first. */
async function holder(): Promise<ChildProcess> {
  const child = elsewhere(`
    const until = () => { console.log("in"); return new Promise((done) => process.stdin.on("end", done).resume()); };
    await locked("one", until, { hold });`);
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
  const child = await holder();
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
  const child = await holder();
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  expect(await readdir(directory)).toHaveLength(1);
  expect(await locked("one", async () => (await readdir(directory)).length, { hold, deadline: 30_000 })).toBe(1);
  expect(await readdir(directory)).toEqual([]);
});

test("processes that meet at a stale lock, and again and again, are never in it together", async () => {
  const dead = await holder();
  const killed = once(dead, "exit");
  dead.kill("SIGKILL");
  await killed;
  // A directory can be made once: whoever finds it there was not alone.
  const room = join(directory, "room");
  const children = Array.from({ length: 3 }, () =>
    elsewhere(`
      const { mkdir, rmdir } = await import("node:fs/promises");
      const room = ${JSON.stringify(room)};
      for (let turn = 0; turn < 15; turn++)
        await locked("one", async () => { await mkdir(room); await new Promise((done) => setTimeout(done, 2)); await rmdir(room); }, { hold });
      console.log("alone each time");`),
  );
  const said = await Promise.all(children.map(async (child) => String((await once(child.stdout!, "data"))[0])));
  expect(said).toEqual(Array(3).fill("alone each time\n"));
  await Promise.all(children.map((child) => (child.exitCode === null ? once(child, "exit") : undefined)));
  expect(await readdir(directory)).toEqual([]);
});
