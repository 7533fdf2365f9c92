// A command in a session of its own, so that it can be killed with everything that it started, whatever process groups that is in
// (Pulumi gives each plugin one).
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** The processes of a session that still run. */
export async function membersOf(session: number): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const rows = pids.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // proc(5): the name in parentheses may hold anything; after it come state, parent, process group, session.
    const [state, , , of] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return Number(of) === session && state !== "Z" ? [pid] : [];
  });
  return (await Promise.all(rows)).flat();
}

/** Their command lines, by process id. */
export async function commandsOf(session: number): Promise<ReadonlyMap<number, string>> {
  const members = await membersOf(session);
  const rows = members.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return [pid, text.split("\0").join(" ")] as const;
  });
  return new Map(await Promise.all(rows));
}

/** kill -9 of all of them; resolves when none is left. */
export async function killSession(session: number): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    const members = await membersOf(session);
    if (members.length === 0) return;
    for (const pid of members) kill(pid);
    await sleep(10);
  }
  throw new Error(`session ${session}: processes are left after a minute of kill -9`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
