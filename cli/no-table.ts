// What this version has never heard of, such as an instance type that came after it: a slip is refused, and `--no-table` says that it is none.
// The option alone: unheard.ts, which needs the whole plan, is loaded where there is one.
import { Option } from "commander";

/** Commands that run several stacks hand it on to each. */
const variable = "FLEET_NO_TABLE";

export const noTableOption = (): Option =>
  new Option(
    "--no-table",
    "take instance types that this version does not know, with a warning in place of a refusal; or export FLEET_NO_TABLE=1",
  );

/** Of the option, for this command and those that it starts. */
export function allowUnheard(table: boolean): void {
  if (!table) process.env[variable] = "1";
}

export const isUnheardAllowed = (): boolean => process.env[variable] === "1";
