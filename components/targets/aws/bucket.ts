// A bucket as every bucket of the fleet is: private, encrypted, versioned, over TLS alone, its old versions thinned out.
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { onlyOverTls } from "./policies.ts";
import type { Tags } from "./tags.ts";

export interface BucketArgs {
  readonly tags: Tags;
  /** Days until an object goes. @default never */
  readonly expireDays?: number | undefined;
  /** Days until an overwritten or deleted version goes: so long can a loss be undone. @default 30 */
  readonly undoDays?: number | undefined;
  /** `fleet down` deletes it with what is in it. @default true: an event's bucket, not an archive */
  readonly emptiable?: boolean | undefined;
}

const rules = ({ expireDays, undoDays = 30 }: BucketArgs) => [
  {
    id: "tidy",
    status: "Enabled",
    filter: {},
    ...(expireDays !== undefined && { expiration: { days: expireDays } }),
    noncurrentVersionExpiration: { noncurrentDays: undoDays },
    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
  },
];

/** Costs by use: 0.023 USD a GB and month. Everything that uses it should depend on `ready`: a bucket is private only then. */
export function bucket(
  name: string,
  args: BucketArgs,
  opts: pulumi.CustomResourceOptions,
): { readonly bucket: aws.s3.Bucket; readonly ready: pulumi.Resource[] } {
  const made = new aws.s3.Bucket(name, { forceDestroy: args.emptiable ?? true, tags: { ...args.tags } }, opts);
  const of = { bucket: made.id };
  const shut = { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true };
  const closed = new aws.s3.BucketPublicAccessBlock(`${name}-private`, { ...of, ...shut }, opts);
  const sse = [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" }, bucketKeyEnabled: true }];
  const versioning = new aws.s3.BucketVersioning(`${name}-versions`, { ...of, versioningConfiguration: { status: "Enabled" } }, opts);
  const ready = [
    closed,
    versioning,
    new aws.s3.BucketServerSideEncryptionConfiguration(`${name}-encrypted`, { ...of, rules: sse }, opts),
    new aws.s3.BucketOwnershipControls(`${name}-owned`, { ...of, rule: { objectOwnership: "BucketOwnerEnforced" } }, opts),
    // A paying requester is one of the ways to make a bucket useless: stated, so that a change shows.
    new aws.s3.BucketRequestPaymentConfiguration(`${name}-payer`, { ...of, payer: "BucketOwner" }, opts),
    new aws.s3.BucketPolicy(`${name}-tls`, { ...of, policy: made.arn.apply(onlyOverTls) }, { ...opts, dependsOn: [closed] }),
    new aws.s3.BucketLifecycleConfiguration(`${name}-tidy`, { ...of, rules: rules(args) }, { ...opts, dependsOn: [versioning] }),
  ];
  return { bucket: made, ready };
}
