// Daily snapshots of the volumes that carry a tag, made and thinned out by AWS itself.
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { assumedBy, type Bounded, bounded, snapshots } from "./policies.ts";
import type { Tags } from "./tags.ts";

/** The provider waits for a last snapshot within these; its own ten minutes are not enough for a first one of some hundred GB. */
export const lastSnapshot = { delete: "3h" } as const;

export interface SnapshotArgs extends Bounded {
  /** Snapshots to keep; the oldest goes when a new one is made. */
  readonly keep: number;
  readonly tags: Tags;
}

/** For all volumes tagged `volume: NAME`; the snapshots carry the volume's own tags. They cost 0.05 USD a GB and month. */
export function keepSnapshots(
  name: string,
  { keep, tags, boundary }: SnapshotArgs,
  opts: pulumi.CustomResourceOptions,
): aws.dlm.LifecyclePolicy {
  const role = new aws.iam.Role(
    `${name}-snapshots`,
    { assumeRolePolicy: assumedBy("dlm.amazonaws.com"), ...bounded({ boundary }), tags: { ...tags } },
    opts,
  );
  const allowed = new aws.iam.RolePolicy(`${name}-snapshots`, { role: role.id, policy: snapshots() }, opts);
  const schedule = {
    name: "daily",
    createRule: { interval: 24, intervalUnit: "HOURS", times: "18:00" },
    retainRule: { count: keep },
    copyTags: true,
  };
  const policyDetails = { resourceTypes: ["VOLUME"], targetTags: { volume: name }, schedules: [schedule] };
  const args = { description: `daily snapshots of ${name}`, executionRoleArn: role.arn, policyDetails, tags: { ...tags } };
  return new aws.dlm.LifecyclePolicy(`${name}-snapshots`, args, { ...opts, dependsOn: [allowed] });
}
