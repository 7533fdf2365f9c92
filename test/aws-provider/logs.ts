// CloudWatch Logs.
import * as sdk from "@aws-sdk/client-cloudwatch-logs";
import { logs } from "./clients.ts";
import { type AwsType, gone } from "./type.ts";

const groupOf = async (logGroupNamePrefix: string) => {
  const found = await gone(logs().send(new sdk.DescribeLogGroupsCommand({ logGroupNamePrefix })));
  return found?.logGroups?.find(({ logGroupName }) => logGroupName === logGroupNamePrefix);
};

const keep = (logGroupName: string, retentionInDays: number) =>
  logs().send(new sdk.PutRetentionPolicyCommand({ logGroupName, retentionInDays }));

export const logGroup: AwsType = {
  async create({ name, retentionInDays, tags }) {
    await logs().send(new sdk.CreateLogGroupCommand({ logGroupName: name, tags }));
    await keep(name, retentionInDays);
    return name;
  },
  async read(id) {
    const one = await groupOf(id);
    if (!one) return undefined;
    const { tags } = await logs().send(new sdk.ListTagsForResourceCommand({ resourceArn: one.arn?.replace(/:\*$/, "") }));
    return { name: id, retentionInDays: one.retentionInDays, tags };
  },
  update: async (id, { retentionInDays }) => void (await keep(id, retentionInDays)),
  delete: async (id) => void (await logs().send(new sdk.DeleteLogGroupCommand({ logGroupName: id }))),
};
