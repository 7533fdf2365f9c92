// The names under which the state knows what the stack file calls otherwise by now: with them Pulumi takes it for the same.
import type * as pulumi from "@pulumi/pulumi";
import type { FleetPlan, ServerPlan } from "../provisioners/expand.ts";

/** Children named after their parent, as all of the team's are, follow it by themselves. */
export const formerNames = ({ was }: FleetPlan["spec"]): readonly string[] => (was === undefined ? [] : [was]);

/** Of what is made for one server under `<team>-<server><suffix>`: beneath the team's new name, and beneath its old one. */
export function aliases(team: string, { spec }: FleetPlan, { spec: { was } }: ServerPlan, suffix = ""): { aliases?: pulumi.Alias[] } {
  if (was === undefined) return {};
  return { aliases: [team, ...formerNames(spec)].map((each) => ({ name: `${each}-${was}${suffix}` })) };
}
