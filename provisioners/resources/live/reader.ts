// How a service is asked what it runs with, and what its files say, each in the service's own words.
import type { Command } from "../../engine/shell-quote.ts";

export type Values = Readonly<Record<string, string>>;

/** By the names that the service has for its settings. */
export interface Answer {
  /** What the fleet's own file says: these are compared. */
  readonly own: Values;
  /** The last word of all its files, where it can tell. */
  readonly files: Values;
  readonly live: Values;
}

export interface Reader {
  /**
   * Prints `own`, `file` or `live`, a tab, a name, a tab and the value, a line each; fails where the service gives no answer. Must not change
   * the host, but for what `fleet_runtime` makes.
   */
  ask(file: string): Command;
  /** Whether the value in a file and the live one are one and the same. @param all everything that is live, where that is known */
  same(name: string, wanted: string, live: string, all?: Values): boolean;
  /** Gives a service that runs the values of its files, where it takes them without a restart. What it does not take is left. */
  set?(values: Values, file: string): Command;
  /** The sentence of a value that is not live. @default the live value, the one in the file, and the file */
  says?(name: string, wanted: string, live: string): string | undefined;
  /** What differs is told beside the outcome, and fails nothing: nobody can give the service more. @default false */
  readonly mild?: boolean;
  /** What to look at, or to type, where a value is not live. */
  hint(name: string, file: string): string;
}

export function parseAnswer(stdout: string): Answer {
  const rows = stdout.split("\n").map((line) => line.split("\t"));
  const of = (word: string): Values =>
    Object.fromEntries(rows.flatMap(([first, name, ...value]) => (first === word && name ? [[name, value.join("\t")]] : [])));
  return { own: of("own"), files: of("file"), live: of("live") };
}
