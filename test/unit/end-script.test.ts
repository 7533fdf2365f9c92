// Ending what a root shell runs, on this computer's own processes.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { endScript } from "../../provisioners/ssh/end-script.ts";

const run = promisify(execFile);
/** Seconds that a started process sleeps: by them it is found, and after them it is gone whatever happens. */
const nap = 300 + randomInt(1, 99_999) / 100_000;
const left = async (): Promise<string> =>
  run("pgrep", ["-f", `^sleep ${nap}`]).then(
    ({ stdout }) => stdout,
    () => "",
  );

let shell: ChildProcess | undefined;
afterEach(async () => {
  shell?.kill("SIGKILL");
  await run("pkill", ["-KILL", "-f", `^sleep ${nap}`]).catch(() => {});
});

const end = (pid: number): Promise<string> => run("sh", ["-c", endScript(pid, "told")]).then(({ stdout }) => stdout);

test.each([
  ["what runs", "sleep $nap & sleep $nap & wait", 200],
  ["what has a session of its own", "setsid sleep $nap & wait", 200],
  ["what is stopped", "sleep $nap & sleep 0.3; kill -STOP $!; wait", 600],
  [
    "what is being started while it is looked for",
    "i=0; while [ $i -lt 300 ]; do i=$((i+1)); sleep 0.01; sh -c 'sleep $0 & sleep $0 & wait' $nap & done; wait",
    30,
  ],
])("%s is ended, and nothing that waits for it goes on", async (_, script, wait) => {
  // A shell of its own below, as a script has: the outer one is not to be ended.
  shell = spawn("sh", ["-c", `(nap=${nap}\n${script}\n)\necho over; exec sleep 60`], { stdio: ["ignore", "pipe", "ignore"] });
  const over = new Promise((resolve) => shell!.stdout!.once("data", resolve));
  await expect.poll(left, { timeout: 20_000, interval: 5 }).not.toBe("");
  await pause(wait);
  expect(await end(shell.pid!)).toBe("told\n");
  await over;
  await expect.poll(left).toBe("");
});
