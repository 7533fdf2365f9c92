// A lock as a listening socket: it ends with its holder, however that dies, and a waiter hears the release as the end of its connection.
import { createHash, randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface HeldLock {
  /** Lets go, and tells everybody who waits. */
  release(): Promise<void>;
}

/** The lock `name`, or else the path of the socket whose end is worth waiting for. */
export type AcquireLock = (name: string) => Promise<HeldLock | string>;

/** `undefined`: somebody listens there. */
function listen(path: string): Promise<HeldLock | undefined> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket.on("error", () => undefined).on("close", () => waiting.delete(socket)));
  });
  const release = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of waiting) socket.destroy();
    await closed;
  };
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen({ path, exclusive: true }, () => resolve({ release }));
  });
}

/** Linux: a name without a file, which one process at a time can have, and which the kernel takes back. */
export const abstractSocket: AcquireLock = async (name) => {
  const path = `\0contest-fleet/${name}`;
  return (await listen(path)) ?? path;
};

const listens = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path, () => resolve(true));
    socket.on("connect", () => socket.destroy());
    socket.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code !== "ECONNREFUSED" && code !== "ENOENT"));
  });

const ended = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
};

/** A socket beside `own` that somebody listens on. Takes away what dead processes left: their names are never used again. */
async function rival(directory: string, lock: string, own?: string): Promise<string | undefined> {
  for (const name of (await readdir(directory)).filter((each) => each.startsWith(`${lock}-`) && each !== own)) {
    const path = join(directory, name);
    if (await listens(path)) return path;
    // One that is alive and refuses has yet to listen, and then to look: it finds us.
    if (ended(Number(name.split("-")[1]))) await rm(path, { force: true });
  }
  return undefined;
}

/**
 * Elsewhere: everybody who wants the lock listens on a file of its own, and has the lock when nobody else listens. Of two, the one that
 * listened later sees the other; so both may step back, and try again at different moments, but never both go on.
 */
export const socketFiles =
  (directory: () => string): AcquireLock =>
  async (name) => {
    const lock = createHash("sha256").update(name).digest("hex").slice(0, 16);
    const place = directory();
    const holder = await rival(place, lock);
    if (holder) return holder;
    const own = `${lock}-${process.pid}-${randomBytes(4).toString("hex")}`;
    const held = (await listen(join(place, own)))!;
    const other = await rival(place, lock, own);
    if (!other) return held;
    await held.release();
    await sleep(Math.random() * 50);
    return other;
  };
