// The Pulumi program: a stack file becomes a fleet.
import * as pulumi from "@pulumi/pulumi";
import { TeamFleet } from "./components/team-fleet.ts";
import { planOf } from "./provisioners/stack.ts";

const plan = planOf(pulumi.getStack());
const fleet = new TeamFleet(plan.spec.team, { plan, config: new pulumi.Config().requireSecretObject("fleet") });

/** How to reach each server, for `fleet ssh` and its siblings. */
export const servers = fleet.servers;
export const admin = fleet.admin;
