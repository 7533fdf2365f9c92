// The Pulumi program: a stack file becomes a fleet.
import * as pulumi from "@pulumi/pulumi";
import { TeamFleet } from "./components/team-fleet.ts";
import { planOf } from "./provisioners/stack.ts";

const plan = planOf(pulumi.getStack());
const fleet = new TeamFleet(plan.spec.team, { plan, config: new pulumi.Config().requireSecretObject("fleet") });

// One export, not three: Pulumi warns of a named one that is undefined.
export default {
  /** How to reach each server, for `fleet ssh` and its siblings. */
  servers: fleet.servers,
  admin: fleet.admin,
  /** Where to put work in and take it out, on AWS. */
  ...(fleet.aws && { aws: fleet.aws }),
};
