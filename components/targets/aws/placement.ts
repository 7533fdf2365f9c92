// Where something of a team is, and whose it is.
import type * as pulumi from "@pulumi/pulumi";
import type { Ownership } from "./tags.ts";

/** What is made in the team's network has these in common. */
export interface Placed {
  readonly ownership: Ownership;
  readonly subnetIds: readonly pulumi.Input<string>[];
  /** Of the team's servers: what is in it reaches the others of it. */
  readonly securityGroupId: pulumi.Input<string>;
}
