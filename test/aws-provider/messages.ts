// Queues, topics, alarms.
import * as watch from "@aws-sdk/client-cloudwatch";
import * as notices from "@aws-sdk/client-sns";
import * as sdk from "@aws-sdk/client-sqs";
import { cloudwatch, sns, sqs } from "./clients.ts";
import { type AwsType, gone, type Inputs, tagList, tagMap } from "./type.ts";
import { fromAws, toAws } from "./words.ts";

/** Pulumi's name of an attribute, and AWS's. */
const attributes = {
  visibilityTimeoutSeconds: "VisibilityTimeout",
  messageRetentionSeconds: "MessageRetentionPeriod",
  receiveWaitTimeSeconds: "ReceiveMessageWaitTimeSeconds",
  sqsManagedSseEnabled: "SqsManagedSseEnabled",
  redrivePolicy: "RedrivePolicy",
} as const;

const attributesOf = (inputs: Inputs) =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([ours, theirs]) => (inputs[ours] === undefined ? [] : [[theirs, String(inputs[ours])]])),
  );

const attributesAt = async (QueueUrl: string) =>
  (await gone(sqs().send(new sdk.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }))))?.Attributes;

export const queue: AwsType = {
  async create(inputs, name) {
    const args = { QueueName: inputs.name ?? name, Attributes: attributesOf(inputs), tags: inputs.tags };
    return (await sqs().send(new sdk.CreateQueueCommand(args))).QueueUrl ?? "";
  },
  async read(id) {
    const seen = await attributesAt(id);
    if (!seen) return undefined;
    const { Tags } = await sqs().send(new sdk.ListQueueTagsCommand({ QueueUrl: id }));
    const values = Object.fromEntries(Object.entries(attributes).map(([ours, theirs]) => [ours, seen[theirs]]));
    return { ...values, url: id, arn: seen.QueueArn, name: id.split("/").at(-1), tags: Tags ?? {} };
  },
  async update(id, inputs) {
    // The emulator forgets the policy when the other attributes are set without it.
    const { Policy } = (await attributesAt(id)) ?? {};
    const Attributes = { ...attributesOf(inputs), ...(Policy && { Policy }) };
    await sqs().send(new sdk.SetQueueAttributesCommand({ QueueUrl: id, Attributes }));
    await sqs().send(new sdk.TagQueueCommand({ QueueUrl: id, Tags: inputs.tags }));
  },
  delete: async (id) => void (await sqs().send(new sdk.DeleteQueueCommand({ QueueUrl: id }))),
};

const putPolicy = (QueueUrl: string, Policy: string) => sqs().send(new sdk.SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));

export const queuePolicy: AwsType = {
  async create({ queueUrl, policy }) {
    await putPolicy(queueUrl, policy);
    return queueUrl;
  },
  async read(id) {
    const seen = await attributesAt(id);
    return seen && { queueUrl: id, policy: seen.Policy ?? "" };
  },
  update: async (id, { policy }) => void (await putPolicy(id, policy)),
  delete: async (id) => void (await putPolicy(id, "")),
};

export const topic: AwsType = {
  async create({ tags }, Name) {
    return (await sns().send(new notices.CreateTopicCommand({ Name, Tags: tagList(tags) }))).TopicArn ?? "";
  },
  async read(id) {
    const found = await gone(sns().send(new notices.GetTopicAttributesCommand({ TopicArn: id })));
    if (!found) return undefined;
    const { Tags } = await sns().send(new notices.ListTagsForResourceCommand({ ResourceArn: id }));
    return { arn: id, name: id.split(":").at(-1), tags: tagMap(Tags) };
  },
  update: async (id, { tags }) => void (await sns().send(new notices.TagResourceCommand({ ResourceArn: id, Tags: tagList(tags) }))),
  delete: async (id) => void (await sns().send(new notices.DeleteTopicCommand({ TopicArn: id }))),
};

export const topicSubscription: AwsType = {
  async create({ topic: TopicArn, protocol: Protocol, endpoint: Endpoint }) {
    const args = { TopicArn, Protocol, Endpoint, ReturnSubscriptionArn: true };
    return (await sns().send(new notices.SubscribeCommand(args))).SubscriptionArn ?? "";
  },
  async read(id) {
    const found = await gone(sns().send(new notices.GetSubscriptionAttributesCommand({ SubscriptionArn: id })));
    const { TopicArn, Protocol, Endpoint } = found?.Attributes ?? {};
    return found && { arn: id, topic: TopicArn, protocol: Protocol, endpoint: Endpoint };
  },
  delete: async (id) => void (await sns().send(new notices.UnsubscribeCommand({ SubscriptionArn: id }))),
};

const alarmNames = { alarmActions: "AlarmActions" };
function alarmOf(AlarmName: string, { dimensions, tags, ...rest }: Inputs): watch.PutMetricAlarmCommandInput {
  const Dimensions = Object.entries(dimensions as Record<string, string>).map(([Name, Value]) => ({ Name, Value }));
  return {
    AlarmName,
    ...(toAws(rest, alarmNames) as object),
    Dimensions,
    Tags: tagList(tags),
  } as unknown as watch.PutMetricAlarmCommandInput;
}

export const metricAlarm: AwsType = {
  async create(inputs, name) {
    await cloudwatch().send(new watch.PutMetricAlarmCommand(alarmOf(name, inputs)));
    return name;
  },
  async read(id) {
    const { MetricAlarms } = await cloudwatch().send(new watch.DescribeAlarmsCommand({ AlarmNames: [id] }));
    const [one] = MetricAlarms ?? [];
    if (!one) return undefined;
    const { Tags } = await cloudwatch().send(new watch.ListTagsForResourceCommand({ ResourceARN: one.AlarmArn }));
    const dimensions = Object.fromEntries((one.Dimensions ?? []).map(({ Name, Value }) => [Name, Value]));
    return { ...fromAws(one), dimensions, name: id, arn: one.AlarmArn, tags: tagMap(Tags) };
  },
  update: async (id, inputs) => void (await cloudwatch().send(new watch.PutMetricAlarmCommand(alarmOf(id, inputs)))),
  delete: async (id) => void (await cloudwatch().send(new watch.DeleteAlarmsCommand({ AlarmNames: [id] }))),
};
