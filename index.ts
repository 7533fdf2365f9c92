// The Pulumi program: a stack file becomes a fleet.
import * as pulumi from "@pulumi/pulumi";
import { targetOf } from "./components/targets/targets.ts";
import { TeamFleet } from "./components/team-fleet.ts";
import { withoutStackTraces } from "./components/without-stack-traces.ts";
import type { FleetPlan } from "./provisioners/expand.ts";
import { planOf } from "./provisioners/stack.ts";
import { refuseByState } from "./pulumi/known-names.ts";
import { UserError } from "./spec/problem.ts";

/** Whatever is wrong with the stack file is a sentence: for these Pulumi prints no stack trace. */
const told = (error: unknown): unknown => (error instanceof UserError ? new pulumi.RunError(error.message) : error);

async function readPlan(known: FleetPlan | undefined) {
  try {
    const found = known ?? planOf(pulumi.getStack());
    await refuseByState(found);
    await targetOf(found.spec).there?.(found.spec);
    return found;
  } catch (error) {
    throw told(error);
  }
}

withoutStackTraces();

/** One export, a function: `fleet` runs it once for each start of the engine, with the plan that it has made. Pulumi warns of a named export that is undefined. */
export default async function program(known?: FleetPlan) {
  const plan = await readPlan(known);
  const fleet = new TeamFleet(plan.spec.team, { plan, config: new pulumi.Config().requireSecretObject("fleet") });
  return {
    /** How to reach each server, for `fleet ssh` and its siblings. */
    servers: fleet.servers,
    admin: fleet.admin,
    /** Where to put work in and take it out, on AWS. */
    ...(fleet.aws && { aws: fleet.aws }),
    /** When it may go: `fleet status` and `fleet reap` read it. */
    ...(fleet.expiresAt && { expiresAt: fleet.expiresAt }),
  };
}
