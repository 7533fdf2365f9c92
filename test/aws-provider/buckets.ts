// Buckets, and each of their settings as a resource of its own, whose id is the bucket's name.
import * as sdk from "@aws-sdk/client-s3";
import pLimit from "p-limit";
import { s3, settings } from "./clients.ts";
import { type AwsType, gone, type Inputs, tagList, tagMap } from "./type.ts";
import { fromAws, toAws } from "./words.ts";

async function empty(Bucket: string): Promise<void> {
  const { Versions = [], DeleteMarkers = [] } = await s3().send(new sdk.ListObjectVersionsCommand({ Bucket }));
  const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
  if (Objects.length > 0) await s3().send(new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
}

const setTags = (Bucket: string, { tags }: Inputs) =>
  s3().send(new sdk.PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: tagList(tags) } }));

export const bucket: AwsType = {
  async create(inputs, name) {
    const Bucket: string = inputs.bucket ?? name.toLowerCase();
    const place = { LocationConstraint: settings.region as sdk.BucketLocationConstraint };
    await s3().send(new sdk.CreateBucketCommand({ Bucket, ...(settings.region !== "us-east-1" && { CreateBucketConfiguration: place }) }));
    await setTags(Bucket, inputs);
    return Bucket;
  },
  async read(id) {
    if (!(await gone(s3().send(new sdk.HeadBucketCommand({ Bucket: id }))))) return undefined;
    const tags = await gone(s3().send(new sdk.GetBucketTaggingCommand({ Bucket: id })));
    return { bucket: id, arn: `arn:aws:s3:::${id}`, tags: tagMap(tags?.TagSet) };
  },
  update: async (id, inputs) => void (await setTags(id, inputs)),
  async delete(id, { forceDestroy }) {
    if (forceDestroy) await empty(id);
    await s3().send(new sdk.DeleteBucketCommand({ Bucket: id }));
  },
};

interface Setting {
  put(Bucket: string, inputs: Inputs): Promise<unknown>;
  get(Bucket: string): Promise<Inputs | undefined>;
  /** @default it stays until the bucket goes */
  drop?(Bucket: string): Promise<unknown>;
}

const setting = ({ put, get, drop }: Setting): AwsType => ({
  async create(inputs) {
    await put(inputs.bucket, inputs);
    return inputs.bucket;
  },
  read: async (id) => {
    const found = await gone(get(id));
    return found && { bucket: id, ...found };
  },
  update: async (id, inputs) => void (await put(id, inputs)),
  delete: async (id) => void (await drop?.(id)),
});

export const publicAccessBlock = setting({
  put: (Bucket, { bucket: _, ...rest }) =>
    s3().send(new sdk.PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: toAws(rest) })),
  get: async (Bucket) => fromAws((await s3().send(new sdk.GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration ?? {}),
  drop: (Bucket) => s3().send(new sdk.DeletePublicAccessBlockCommand({ Bucket })),
});

export const versioning = setting({
  put: (Bucket, { versioningConfiguration: { status: Status } }) =>
    s3().send(new sdk.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } })),
  get: async (Bucket) => ({
    versioningConfiguration: { status: (await s3().send(new sdk.GetBucketVersioningCommand({ Bucket }))).Status ?? "Disabled" },
  }),
});

const sseNames = { applyServerSideEncryptionByDefault: "ApplyServerSideEncryptionByDefault", sseAlgorithm: "SSEAlgorithm" };
export const encryption = setting({
  put: (Bucket, { rules }) =>
    s3().send(new sdk.PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: toAws(rules, sseNames) } })),
  async get(Bucket) {
    const { ServerSideEncryptionConfiguration } = await s3().send(new sdk.GetBucketEncryptionCommand({ Bucket }));
    return fromAws({ rules: ServerSideEncryptionConfiguration?.Rules ?? [] }, sseNames);
  },
  drop: (Bucket) => s3().send(new sdk.DeleteBucketEncryptionCommand({ Bucket })),
});

export const ownership = setting({
  put: (Bucket, { rule: { objectOwnership: ObjectOwnership } }) =>
    s3().send(new sdk.PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership }] } })),
  async get(Bucket) {
    const { OwnershipControls } = await s3().send(new sdk.GetBucketOwnershipControlsCommand({ Bucket }));
    return { rule: fromAws(OwnershipControls?.Rules?.[0] ?? {}) };
  },
  drop: (Bucket) => s3().send(new sdk.DeleteBucketOwnershipControlsCommand({ Bucket })),
});

