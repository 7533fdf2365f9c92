// What is in the bucket of a state, as Pulumi's self-managed backend lays it out: stacks, and the locks of runs that are under way.
import * as s3 from "@aws-sdk/client-s3";
import type { BucketPlace } from "../../../operations/history/s3-url.ts";
import { all } from "../tagged-resource.ts";

export interface StackFile {
  readonly project: string;
  readonly stack: string;
  readonly bytes: number;
  /** ISO 8601. */
  readonly changed: string;
}

export interface Lock {
  readonly stack: string;
  /** `who@computer, pid 7`; as much as the lock says. */
  readonly by: string;
  /** ISO 8601. */
  readonly since: string;
}

/** What a shell exports for Pulumi and `fleet` to keep their state there. */
export const urlOf = (bucket: string, region: string): string => `s3://${bucket}?region=${region}`;

export interface Contents {
  readonly stacks: readonly StackFile[];
  readonly locks: readonly Lock[];
}

export async function contents({ client, bucket: Bucket, folder }: BucketPlace): Promise<Contents> {
  const top = `${folder === "" ? "" : `${folder}/`}.pulumi`;
  const below = (Prefix: string) => all(s3.paginateListObjectsV2({ client }, { Bucket, Prefix }), (page) => page.Contents);
  const [stacks, locks] = await Promise.all([below(`${top}/stacks/`), below(`${top}/locks/`)]);
  return {
    stacks: stacks.flatMap(stackIn),
    locks: await Promise.all(locks.filter(({ Key = "" }) => Key.endsWith(".json")).map((each) => lockOf(client, Bucket, each))),
  };
}

/** Pulumi's own backup of one (`….json.bak`) is none. */
function stackIn({ Key = "", Size = 0, LastModified }: s3._Object): readonly StackFile[] {
  const { project = "", stack } = /\/stacks\/(?:(?<project>[^/]+)\/)?(?<stack>[^/]+)\.json(?:\.gz)?$/.exec(Key)?.groups ?? {};
  return stack === undefined ? [] : [{ project, stack, bytes: Size, changed: LastModified?.toISOString() ?? "" }];
}

/** Its folder is the stack's, and it says who holds it. */
async function lockOf(client: s3.S3Client, Bucket: string, { Key = "", LastModified }: s3._Object): Promise<Lock> {
  const stack = Key.split("/").at(-2) ?? Key;
  const since = LastModified?.toISOString() ?? "";
  try {
    const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
    const { pid, username, hostname, timestamp } = JSON.parse((await Body?.transformToString()) ?? "{}") as Readonly<
      Record<string, string>
    >;
    return { stack, by: `${username ?? "?"}@${hostname ?? "?"}, pid ${pid ?? "?"}`, since: timestamp ?? since };
  } catch (error) {
    // It went meanwhile, or may not be read: that it is there is what counts.
    return { stack, by: `unknown (${(error as Error).name})`, since };
  }
}
