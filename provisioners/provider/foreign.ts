// A server that is another stack's: why it is not changed, and what to type instead. Pure.
import { typed } from "../../spec/typed.ts";
import type { Owner } from "../engine/journal.ts";

export interface Foreign {
  /** As the stack file has it. */
  readonly server: string;
  readonly owner: Owner;
  /** Who comes. */
  readonly stack: string;
}

/** `ends`: the stack is taken down, and is to be rid of the server as well. */
export function foreignSentence({ server, owner: { stack: other, who, since }, stack }: Foreign, ends: boolean): string {
  const belongs = `belongs to stack \`${other}\` of ${who} since ${since}`;
  if (ends)
    return (
      `${belongs}, and stays as it is; next: \`${typed()} down ${stack} --forget ${server}\` leaves it to that one, ` +
      `\`--take-over ${other}\` gives it back in its place`
    );
  return (
    `${belongs}, and two stacks on one server would undo each other's work; ` +
    `next: give one of them another server than ${server}, or take it over: \`${typed()} up ${stack} --take-over ${other}\``
  );
}
