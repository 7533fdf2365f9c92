// A server that does not answer: what is typed to go on without it. The one rule of all commands: they act on the servers that are concerned; of these
// the others are done, and one that does not answer is named, with this.

import { HostError } from "../provisioners/engine/shell.ts";
import { typed } from "../spec/typed.ts";

/** For a server that will not come back. */
export const forgotten = (stack: string, server: string): string =>
  `if it is gone for good, take it out of stacks/Pulumi.${stack}.yaml, then ${typed()} up ${stack} --forget ${server}`;

/** The error of a server that a command can't do without. `without` is what leaves it out, where something does. */
export function needed(error: HostError, stack: string, without?: string): HostError {
  const next = [...(without === undefined ? [] : [`without it: ${without}`]), forgotten(stack, error.host)];
  return new HostError(error.host, error.fault, error.sentence, `next: start it, and the same again; ${next.join("; ")}`);
}
