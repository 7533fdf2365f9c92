// What a plan has that this version has never heard of: refused, or told where somebody said `--no-table`. And what of the team's files nobody on
// the servers would hear of: told.
import { targetOf } from "../components/targets/targets.ts";
import { type FleetPlan, unreadOn } from "../provisioners/expand.ts";
import { placesIn } from "../provisioners/stack.ts";
import { type Problem, refusal } from "../spec/problem.ts";
import { isUnheardAllowed } from "./no-table.ts";

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
  if (isUnheardAllowed())
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

/** Warns on standard error, of files that nobody would read too; throws a UserError where that was not allowed. */
export function refuseUnheard(plan: FleetPlan): void {
  const { problems, warnings } = unheard(plan);
  if (problems.length > 0) throw refusal(`stacks/Pulumi.${plan.stack}.yaml`, problems);
  const all = [...warnings, ...plan.servers.flatMap(unreadOn)].filter((each) => !told.has(each));
  for (const each of all) console.error(`warning: ${each}`);
  for (const each of all) told.add(each);
}
