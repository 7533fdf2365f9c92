// The Pulumi program: a stack file becomes a fleet.
import * as pulumi from "@pulumi/pulumi";
import { TeamFleet } from "./components/team-fleet.ts";
import { withoutStackTraces } from "./components/without-stack-traces.ts";
import { planOf } from "./provisioners/stack.ts";
import { refuseByState } from "./pulumi/known-names.ts";
import { UserError } from "./spec/problem.ts";

/** Whatever is wrong with the stack file is a sentence: for these Pulumi prints no stack trace. */
const told = (error: unknown): unknown => (error instanceof UserError ? new pulumi.RunError(error.message) : error);

async function readPlan() {
  try {
    const found = planOf(pulumi.getStack());
    await refuseByState(found);
    return found;
  } catch (error) {
    throw told(error);
  }
}

withoutStackTraces();
const plan = await readPlan();
const fleet = new TeamFleet(plan.spec.team, { plan, config: new pulumi.Config().requireSecretObject("fleet") });

// One export, not three: Pulumi warns of a named one that is undefined.
export default {
  /** How to reach each server, for `fleet ssh` and its siblings. */
  servers: fleet.servers,
  admin: fleet.admin,
  /** Where to put work in and take it out, on AWS. */
  ...(fleet.aws && { aws: fleet.aws }),
};
