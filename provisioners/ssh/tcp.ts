// Opens the TCP connection itself, before SSH begins: "refused", "no answer" and "no such name" stay three sentences.
import { connect, type Socket } from "node:net";
import { dialFault, type Endpoint } from "./errors.ts";

/**
 * Connects within `deadline` milliseconds. Without Nagle's algorithm: SSH's small packets would wait for each other's
 * acknowledgements, which makes a short session three times as long.
 */
export function dial(to: Endpoint, deadline: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host: to.address, port: to.port, noDelay: true });
  const timer = setTimeout(() => {
    reject(dialFault(to, "ETIMEDOUT", deadline));
    socket.destroy();
  }, deadline);
  socket.once("connect", () => resolve(inOneGo(socket)));
  socket.once("error", (error: NodeJS.ErrnoException) => reject(dialFault(to, error.code ?? error.message, deadline)));
  return promise.finally(() => clearTimeout(timer));
}

/**
 * What is written in one turn goes out together. ssh2 writes each packet in three pieces, and without Nagle's algorithm each would be a system
 * call here, a packet on the way and a wake-up there.
 */
function inOneGo(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let held = false;
  socket.write = (...args: unknown[]) => {
    if (!held) {
      held = true;
      socket.cork();
      process.nextTick(() => {
        held = false;
        socket.uncork();
      });
    }
    return write(...args);
  };
  return socket;
}
