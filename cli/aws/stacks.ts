// The stacks of this checkout whose servers are on AWS.

import type { AwsTarget } from "../../components/targets/aws/settings/target.ts";
import type { FleetShape } from "../../components/targets/aws/shape.ts";
import { aws, fleetShape } from "../../components/targets/aws/target.ts";
import { fleetOn } from "../../components/targets/contract.ts";
import { type Access, assumedOf } from "../../provisioners/aws/access.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { planOf, stackNames } from "../../provisioners/stack.ts";
import { UserError } from "../../spec/problem.ts";

export interface AwsStack {
  readonly name: string;
  readonly plan: FleetPlan;
  readonly target: AwsTarget;
  readonly shape: FleetShape;
}

/** Undefined for a stack on something else. Throws a UserError for a stack file with problems. */
export function awsStack(name: string, plan: FleetPlan = planOf(name)): AwsStack | undefined {
  const fleet = fleetOn(aws, plan.spec);
  return fleet && { name, plan, target: fleet.target, shape: fleetShape(fleet, plan.stack) };
}

/** The named ones, which must be on AWS; all of the checkout that are, where none is named. */
export function awsStacks(names: readonly string[]): readonly AwsStack[] {
  if (names.length === 0) return stackNames().flatMap((name) => awsStack(name) ?? []);
  return names.map((name) => {
    const found = awsStack(name);
    if (found) return found;
    throw new UserError(`${name}: expected a stack with \`target: {kind: aws}\`, got one on ${planOf(name).spec.target.kind}`);
  });
}

/** All of the checkout that are on AWS and can be read; a sentence for each file that can't. */
export function readableAwsStacks(): { readonly stacks: readonly AwsStack[]; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const stacks = stackNames().flatMap((name) => {
    try {
      return awsStack(name) ?? [];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
      return [];
    }
  });
  return { stacks, problems };
}

/** Each once: the regions, and in them the roles by which stacks are seen. */
function wanted(given: readonly string[], stacks: readonly AwsStack[]): readonly Access[] {
  const ofStacks = stacks.map(({ target: { region, ...role } }) => ({ region, ...assumedOf(role) }));
  const named = [...given.map((region) => ({ region })), ...ofStacks.filter(({ region }) => given.length === 0 || given.includes(region))];
  const own = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  const all = named.length > 0 ? named : own ? [{ region: own }] : [];
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
}

/** Whether there is anywhere to look. */
export const someRegion = (given: readonly string[], stacks: readonly AwsStack[]): boolean => wanted(given, stacks).length > 0;

/** Where to look, and as whom: as told, else where these stacks are, else where the AWS SDK would. */
export function placesOf(given: readonly string[], stacks: readonly AwsStack[]): readonly Access[] {
  const all = wanted(given, stacks);
  if (all.length === 0) throw new UserError("region: expected one, got none from a stack file or AWS_REGION; next: add --region REGION");
  return all;
}
