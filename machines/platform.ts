// What differs between the systems on which practice machines run: how processes are found, what a lock is, what QEMU is given.
import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MachineError } from "./machine.ts";
import { run } from "./run.ts";
import { type AcquireLock, abstractSocket, socketFiles } from "./sockets.ts";

export interface Process {
  readonly pid: number;
  readonly args: readonly string[];
}

export interface Platform {
  /** Whether mounts, links and cgroups of containers can be here. */
  readonly containers: boolean;
  /** All of this computer's. */
  processes(): Promise<Process[]>;
  /** None of a process that is gone. */
  argumentsOf(pid: number): Promise<readonly string[]>;
  /** Milliseconds between two looks at a process that is waited for. */
  readonly lookEvery: number;
  readonly hold: AcquireLock;
  /** Goes before the command of a program that is to end with who started it. */
  readonly tied: readonly string[];
  /** What keeps QEMU from doing what it never has to. */
  readonly sandbox: readonly string[];
  /** The socket of QEMU's monitor: as QEMU in the machine's directory is told, and as others reach it. */
  readonly monitor: { listensAt(id: string): string; reachedAt(id: string, pid: number): string };
  /** Takes away what machines whose id matches have outside their directory. */
  forget(id: RegExp): void;
}

const fromProc = async (pid: number | string): Promise<string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0").slice(0, -1);

const linux: Platform = {
  containers: true,
  async processes() {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
    return await Promise.all(pids.map(async (pid) => ({ pid, args: await fromProc(pid) })));
  },
  argumentsOf: fromProc,
  lookEvery: 50,
  hold: abstractSocket,
  tied: ["setpriv", "--pdeathsig=TERM"],
  sandbox: ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
  monitor: {
    listensAt: () => "monitor",
    // Past the 107 characters that a socket's path may have: through the directory in which QEMU runs.
    reachedAt: (_, pid) => `/proc/${pid}/cwd/monitor`,
  },
  forget: () => undefined,
};

/** Of `ps -o pid=,args=`. Words, since ps does not say where an argument ends; ids of machines have no space in them. */
export const parseProcesses = (text: string): Process[] =>
  text.split("\n").flatMap((line) => {
    const [pid, ...args] = line.trim().split(/\s+/);
    return pid ? [{ pid: Number(pid), args }] : [];
  });

/** Short, since a socket's path may have 103 characters here; and where every process of a user looks, whatever its TMPDIR is. */
export const socketsDirectory = (): string => `/tmp/contest-fleet-${process.getuid!()}`;

/** Made where it is missing. In /tmp somebody else could have been there first: that is refused. */
export function ownDirectory(directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  if (!found.isDirectory() || found.uid !== process.getuid!() || (found.mode & 0o077) !== 0)
    throw new MachineError(`\`${directory}\`: expected a directory that is yours and closed to others, got something else; remove it`);
  return directory;
}

const monitorAt = (id: string): string => join(socketsDirectory(), `${id}.monitor`);

const darwin: Platform = {
  containers: false,
  processes: async () => parseProcesses(await run("ps", ["-axww", "-o", "pid=,args="])),
  // ps fails where there is no such process.
  argumentsOf: async (pid) => parseProcesses(await run("ps", ["-ww", "-o", "pid=,args=", "-p", `${pid}`]).catch(() => ""))[0]?.args ?? [],
  // Each look starts programs.
  lookEvery: 500,
  hold: socketFiles(() => ownDirectory(socketsDirectory())),
  // A machine whose supervisor was killed goes on; it counts as not running, and the next start ends it first.
  tied: [],
  sandbox: [],
  monitor: { listensAt: monitorAt, reachedAt: monitorAt },
  forget(id) {
    const directory = ownDirectory(socketsDirectory());
    const monitors = readdirSync(directory).filter((name) => name.endsWith(".monitor") && id.test(name.slice(0, -".monitor".length)));
    for (const name of monitors) rmSync(join(directory, name), { force: true });
  },
};

export const platforms = { linux, darwin } as const;

/** This computer's; any other system is refused before it matters. */
export const platform: Platform = process.platform === "darwin" ? darwin : linux;
