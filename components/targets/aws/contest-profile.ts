// What a contest's own template gives its servers beside network and disk: the rights by which its environment check, on the server, looks around.
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { isucon14 } from "./contest.ts";
import { assumedBy, bounded, checksEnvironment, document } from "./policies.ts";
import { type Ownership, tagsOf } from "./tags.ts";

/** Costs nothing. The name of an instance profile. */
export function contestProfile(
  name: string,
  { ownership, ...bound }: { readonly ownership: Ownership; readonly boundary?: string | undefined },
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const tags = tagsOf(ownership, name);
  const role = new aws.iam.Role(name, { assumeRolePolicy: assumedBy("ec2.amazonaws.com"), ...bounded(bound), tags }, opts);
  const policy = new aws.iam.RolePolicy(name, { role: role.id, policy: document(checksEnvironment(isucon14.actions)) }, opts);
  return new aws.iam.InstanceProfile(name, { role: role.name, tags }, { ...opts, dependsOn: [policy] }).name;
}
