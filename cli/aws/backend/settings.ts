// What the bucket of a team's state has to be: a table of its settings, each with what is read of it, what is right, and what makes it so.
import * as s3 from "@aws-sdk/client-s3";
import { onlyOverTls } from "../../../components/targets/aws/policies.ts";

/** Whose bucket it is: every call names its owner, so that nobody else's bucket of that name is written to. */
export interface Whose {
  readonly Bucket: string;
  readonly ExpectedBucketOwner: string;
}

export interface Setting {
  readonly name: string;
  /** What it keeps from happening, for a person. */
  readonly why: string;
  isRight(client: s3.S3Client, of: Whose): Promise<boolean>;
  put(client: s3.S3Client, of: Whose): Promise<unknown>;
}

/** Days for which an overwritten or deleted state can be brought back. */
export const undoDays = 90;

/** S3 answers with an error where a setting was never made. */
async function orNone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (/^(NoSuch(?!Bucket$)|ServerSideEncryptionConfigurationNotFound|OwnershipControlsNotFound)/.test((error as Error).name)) return;
    throw error;
  }
}

const shut = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true };

const ruleId = "contest-fleet-old-versions";
const tidy: s3.LifecycleRule = {
  ID: ruleId,
  Status: "Enabled",
  Filter: { Prefix: "" },
  NoncurrentVersionExpiration: { NoncurrentDays: undoDays },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
};

type Statement = Readonly<Record<string, unknown>>;
const statementsIn = (text: string | undefined): readonly Statement[] => {
  const { Statement = [] } = text ? (JSON.parse(text) as { readonly Statement?: Statement | readonly Statement[] }) : {};
  return Array.isArray(Statement) ? Statement : [Statement as Statement];
};

/** Pure. Of a bucket: over TLS alone, and nobody removes it or an older version: not even who may do everything, by a slip. */
export function wantedStatements(bucket: string): readonly Statement[] {
  const arn = `arn:aws:s3:::${bucket}`;
  const keep = {
    Sid: "KeepState",
    Effect: "Deny",
    Principal: "*",
    Action: ["s3:DeleteBucket", "s3:DeleteObjectVersion"],
    Resource: [arn, `${arn}/*`],
  };
  return [...statementsIn(onlyOverTls(arn)), keep];
}

/** Pure. A policy that has ours beside what somebody else wrote there. */
export function withOurs(text: string | undefined, bucket: string): string {
  const ours = wantedStatements(bucket);
  const others = statementsIn(text).filter(({ Sid }) => !ours.some((each) => each.Sid === Sid));
  return JSON.stringify({ Version: "2012-10-17", Statement: [...others, ...ours] });
}

const hasOurs = (text: string | undefined, bucket: string): boolean => {
  const there = new Set(statementsIn(text).map((each) => canonical(each)));
  return wantedStatements(bucket).every((each) => there.has(canonical(each)));
};
/** AWS writes `Principal: "*"` and single values in a form of its own. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (key, each) => {
    if (key === "Principal" && each?.AWS === "*") return "*";
    if (Array.isArray(each)) return each.length === 1 ? each[0] : [...each].sort();
    return each !== null && typeof each === "object" ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each;
  });

const rulesOf = async (client: s3.S3Client, of: Whose) =>
  (await orNone(client.send(new s3.GetBucketLifecycleConfigurationCommand(of))))?.Rules ?? [];
const policyOf = async (client: s3.S3Client, of: Whose) => (await orNone(client.send(new s3.GetBucketPolicyCommand(of))))?.Policy;

/** In the order in which they are made: private before anything can be in it. */
export const settings: readonly Setting[] = [
  {
    name: "private",
    why: "no policy and no access list makes it public",
    async isRight(client, of) {
      const found = (await orNone(client.send(new s3.GetPublicAccessBlockCommand(of))))?.PublicAccessBlockConfiguration;
      return Object.keys(shut).every((key) => found?.[key as keyof typeof shut] === true);
    },
    put: (client, of) => client.send(new s3.PutPublicAccessBlockCommand({ ...of, PublicAccessBlockConfiguration: shut })),
  },
  {
    name: "owned",
    why: "what anybody writes there is the bucket's owner's",
    async isRight(client, of) {
      const { OwnershipControls } = (await orNone(client.send(new s3.GetBucketOwnershipControlsCommand(of)))) ?? {};
      return OwnershipControls?.Rules?.[0]?.ObjectOwnership === "BucketOwnerEnforced";
    },
    put: (client, of) =>
      client.send(
        new s3.PutBucketOwnershipControlsCommand({ ...of, OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] } }),
      ),
  },
  {
    name: "encrypted",
    why: "at rest, by a key of S3's own (a key of yours stays)",
    async isRight(client, of) {
      const found = await orNone(client.send(new s3.GetBucketEncryptionCommand(of)));
      return found?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm !== undefined;
    },
    put: (client, of) =>
      client.send(
        new s3.PutBucketEncryptionCommand({
          ...of,
          ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }] },
        }),
      ),
  },
  {
    name: "versioned",
    why: "a state that was overwritten or deleted can be brought back",
    isRight: async (client, of) => (await client.send(new s3.GetBucketVersioningCommand(of))).Status === "Enabled",
    put: (client, of) => client.send(new s3.PutBucketVersioningCommand({ ...of, VersioningConfiguration: { Status: "Enabled" } })),
  },
  {
    name: "tidied",
    why: `older versions go after ${undoDays} days, uploads that broke off after one`,
    isRight: async (client, of) => (await rulesOf(client, of)).some(({ ID, Status }) => ID === ruleId && Status === "Enabled"),
    async put(client, of) {
      const others = (await rulesOf(client, of)).filter(({ ID }) => ID !== ruleId);
      const LifecycleConfiguration = { Rules: [...others, tidy] };
      return await client.send(new s3.PutBucketLifecycleConfigurationCommand({ ...of, LifecycleConfiguration }));
    },
  },
  {
    name: "locked",
    why: "over TLS alone; nobody deletes the bucket or an older version by a slip",
    isRight: async (client, of) => hasOurs(await policyOf(client, of), of.Bucket),
    put: async (client, of) =>
      client.send(new s3.PutBucketPolicyCommand({ ...of, Policy: withOurs(await policyOf(client, of), of.Bucket) })),
  },
];
