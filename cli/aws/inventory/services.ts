// One look a service: what is there, whose it is by its tags, and which command of the AWS CLI takes it away.

import { AutoScalingClient, paginateDescribeAutoScalingGroups } from "@aws-sdk/client-auto-scaling";
import { ListTagsForResourceCommand as AlarmTags, CloudWatchClient, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, ListTagsForResourceCommand as LogTags, paginateDescribeLogGroups } from "@aws-sdk/client-cloudwatch-logs";
import { DLMClient, GetLifecyclePoliciesCommand } from "@aws-sdk/client-dlm";
import { GetBucketTaggingCommand, paginateListBuckets, S3Client } from "@aws-sdk/client-s3";
import { paginateListTopics, SNSClient, ListTagsForResourceCommand as TopicTags } from "@aws-sdk/client-sns";
import { ListQueueTagsCommand, paginateListQueues, SQSClient } from "@aws-sdk/client-sqs";
import { type Access, clientOf } from "../../../provisioners/aws/access.ts";
import { quote } from "../../../provisioners/engine/shell-quote.ts";
import { type Away, all, type Look, steps, tagsOf, type Whose, withTags } from "../tagged-resource.ts";
import { lookAtBalancers } from "./balancers.ts";
import { lookAtEc2 } from "./ec2.ts";
import { lookAtIam } from "./iam.ts";
import { lookAtRds } from "./rds.ts";

async function groups(access: Access): Promise<readonly Whose[]> {
  const client = new AutoScalingClient(clientOf(access));
  const found = await all(paginateDescribeAutoScalingGroups({ client }, {}), (page) => page.AutoScalingGroups);
  return found.map(({ AutoScalingGroupName: id = "", Tags }) => {
    const away = steps(`autoscaling delete-auto-scaling-group --force-delete --auto-scaling-group-name ${quote(id)}`);
    return { kind: "autoscaling group", id, tags: tagsOf(Tags), away };
  });
}

async function queues(access: Access): Promise<readonly Whose[]> {
  const client = new SQSClient(clientOf(access));
  const urls = await all(paginateListQueues({ client }, { MaxResults: 1000 }), (page) => page.QueueUrls);
  const tags = async (QueueUrl: string) => (await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags ?? {};
  return await withTags("queue", urls, (url) => steps(`sqs delete-queue --queue-url ${quote(url)}`), tags);
}

async function buckets(access: Access): Promise<readonly Whose[]> {
  const client = new S3Client(clientOf(access));
  const found = await all(paginateListBuckets({ client }, { BucketRegion: access.region }), (page) => page.Buckets);
  const tags = async (Bucket: string) => tagsOf((await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet);
  return await withTags(
    "bucket",
    found.map(({ Name = "" }) => Name),
    emptiedBucket,
    tags,
  );
}

/** With all its versions, and the marks of what was deleted: `aws s3 rb --force` would leave those. */
const emptiedBucket =
  (name: string): Away =>
  (aws) => {
    const bucket = `--bucket ${quote(name)}`;
    const list = `${aws} s3api list-object-versions ${bucket} --query '[Versions,DeleteMarkers][][].[VersionId,Key]' --output text`;
    const remove = `${aws} s3api delete-object ${bucket} --version-id "$version" --key "$key" </dev/null`;
    return `${list} | while read -r version key; do ${remove}; done && ${aws} s3api delete-bucket ${bucket}`;
  };

async function logGroups(access: Access): Promise<readonly Whose[]> {
  const client = new CloudWatchLogsClient(clientOf(access));
  const found = await all(paginateDescribeLogGroups({ client }, {}), (page) => page.logGroups);
  const arns = new Map(found.map(({ logGroupName = "", arn = "" }) => [logGroupName, arn.replace(/:\*$/, "")]));
  const tags = async (name: string) => (await client.send(new LogTags({ resourceArn: arns.get(name) }))).tags ?? {};
  return await withTags("log group", [...arns.keys()], (name) => steps(`logs delete-log-group --log-group-name ${quote(name)}`), tags);
}

async function alarms(access: Access): Promise<readonly Whose[]> {
  const client = new CloudWatchClient(clientOf(access));
  const found = await all(paginateDescribeAlarms({ client }, {}), (page) => page.MetricAlarms);
  const arns = new Map(found.map(({ AlarmName = "", AlarmArn = "" }) => [AlarmName, AlarmArn]));
  const tags = async (name: string) => tagsOf((await client.send(new AlarmTags({ ResourceARN: arns.get(name) }))).Tags);
  return await withTags("alarm", [...arns.keys()], (name) => steps(`cloudwatch delete-alarms --alarm-names ${quote(name)}`), tags);
}

async function topics(access: Access): Promise<readonly Whose[]> {
  const client = new SNSClient(clientOf(access));
  const found = await all(paginateListTopics({ client }, {}), (page) => page.Topics);
  const tags = async (ResourceArn: string) => tagsOf((await client.send(new TopicTags({ ResourceArn }))).Tags);
  return await withTags(
    "topic",
    found.map(({ TopicArn = "" }) => TopicArn),
    (arn) => steps(`sns delete-topic --topic-arn ${quote(arn)}`),
    tags,
  );
}

async function snapshotPolicies(access: Access): Promise<readonly Whose[]> {
  const { Policies = [] } = await new DLMClient(clientOf(access)).send(new GetLifecyclePoliciesCommand({}));
  return Policies.map(({ PolicyId: id = "", Tags = {} }) => {
    return { kind: "snapshot policy", id, tags: Tags, away: steps(`dlm delete-lifecycle-policy --policy-id ${quote(id)}`) };
  });
}

export const looks: readonly Look[] = [
  { service: "EC2", look: lookAtEc2 },
  { service: "Auto Scaling", look: groups },
  { service: "load balancers", look: lookAtBalancers },
  { service: "SQS", look: queues },
  { service: "S3", look: buckets },
  { service: "CloudWatch Logs", look: logGroups },
  { service: "CloudWatch alarms", look: alarms },
  { service: "SNS", look: topics },
  { service: "RDS", look: lookAtRds },
  { service: "DLM", look: snapshotPolicies },
  { service: "IAM", global: true, look: lookAtIam },
];
