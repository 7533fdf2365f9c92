// One at a time, across processes: an abstract Unix socket is the lock. The kernel takes it back when its holder dies, however
// it dies, so there is no stale lock file to judge; and a waiter hears the release as the end of its connection.
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { MachineError } from "./machine.ts";
import { ofThisUser } from "./names.ts";

function hold(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen({ path, exclusive: true }, () => resolve(server));
  });
}

/** Resolves when the holder lets go, or after `deadline` milliseconds. */
function released(path: string, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(deadline, () => socket.destroy());
    socket.on("error", () => undefined).on("close", () => resolve());
  });
}

/**
 * Runs `work` while nobody else holds the lock `name`.
 * `deadline`: milliseconds to wait for it. @default 120000
 */
export async function locked<T>(
  name: string,
  work: () => Promise<T>,
  { deadline = 120_000, signal }: { deadline?: number; signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const path = `\0contest-fleet/${ofThisUser(name)}`;
  const end = Date.now() + deadline;
  let server = await hold(path);
  while (!server) {
    if (signal?.aborted) throw new MachineError(`\`${name}\`: stopped on request while another process works on it`);
    if (Date.now() > end)
      throw new MachineError(`\`${name}\` has been worked on by another process for ${deadline / 1000} s; wait for it or end it`);
    await released(path, Math.max(1, Math.min(1000, end - Date.now())));
    await sleep(5);
    server = await hold(path);
  }
  const waiting = new Set<Socket>();
  server.on("connection", (socket) => {
    waiting.add(socket.on("error", () => undefined).on("close", () => waiting.delete(socket)));
  });
  try {
    return await work();
  } finally {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of waiting) socket.destroy();
    await closed;
  }
}
