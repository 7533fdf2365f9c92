// QEMU's monitor: one JSON command over its socket.
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { MachineError, type MachineRef } from "../machine.ts";
import { machineId } from "../names.ts";
import { platform } from "../platform.ts";

/** Milliseconds for all of it; QEMU answers in one, on a busy computer in a hundred. */
const patience = 10_000;

/** Resolves when QEMU has taken the command; rejects with a MachineError where it refuses, or does not answer. */
export function tell(ref: MachineRef, pid: number, command: string, args: Readonly<Record<string, string | number>> = {}): Promise<void> {
  const path = platform.monitor.reachedAt(machineId(ref), pid);
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = (why: string) => {
      socket.destroy();
      reject(new MachineError(`QEMU (process ${pid}): \`${command}\`: ${why}`));
    };
    socket.setTimeout(patience, () => fail(`no answer within ${patience / 1000} s`));
    socket.on("error", ({ message }) => fail(message)).on("close", () => fail("it ended before it answered"));
    socket.write(`{"execute":"qmp_capabilities"}\n${JSON.stringify({ execute: command, arguments: args })}\n`);
    let returns = 0;
    createInterface(socket).on("line", (line) => {
      const { error, return: value } = JSON.parse(line) as { error?: { desc: string }; return?: unknown };
      if (error) return fail(error.desc);
      if (value !== undefined && ++returns === 2) {
        resolve();
        socket.destroy();
      }
    });
  });
}
