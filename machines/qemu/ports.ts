// The ports of this computer on which virtual machines are reached. Each stack begins at a place of its own, so that its ports stay.
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { MachineError } from "../machine.ts";
import { ofThisUser } from "../names.ts";

/** Below what the kernel gives to outgoing connections, above what services have. */
export const portRange = { first: 20_000, count: 12_000 } as const;

/** A number from 0 to `below` - 1 that follows from a text. */
export const spread = (text: string, below: number): number => createHash("sha256").update(text).digest().readUInt32BE(0) % below;

/** All ports, in the order in which a stack tries them. */
export function candidates(stack: string): number[] {
  const start = spread(`port ${ofThisUser(stack)}`, portRange.count / 32) * 32;
  return Array.from({ length: portRange.count }, (_, index) => portRange.first + ((start + index) % portRange.count));
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });

/** The one that it had, if nobody has taken it; else the stack's first free one. `others`: of the stack's machines, running or not. */
export async function choosePort(stack: string, had: number | undefined, others: readonly number[]): Promise<number> {
  for (const port of [...(had === undefined ? [] : [had]), ...candidates(stack)]) {
    if (!others.includes(port) && (await isFree(port))) return port;
  }
  const { first, count } = portRange;
  throw new MachineError(
    `${stack}: expected a free port from ${first} to ${first + count - 1} on this computer, found none; end what holds them`,
  );
}
