// The contract of a place where a first stack's servers can be: what is asked, and what stands in the stack file.
import type { Encryption } from "../../operations/adopt/stack-file.ts";
import type { Ask } from "./asker.ts";
import type { StackOptions } from "./options.ts";

/** What was answered, as the stack file has it. */
export interface Part {
  /** Below the fleet's key: `target`, `servers` and what is the place's own. */
  fleet(encrypt: Encryption["encrypt"]): Readonly<Record<string, unknown>>;
  /** Whether anything of it is encrypted. */
  readonly secret: boolean;
}

export interface Place {
  /** As a question offers it. */
  readonly title: string;
  /** Whether the options say that it is here. */
  said(options: StackOptions): boolean;
  ask(options: StackOptions, ask: Ask): Promise<Part>;
  /** In the stack file, above its servers. */
  readonly comment: string;
  /** What to type then, with a word to each. */
  next(team: string): readonly (readonly [command: string, what: string])[];
}
