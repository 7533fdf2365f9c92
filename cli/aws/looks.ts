// One look a service: what is there, whose it is by its tags, and which command of the AWS CLI takes it away.
import { AutoScalingClient, paginateDescribeAutoScalingGroups } from "@aws-sdk/client-auto-scaling";
import { ListTagsForResourceCommand as AlarmTags, CloudWatchClient, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, ListTagsForResourceCommand as LogTags, paginateDescribeLogGroups } from "@aws-sdk/client-cloudwatch-logs";
import { paginateDescribeDBInstances, paginateDescribeDBSnapshots, RDSClient } from "@aws-sdk/client-rds";
import { GetBucketTaggingCommand, paginateListBuckets, S3Client } from "@aws-sdk/client-s3";
import { paginateListTopics, SNSClient, ListTagsForResourceCommand as TopicTags } from "@aws-sdk/client-sns";
import { ListQueueTagsCommand, paginateListQueues, SQSClient } from "@aws-sdk/client-sqs";
import pLimit from "p-limit";
import { quote } from "../../provisioners/host/command.ts";
import { lookAtEc2 } from "./look-ec2.ts";

export type Tags = Readonly<Record<string, string>>;

export interface Whose {
  readonly kind: string;
  readonly id: string;
  readonly tags: Tags;
  /** Arguments of `aws`. */
  readonly command: string;
}

export interface Look {
  readonly service: string;
  readonly look: (region: string) => Promise<readonly Whose[]>;
}

/** Calls at once to a service that tells tags one thing at a time. */
const atOnce = 8;

type TagList = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[];
export const tagsOf = (list: TagList = []): Tags => Object.fromEntries(list.map(({ Key = "", Value = "" }) => [Key, Value]));

/** Tags of each, asked for one by one. What went away in between has none. */
async function withTags(kind: string, ids: readonly string[], command: (id: string) => string, tags: (id: string) => Promise<Tags>) {
  const limit = pLimit(atOnce);
  const one = async (id: string): Promise<Whose> => ({ kind, id, command: command(id), tags: await untilGone(tags(id)) });
  return await Promise.all(ids.map((id) => limit(() => one(id))));
}

async function untilGone(asked: Promise<Tags>): Promise<Tags> {
  try {
    return await asked;
  } catch (error) {
    if (/NoSuchTagSet|NoSuchBucket|NotFound|NonExistent|DoesNotExist/.test((error as Error).name)) return {};
    throw error;
  }
}

async function all<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => readonly Item[] | undefined): Promise<Item[]> {
  const found: Item[] = [];
  for await (const page of pages) found.push(...(items(page) ?? []));
  return found;
}

async function groups(region: string): Promise<readonly Whose[]> {
  const client = new AutoScalingClient({ region });
  const found = await all(paginateDescribeAutoScalingGroups({ client }, {}), (page) => page.AutoScalingGroups);
  return found.map(({ AutoScalingGroupName: id = "", Tags }) => {
    const command = `autoscaling delete-auto-scaling-group --force-delete --auto-scaling-group-name ${quote(id)}`;
    return { kind: "autoscaling group", id, tags: tagsOf(Tags), command };
  });
}

async function queues(region: string): Promise<readonly Whose[]> {
  const client = new SQSClient({ region });
  const urls = await all(paginateListQueues({ client }, { MaxResults: 1000 }), (page) => page.QueueUrls);
  const tags = async (QueueUrl: string) => (await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags ?? {};
  return await withTags("queue", urls, (url) => `sqs delete-queue --queue-url ${quote(url)}`, tags);
}

async function buckets(region: string): Promise<readonly Whose[]> {
  const client = new S3Client({ region });
  const found = await all(paginateListBuckets({ client }, { BucketRegion: region }), (page) => page.Buckets);
  const tags = async (Bucket: string) => tagsOf((await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet);
  // Of a versioned bucket the old versions have to go too: `rb --force` leaves those, and then says so.
  return await withTags(
    "bucket",
    found.map(({ Name = "" }) => Name),
    (name) => `s3 rb --force ${quote(`s3://${name}`)}`,
    tags,
  );
}

async function logGroups(region: string): Promise<readonly Whose[]> {
  const client = new CloudWatchLogsClient({ region });
  const found = await all(paginateDescribeLogGroups({ client }, {}), (page) => page.logGroups);
  const arns = new Map(found.map(({ logGroupName = "", arn = "" }) => [logGroupName, arn.replace(/:\*$/, "")]));
  const tags = async (name: string) => (await client.send(new LogTags({ resourceArn: arns.get(name) }))).tags ?? {};
  return await withTags("log group", [...arns.keys()], (name) => `logs delete-log-group --log-group-name ${quote(name)}`, tags);
}

async function alarms(region: string): Promise<readonly Whose[]> {
  const client = new CloudWatchClient({ region });
  const found = await all(paginateDescribeAlarms({ client }, {}), (page) => page.MetricAlarms);
  const arns = new Map(found.map(({ AlarmName = "", AlarmArn = "" }) => [AlarmName, AlarmArn]));
  const tags = async (name: string) => tagsOf((await client.send(new AlarmTags({ ResourceARN: arns.get(name) }))).Tags);
  return await withTags("alarm", [...arns.keys()], (name) => `cloudwatch delete-alarms --alarm-names ${quote(name)}`, tags);
}

async function topics(region: string): Promise<readonly Whose[]> {
  const client = new SNSClient({ region });
  const found = await all(paginateListTopics({ client }, {}), (page) => page.Topics);
  const tags = async (ResourceArn: string) => tagsOf((await client.send(new TopicTags({ ResourceArn }))).Tags);
  return await withTags(
    "topic",
    found.map(({ TopicArn = "" }) => TopicArn),
    (arn) => `sns delete-topic --topic-arn ${quote(arn)}`,
    tags,
  );
}

async function databases(region: string): Promise<readonly Whose[]> {
  const client = new RDSClient({ region });
  const instances = await all(paginateDescribeDBInstances({ client }, {}), (page) => page.DBInstances);
  const kept = await all(paginateDescribeDBSnapshots({ client }, { SnapshotType: "manual" }), (page) => page.DBSnapshots);
  return [
    ...instances.map(({ DBInstanceIdentifier: id = "", TagList }) => {
      const command = `rds delete-db-instance --skip-final-snapshot --db-instance-identifier ${quote(id)}`;
      return { kind: "database", id, tags: tagsOf(TagList), command };
    }),
    ...kept.map(({ DBSnapshotIdentifier: id = "", TagList }) => {
      const command = `rds delete-db-snapshot --db-snapshot-identifier ${quote(id)}`;
      return { kind: "database snapshot", id, tags: tagsOf(TagList), command };
    }),
  ];
}

export const looks: readonly Look[] = [
  { service: "EC2", look: lookAtEc2 },
  { service: "Auto Scaling", look: groups },
  { service: "SQS", look: queues },
  { service: "S3", look: buckets },
  { service: "CloudWatch Logs", look: logGroups },
  { service: "CloudWatch alarms", look: alarms },
  { service: "SNS", look: topics },
  { service: "RDS", look: databases },
];
