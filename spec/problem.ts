// What a user did wrong, in one grammar: place, what was expected, what was found, what to do next.
import { counted } from "./counted.ts";

/** One mistake in a file that a user wrote. */
export interface Problem {
  /** `stacks/Pulumi.x.yaml:6:15`, or the file alone where no line is to blame. */
  readonly at: string;
  /** Where in the fleet: `servers.isu1.port`. */
  readonly path: string;
  /** ``expected a port from 1 to 65535, got `0` ``: lower case, no full stop, never a secret. */
  readonly reason: string;
}

/** `stacks/Pulumi.x.yaml:6:15 path: reason`, the form that editors and CI make links of. */
export const problemText = ({ at, path, reason }: Problem): string => `${at} ${path}: ${reason}`;

/** One problem a line, no newline at the end. */
export const problemsText = (problems: readonly Problem[]): string => problems.map(problemText).join("\n");

/** The same in every copy of this file: the one of another commit, or of the package that a team's own role imports. */
const mark: unique symbol = Symbol.for("contest-fleet.user-facing") as never;

/** Its message is a sentence for whoever reads it, printed without a stack trace. Anything else that escapes is our bug and keeps its trace. */
export class UserFacingError extends Error {
  readonly [mark] = true;
}
export const isUserFacing = (error: unknown): error is UserFacingError => error instanceof Error && mark in error;

/** By its name: whoever compares two commits meets those of the other one too. */
export const isUserError = (error: unknown): error is UserError => error instanceof Error && error.name === "UserError";

/** The user's mistake. */
export class UserError extends UserFacingError {
  override readonly name = "UserError";
  readonly problems: readonly Problem[];
  constructor(sentence: string, problems: readonly Problem[] = []) {
    super([sentence, ...problems.map((problem) => `  ${problemText(problem)}`)].join("\n"));
    this.problems = problems;
  }
}

/** All the problems of `subject` as one error. */
export const refusal = (subject: string, problems: readonly Problem[]): UserError =>
  new UserError(`${subject}: ${counted(problems.length, "problem")}`, problems);
