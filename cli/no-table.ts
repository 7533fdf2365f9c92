// What this version has never heard of, such as an instance type that came after it: a slip is refused, and `--no-table` says that it is none.
import { Option } from "commander";
import { targetOf } from "../components/targets/targets.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import { placesIn } from "../provisioners/stack.ts";
import { type Problem, refusal } from "../spec/problem.ts";

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

export interface Unheard {
  /** To be refused. */
  readonly problems: readonly Problem[];
  /** To be told. */
  readonly warnings: readonly string[];
}

export function unheard(plan: FleetPlan): Unheard {
  const found = targetOf(plan.spec).unheard?.(plan.spec) ?? [];
  if (found.length === 0) return { problems: [], warnings: [] };
  const placeOf = placesIn(plan.stack);
  if (process.env[variable] === "1")
    return {
      problems: [],
      warnings: found.map(({ path, reason }) => `${placeOf(path)} ${path.join(".")}: ${reason}; taken as it is: no price is known of it`),
    };
  const next = "; next: where AWS has it, add --no-table";
  return {
    problems: found.map(({ path, reason }) => ({ at: placeOf(path), path: path.join("."), reason: `${reason}${next}` })),
    warnings: [],
  };
}

/** An up that shows its preview first asks twice. */
const told = new Set<string>();

/** Warns on standard error; throws a UserError where that was not allowed. */
export function refuseUnheard(plan: FleetPlan): void {
  const { problems, warnings } = unheard(plan);
  if (problems.length > 0) throw refusal(`stacks/Pulumi.${plan.stack}.yaml`, problems);
  for (const each of warnings.filter((warning) => !told.has(warning))) console.error(`warning: ${each}`);
  for (const each of warnings) told.add(each);
}
