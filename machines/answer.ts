// Waits until a started machine greets as an SSH server does; sshd comes after user sessions are open, so a login then works.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type MachineContext, MachineError, type MachineRef } from "./machine.ts";
import type { MachinePaths } from "./names.ts";
import { alive } from "./processes.ts";
import { tail } from "./run.ts";

export interface Door extends MachineRef {
  readonly address: string;
  /** @default 22 */
  readonly port?: number;
  /** Milliseconds. Three containers at once need 2 to 4 s; a computer busy with other things, more. @default 90000 */
  readonly deadline?: number;
  /** Milliseconds for one try: a port of QEMU's is open before there is anybody behind it. @default 1000 */
  readonly patience?: number;
}

function greets(address: string, port: number, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (greeted: boolean) => {
      socket.destroy();
      resolve(greeted);
    };
    socket.setTimeout(patience, () => end(false));
    socket.on("data", (bytes) => end(bytes.toString("latin1").startsWith("SSH-")));
    socket.on("error", () => end(false)).on("close", () => resolve(false));
  });
}

export async function bootLog({ log }: MachinePaths): Promise<string> {
  const text = await readFile(log, "utf8").catch(() => "");
  // The console comes with colours and carriage returns.
  const plain = text.replace(/\x1b\[[0-9;?]*[A-Za-z]|\r/g, "");
  const end = tail(plain, 15);
  return end ? `${causeIn(plain)}the end of its boot log:\n${end}` : `its boot log \`${log}\` is empty`;
}

/** Pure. Why systemd gave up, where that is this computer's limit: many containers share it. */
export function causeIn(log: string): string {
  if (!/inotify.*Too many open files|Failed to allocate manager object: Too many open files/.test(log)) return "";
  return "this computer's limit of inotify instances is used up by what runs on it; next: sysctl -w fs.inotify.max_user_instances=1024, and the same again; ";
}

/** Whether somebody still keeps it up. A supervisor that was killed writes no end, and its machine goes down without one. */
const kept = async (ref: MachineRef, paths: MachinePaths): Promise<boolean> =>
  !existsSync(paths.exit) && (await alive(paths.supervisorPid, ref)) !== undefined;

/** True when it greets, false when it ended before that; a MachineError with the end of its boot log at the deadline. */
export async function answered(door: Door, paths: MachinePaths, { signal }: MachineContext): Promise<boolean> {
  const { name, address, port = 22, deadline = 90_000, patience = 1000 } = door;
  const end = Date.now() + deadline;
  // A machine that is still booting does not even refuse: its address has no owner yet, and the kernel asks around for a second.
  while (!(await greets(address, port, patience))) {
    if (signal?.aborted) throw new MachineError(`${name}: cancelled while it boots; the next run waits for it again`);
    if (!(await kept(door, paths))) return false;
    if (Date.now() > end)
      throw new MachineError(`${name}: no SSH greeting from \`${address}:${port}\` within ${deadline / 1000} s; ${await bootLog(paths)}`);
    await sleep(30);
  }
  return true;
}
