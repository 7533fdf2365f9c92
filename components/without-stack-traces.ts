// Pulumi's runner prints a stack trace for each promise that failed because a resource did, of which the engine has told in its own words.

import { isUserError } from "../spec/problem.ts";

/** A sentence for the user, or a resource of which the engine has said why. Anything else is our bug and keeps its stack. */
const isTold = (error: unknown): error is Error =>
  isUserError(error) || (error instanceof Error && / failed to register$/.test(error.message));

/** The runner prints the stack where there is one. */
const shorten = (error: unknown): void => {
  if (isTold(error)) error.stack = error.message;
};

export function withoutStackTraces(): void {
  process.prependListener("unhandledRejection", shorten).prependListener("uncaughtException", shorten);
}
