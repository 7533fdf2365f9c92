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
  socket.once("connect", () => resolve(socket));
  socket.once("error", (error: NodeJS.ErrnoException) => reject(dialFault(to, error.code ?? error.message, deadline)));
  return promise.finally(() => clearTimeout(timer));
}
