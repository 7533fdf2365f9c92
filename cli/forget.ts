// `--forget isu3`: of up for a server that left the stack file, of down for any.
import { Option } from "commander";
import type { FleetPlan } from "../provisioners/expand.ts";
import { UserError } from "../spec/problem.ts";

export const forgetOption = (): Option =>
  new Option("--forget <server>", "a server that is gone for good: nothing is undone there; may be given more than once")
    .argParser((name: string, all: readonly string[] = []) => [...all, name])
    .default([], "none");

/** An up would only meet again what still stands in the stack file. */
export function left({ stack, servers }: FleetPlan, names: readonly string[]): readonly string[] {
  const there = servers.find(({ name }) => names.includes(name));
  if (there)
    throw new UserError(
      `--forget: expected a server that left the stack file, got \`${there.name}\`; take it out of stacks/Pulumi.${stack}.yaml first`,
    );
  return names;
}
