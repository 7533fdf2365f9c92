// The bucket in which a team keeps its state: what it is, and how it is made so. Where it is already, nothing is done.
import * as s3 from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { UserError } from "../../../spec/problem.ts";
import { settings, type Whose } from "./settings.ts";

export interface Seen {
  readonly bucket: string;
  readonly region: string;
  readonly account: string;
  readonly there: boolean;
  /** In the order in which they are made. */
  readonly settings: readonly { readonly name: string; readonly why: string; readonly right: boolean }[];
}

/** Of everything that is in it; not the fleet's tag, by which the sweep finds what may go. */
const tags = [{ Key: "purpose", Value: "contest-fleet state" }];

export const clientIn = (region: string): s3.S3Client => new s3.S3Client({ region });

/** Of whoever the client asks as. */
export async function accountOf({ config: { region, credentials } }: s3.S3Client): Promise<string> {
  return (await new STSClient({ region, credentials }).send(new GetCallerIdentityCommand({}))).Account ?? "";
}

/** A name is all S3's at once: the account is in it, so that nobody else has it. */
export const defaultBucket = (account: string, region: string, team?: string): string =>
  `${team === undefined ? "" : `${team}-`}fleet-state-${account}-${region}`;

/** Pure. Throws a UserError for a name that S3, or the fleet's own policies, would not have. */
export function refuseName(bucket: string): void {
  const refuse = (expected: string): never => {
    throw new UserError(`bucket: expected ${expected}, got \`${bucket}\``);
  };
  if (!/^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket))
    refuse("3 to 63 lower-case letters, digits and hyphens, as S3 takes them");
  // What is called so is a fleet's own, which `down` and the policy `teardown` may remove.
  if (bucket.includes("-aws-")) refuse("a name without `-aws-`, which the buckets of fleets have and a teardown removes");
}

/** Looks only. */
export async function look(client: s3.S3Client, { bucket, region, account }: Pick<Seen, "bucket" | "region" | "account">): Promise<Seen> {
  const whose = { Bucket: bucket, ExpectedBucketOwner: account };
  const there = await isThere(client, whose, region);
  const found = await Promise.all(
    settings.map(async ({ name, why, isRight }) => ({ name, why, right: there && (await isRight(client, whose)) })),
  );
  return { bucket, region, account, there, settings: found };
}

async function isThere(client: s3.S3Client, whose: Whose, region: string): Promise<boolean> {
  try {
    const { BucketRegion = region } = await client.send(new s3.HeadBucketCommand(whose));
    if (BucketRegion !== region) throw elsewhere(whose.Bucket, region, BucketRegion);
    return true;
  } catch (error) {
    const { $metadata, $response } = error as s3.S3ServiceException;
    const status = $metadata?.httpStatusCode;
    if (status === 404) return false;
    if (status === 403)
      throw new UserError(
        `bucket ${whose.Bucket}: expected one of the account ${whose.ExpectedBucketOwner}, or none, got one that it may not look at; next: another ` +
          "name, or the rights of `fleet iam backend`",
      );
    if (status === 301) throw elsewhere(whose.Bucket, region, String($response?.headers["x-amz-bucket-region"] ?? "another region"));
    throw error;
  }
}

const elsewhere = (bucket: string, region: string, found: string): UserError =>
  new UserError(`bucket ${bucket}: expected it in ${region}, got ${found}; next: add --region ${found}`);

/** Makes what is not right, one after the other. @param tell what is made now */
export async function make(
  client: s3.S3Client,
  { bucket, region, account, there, settings: found }: Seen,
  tell: (what: string) => void,
): Promise<void> {
  const whose = { Bucket: bucket, ExpectedBucketOwner: account };
  if (!there) {
    tell("the bucket");
    await client.send(new s3.CreateBucketCommand({ Bucket: bucket, ...placed(region) }));
    await settled(() => client.send(new s3.PutBucketTaggingCommand({ ...whose, Tagging: { TagSet: tags } })));
  }
  const wrong = new Set(found.filter(({ right }) => !right).map(({ name }) => name));
  for (const each of settings.filter(({ name }) => wrong.has(name))) {
    tell(each.name);
    await settled(() => each.put(client, whose));
  }
}

/** S3 takes every region but its first as a place. */
const placed = (region: string) =>
  region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region as s3.BucketLocationConstraint } };

const tries = 5;
/** A bucket that was made a moment ago is not known everywhere yet, and one setting at a time is taken. */
async function settled(put: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await put();
      return;
    } catch (error) {
      if (attempt === tries || !/^(OperationAborted|NoSuchBucket)$/.test((error as Error).name)) throw error;
      await new Promise((resolve) => setTimeout(resolve, attempt * 1000));
    }
  }
}
