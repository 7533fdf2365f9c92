// One at a time, across processes. A lock ends with its holder, however that dies: none is stale. A waiter hears the release.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { MachineError } from "./machine.ts";
import { ofThisUser } from "./names.ts";
import { platform } from "./platform.ts";
import type { AcquireLock } from "./sockets.ts";

/** Resolves when the holder lets go, or after `deadline` milliseconds. */
function released(path: string, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(deadline, () => socket.destroy());
    socket.on("error", () => undefined).on("close", () => resolve());
  });
}

interface LockOptions {
  readonly deadline?: number;
  readonly signal?: AbortSignal | undefined;
  /** @default as this computer's system has it */
  readonly hold?: AcquireLock;
}

/**
 * Runs `work` while nobody else holds the lock `name`.
 * `deadline`: milliseconds to wait for it. @default 120000
 */
export async function locked<T>(
  name: string,
  work: () => Promise<T>,
  { deadline = 120_000, signal, hold = platform.hold }: LockOptions = {},
): Promise<T> {
  const end = Date.now() + deadline;
  let held = await hold(ofThisUser(name));
  while (typeof held === "string") {
    if (signal?.aborted) throw new MachineError(`\`${name}\`: cancelled while another process works on it`);
    if (Date.now() > end)
      throw new MachineError(`\`${name}\` has been worked on by another process for ${deadline / 1000} s; wait for it or end it`);
    await released(held, Math.max(1, Math.min(1000, end - Date.now())));
    await sleep(5);
    held = await hold(ofThisUser(name));
  }
  try {
    return await work();
  } finally {
    await held.release();
  }
}
