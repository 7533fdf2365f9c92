// What a look at a service brings back: a thing, whose it is by its tags, and how the AWS CLI takes it away.

import pLimit from "p-limit";
import type { Access } from "../../provisioners/aws/access.ts";

export type Tags = Readonly<Record<string, string>>;

/** Shell text for a way to call the AWS CLI, such as `aws --region ap-northeast-1`. */
export type Away = (aws: string) => string;

export interface Whose {
  readonly kind: Kind;
  readonly id: string;
  readonly tags: Tags;
  readonly away: Away;
}

export interface Look {
  readonly service: string;
  /** Its things belong to no region. @default false */
  readonly global?: boolean;
  readonly look: (access: Access) => Promise<readonly Whose[]>;
}

/** In the order in which they can go: what holds on to something stands before it. */
export const kinds = [
  ...[
    "snapshot policy",
    "autoscaling group",
    "load balancer",
    "target group",
    "instance",
    "endpoint",
    "interface",
    "volume",
    "image",
    "snapshot",
    "address",
    "launch template",
  ],
  ...["placement group", "key pair", "database", "database snapshot", "database subnet group", "database settings", "bucket", "queue"],
  ...["topic", "alarm", "log group", "instance profile", "role", "security group", "subnet", "internet gateway", "VPC"],
] as const;
export type Kind = (typeof kinds)[number];

/** Commands of the AWS CLI, one after the other. */
export const steps =
  (...commands: readonly string[]): Away =>
  (aws) =>
    commands.map((command) => `${aws} ${command}`).join(" && ");

type TagList = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[];
export const tagsOf = (list: TagList = []): Tags => Object.fromEntries(list.map(({ Key = "", Value = "" }) => [Key, Value]));

export async function all<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => readonly Item[] | undefined): Promise<Item[]> {
  const found: Item[] = [];
  for await (const page of pages) found.push(...(items(page) ?? []));
  return found;
}

/** Calls at once to a service that tells tags one thing at a time. */
const atOnce = 8;

/** Tags of each, asked for one by one. What went away in between has none. */
export async function withTags(
  kind: Kind,
  ids: readonly string[],
  away: (id: string) => Away,
  tags: (id: string) => Promise<Tags>,
): Promise<readonly Whose[]> {
  const limit = pLimit(atOnce);
  const one = async (id: string): Promise<Whose> => ({ kind, id, away: away(id), tags: await untilGone(tags(id)) });
  return await Promise.all(ids.map((id) => limit(() => one(id))));
}

async function untilGone(asked: Promise<Tags>): Promise<Tags> {
  try {
    return await asked;
  } catch (error) {
    if (/NoSuchTagSet|NoSuchBucket|NoSuchEntity|NotFound|NonExistent|DoesNotExist/.test((error as Error).name)) return {};
    throw error;
  }
}
