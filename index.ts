// The Pulumi program: a stack file becomes a fleet.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { TeamFleet } from "./components/team-fleet.ts";
import { planFleet } from "./provisioners/expand.ts";
import { roleSchemas } from "./provisioners/roles/roles.ts";
import { overlays } from "./stacks/overlay.ts";
import { readStack } from "./stacks/read.ts";

const stack = pulumi.getStack();
const { spec, files } = readStack(join(import.meta.dirname, "stacks", `Pulumi.${stack}.yaml`), roleSchemas);
const plan = planFleet(spec, {
  stack,
  cores: availableParallelism(),
  architecture: process.arch === "arm64" ? "arm64" : "amd64",
  overlays: overlays(files, Object.keys(spec.servers)),
});
const fleet = new TeamFleet(spec.team, { plan, config: new pulumi.Config().requireSecretObject("fleet") });

/** How to reach each server, for `fleet ssh` and its siblings. */
export const servers = fleet.servers;
