// Which processes make up a machine, and how they end. All of them carry its id in their arguments: nspawn as `--machine=<id>`, QEMU as
// `guest=<id>`.
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { groups, groupsOf, membersOf } from "./limits.ts";
import { MachineError, type MachineRef } from "./machine.ts";
import { type MachinePaths, machineId } from "./names.ts";
import { type Process, platform } from "./platform.ts";

const markers = ["--machine=", "guest="];

/** The id of the machine to which an argument belongs. */
const idIn = (argument: string): string | undefined => {
  const marker = markers.find((each) => argument.startsWith(each));
  return marker && argument.slice(marker.length);
};

/** The processes of this computer, outside machines, that belong to a machine whose id matches. */
export async function processes(id: RegExp): Promise<Process[]> {
  return (await platform.processes()).filter(({ args }) => args.some((each) => id.test(idIn(each) ?? "")));
}

/** The process that a pid file names, if it still is the one that wrote it: pids are used again. */
export async function alive(file: string, ref: MachineRef): Promise<number | undefined> {
  const pid = Number(await readFile(file, "utf8").catch(() => "0"));
  return pid > 0 && (await platform.argumentsOf(pid)).some((each) => idIn(each) === machineId(ref)) ? pid : undefined;
}

async function firstChild(pid: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return Number(children.split(" ")[0]) || undefined;
}

export interface Running {
  readonly supervisor: number;
  /** The first process inside; not there for the moment between two boots. */
  readonly leader?: number;
}

/** Whether somebody keeps the machine up. Costs three reads of /proc; no program is started. */
export async function running(ref: MachineRef, paths: MachinePaths): Promise<Running | undefined> {
  const [supervisor, machine] = await Promise.all([alive(paths.supervisorPid, ref), alive(paths.machinePid, ref)]);
  if (!supervisor) return undefined;
  const leader = machine && (await firstChild(machine));
  return { supervisor, ...(leader && { leader }) };
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

async function members(id: RegExp): Promise<number[]> {
  const grouped = await Promise.all((await groups(id)).map(membersOf));
  return [...new Set([...(await processes(id)).map(({ pid }) => pid), ...grouped.flat()])];
}

/** Waits until nothing of the machine runs; false after `deadline` milliseconds. */
async function gone(id: RegExp, deadline: number): Promise<boolean> {
  const end = Date.now() + deadline;
  while ((await members(id)).length > 0) {
    if (Date.now() > end) return false;
    await sleep(20);
  }
  return true;
}

/** Ends everything of the machines whose id matches, at once. */
export async function kill(id: RegExp): Promise<void> {
  const end = Date.now() + 20_000;
  do {
    signalAll(await members(id), "SIGKILL");
    if (await gone(id, 500)) return;
  } while (Date.now() < end);
  throw new MachineError(`processes ${(await members(id)).join(", ")} do not end on SIGKILL; the kernel's log may say what they wait for`);
}

/** Shuts one machine down as its own `poweroff` would; kills what has not ended after 30 s. */
export async function shutDown(ref: MachineRef, paths: MachinePaths): Promise<void> {
  const id = groupsOf(ref);
  const supervisor = await alive(paths.supervisorPid, ref);
  // Without a supervisor (nspawn follows its death, but one may have been killed while starting) each is told by itself.
  signalAll(supervisor ? [supervisor] : (await processes(id)).map(({ pid }) => pid), "SIGTERM");
  if (!(await gone(id, 30_000))) await kill(id);
}