const turns = new Map<string, ReturnType<typeof pLimit>>();
/** One at a time for each bucket. */
function inTurn<T>(bucket: string, work: () => Promise<T>): Promise<T> {
  const turn = turns.get(bucket) ?? pLimit(1);
  turns.set(bucket, turn);
  return turn(work);
}

const policyOf = async (Bucket: string) => (await s3().send(new sdk.GetBucketPolicyCommand({ Bucket }))).Policy;

/** The emulator speaks no TLS, and obeys the policy that asks for it: aside it goes while an object is handled, as if over TLS. */
const asOverTls = <T>(Bucket: string, work: () => Promise<T>): Promise<T> =>
  inTurn(Bucket, async () => {
    const Policy = await gone(policyOf(Bucket));
    if (Policy !== undefined) await s3().send(new sdk.DeleteBucketPolicyCommand({ Bucket }));
    try {
      return await work();
    } finally {
      if (Policy !== undefined) await s3().send(new sdk.PutBucketPolicyCommand({ Bucket, Policy }));
    }
  });

export const bucketPolicy = setting({
  put: (Bucket, { policy: Policy }) => s3().send(new sdk.PutBucketPolicyCommand({ Bucket, Policy })),
  get: (Bucket) => inTurn(Bucket, async () => ({ policy: await policyOf(Bucket) })),
  drop: (Bucket) => s3().send(new sdk.DeleteBucketPolicyCommand({ Bucket })),
});

const lifecycleNames = { id: "ID" };
export const lifecycle = setting({
  put: (Bucket, { rules }) =>
    s3().send(
      new sdk.PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: {
          Rules: (toAws(rules, lifecycleNames) as sdk.LifecycleRule[]).map((rule) => ({ ...rule, Filter: { Prefix: "" } })),
        },
      }),
    ),
  async get(Bucket) {
    const { Rules = [] } = await s3().send(new sdk.GetBucketLifecycleConfigurationCommand({ Bucket }));
    return fromAws({ rules: Rules }, lifecycleNames);
  },
  drop: (Bucket) => s3().send(new sdk.DeleteBucketLifecycleCommand({ Bucket })),
});

const filterOf = ({ filterPrefix, filterSuffix }: Inputs) => {
  const FilterRules = [
    ...(filterPrefix === undefined ? [] : [{ Name: "prefix" as const, Value: filterPrefix }]),
    ...(filterSuffix === undefined ? [] : [{ Name: "suffix" as const, Value: filterSuffix }]),
  ];
  return FilterRules.length > 0 ? { Filter: { Key: { FilterRules } } } : {};
};

export const notification = setting({
  put: (Bucket, { queues = [] }) =>
    s3().send(
      new sdk.PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: queues.map((each: Inputs) => ({ QueueArn: each.queueArn, Events: each.events, ...filterOf(each) })),
        },
      }),
    ),
  async get(Bucket) {
    const { QueueConfigurations = [] } = await s3().send(new sdk.GetBucketNotificationConfigurationCommand({ Bucket }));
    const rule = (of: sdk.QueueConfiguration, name: string) =>
      of.Filter?.Key?.FilterRules?.find(({ Name }) => Name?.toLowerCase() === name)?.Value;
    return {
      queues: QueueConfigurations.map((each) => ({
        queueArn: each.QueueArn,
        events: each.Events,
        filterPrefix: rule(each, "prefix"),
        filterSuffix: rule(each, "suffix"),
      })),
    };
  },
  drop: (Bucket) => s3().send(new sdk.PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} })),
});

const putObject = ({ bucket: Bucket, key: Key, content: Body }: Inputs) =>
  asOverTls(Bucket, () => s3().send(new sdk.PutObjectCommand({ Bucket, Key, Body })));

export const object: AwsType = {
  async create(inputs) {
    await putObject(inputs);
    return `${inputs.bucket}/${inputs.key}`;
  },
  read: (_id, { bucket: Bucket, key: Key }) =>
    asOverTls(Bucket, async () => {
      const found = await gone(s3().send(new sdk.GetObjectCommand({ Bucket, Key })));
      return found && { bucket: Bucket, key: Key, content: await found.Body?.transformToString() };
    }),
  update: async (_id, inputs) => void (await putObject(inputs)),
  delete: (_id, { bucket: Bucket, key: Key }) =>
    asOverTls(Bucket, async () => void (await s3().send(new sdk.DeleteObjectCommand({ Bucket, Key })))),
};
