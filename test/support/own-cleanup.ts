// Before a test run: what killed runs left on this computer goes (processes, machines, bridges, tables, state), theirs alone.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { locked } from "../../machines/lock.ts";
import { stackId } from "../../machines/names.ts";
import { tables } from "../../machines/network.ts";
import { run } from "../../machines/run.ts";
import { sweep } from "../../machines/sweep.ts";
import { disown, isAlive, owners, root, stacksOf } from "./own-runs.ts";

/** Those that an owner's test file started, whatever became of their parents: each carries its folder in its environment. */
export function processesOf(owner: string): readonly number[] {
  const mark = `FLEET_PROJECT=${join(root, owner)}/`;
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => environmentOf(pid).includes(mark)).map(Number);
}

/** Empty for a process that has ended, or is another user's. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

async function endProcesses(owner: string): Promise<void> {
  for (let tries = 0; tries < 2400; tries++) {
    const left = processesOf(owner);
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
    await sleep(25);
  }
  throw new Error(`${owner}: processes ${processesOf(owner).join(", ")} are left after a minute of kill -9`);
}

/** Machines, bridges and tables of a stack, those too that tests made beside the machines'. */
export async function clearStack(stack: string): Promise<void> {
  await sweep(stack);
  for (const table of await tables(new RegExp(`^[a-z]+_fb_${stackId(stack)}$`))) await run("nft", ["delete", "table", "ip", table]);
}

/** @returns the owners whose leavings it took away */
export async function clearDead(): Promise<readonly string[]> {
  return await locked(
    "tests of killed runs",
    async () => {
      const dead = owners().filter((owner) => !isAlive(owner));
      for (const owner of dead) {
        if (process.platform === "linux") await endProcesses(owner);
        for (const stack of stacksOf(owner)) await clearStack(stack);
        disown(owner);
      }
      return dead;
    },
    { deadline: 600_000 },
  );
}

export default async function setup(): Promise<void> {
  const dead = await clearDead();
  if (dead.length > 0)
    console.log(`took away what ${dead.length === 1 ? "a killed test file" : `${dead.length} killed test files`} had left`);
}
