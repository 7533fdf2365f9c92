// Waits until a started machine greets as an SSH server does; sshd comes after user sessions are open, so a login then works.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type MachineContext, MachineError, type MachineSpec } from "./machine.ts";
import type { MachinePaths } from "./names.ts";
import { tail } from "./run.ts";

/** Milliseconds. Three machines at once need 2 to 4 s; a computer busy with other things, more. */
const deadline = 90_000;

function greets(address: string, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22 });
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
  const plain = tail(text.replace(/\x1b\[[0-9;?]*[A-Za-z]|\r/g, ""), 15);
  return plain ? `the end of its boot log:\n${plain}` : `its boot log \`${log}\` is empty`;
}

/** True when it greets, false when it ended before that; a MachineError with the end of its boot log at the deadline. */
export async function answered({ name, address }: MachineSpec, paths: MachinePaths, { signal }: MachineContext): Promise<boolean> {
  const end = Date.now() + deadline;
  // A machine that is still booting does not even refuse: its address has no owner yet, and the kernel asks around for a second.
  while (!(await greets(address, 1000))) {
    if (signal?.aborted) throw new MachineError(`${name}: stopped on request while it boots; the next run waits for it again`);
    if (existsSync(paths.exit)) return false;
    if (Date.now() > end)
      throw new MachineError(`${name}: no SSH greeting from \`${address}:22\` within ${deadline / 1000} s; ${await bootLog(paths)}`);
    await sleep(30);
  }
  return true;
}
