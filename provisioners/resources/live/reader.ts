// How a service is asked what it runs with. Its answer is compared with what its file says, each in the service's own words.
import type { Command } from "../../engine/shell-quote.ts";

/** What one value is, live, by the names of the file. */
export type Values = Readonly<Record<string, string>>;

/** Before the name of a setting: what the service's files say of it, the last word of them all. */
export const fileWord = "file:";

export interface Reader {
  /** Prints a line a setting, `name`, a tab, the value, and may print `file:name` likewise (`fileWord`); fails where the service gives no answer. Must not change the host. */
  readonly ask: Command;
  /** Whether the value in the file and the live one are one and the same. */
  same(name: string, wanted: string, live: string): boolean;
  /** Gives a service that runs the values of its file, where it takes them without a restart. What it does not take is left. */
  set?(values: Values): Command;
  /** What to look at where a value is not live. */
  readonly hint: string;
}

/** `name<TAB>value` lines. */
export const parseValues = (stdout: string): Values =>
  Object.fromEntries(
    stdout.split("\n").flatMap((line) => {
      const cut = line.indexOf("\t");
      return cut < 0 ? [] : [[line.slice(0, cut), line.slice(cut + 1)]];
    }),
  );
