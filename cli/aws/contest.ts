// The contest's environment check asked of EC2 itself: what is really in the team's network, whoever put it there.

import * as ec2 from "@aws-sdk/client-ec2";
import { isucon14, type SeenFleet, type SeenInstance, type SeenRule, verifyContest } from "../../components/targets/aws/contest.ts";
import { project } from "../../components/targets/aws/tags.ts";
import { type Access, clientOf } from "../../provisioners/aws/access.ts";
import type { Result, RoleReport } from "../../provisioners/engine/report.ts";
import { aroundServers } from "../reports.ts";
import { instancesBy } from "./instances.ts";
import type { AwsStack } from "./stacks.ts";
import { all, tagsOf } from "./tagged-resource.ts";

/** Undefined while the stack has no network. */
async function seenFleet(access: Access, stack: string): Promise<SeenFleet | undefined> {
  const client = new ec2.EC2Client(clientOf(access));
  const own = Object.entries({ project, stack }).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
  const [vpc] = await all(ec2.paginateDescribeVpcs({ client }, { Filters: own }), (page) => page.Vpcs);
  if (vpc?.VpcId === undefined) return undefined;
  const inVpc = [{ Name: "vpc-id", Values: [vpc.VpcId] }];
  const [instances, interfaces, subnets, groups] = await Promise.all([
    instancesBy(client, inVpc),
    all(ec2.paginateDescribeNetworkInterfaces({ client }, { Filters: inVpc }), (page) => page.NetworkInterfaces),
    all(ec2.paginateDescribeSubnets({ client }, { Filters: inVpc }), (page) => page.Subnets),
    all(ec2.paginateDescribeSecurityGroups({ client }, { Filters: inVpc }), (page) => page.SecurityGroups),
  ]);
  const attached = [{ Name: "attachment.instance-id", Values: instances.flatMap(({ InstanceId }) => InstanceId ?? []) }];
  const volumes =
    instances.length === 0 ? [] : await all(ec2.paginateDescribeVolumes({ client }, { Filters: attached }), (page) => page.Volumes);
  return {
    instances: instances.map((instance) => seenInstance(instance, subnets, groups, volumes)),
    interfaces: interfaces.flatMap(({ NetworkInterfaceId }) => NetworkInterfaceId ?? []),
  };
}

function seenInstance(
  { InstanceId = "", InstanceType, ImageId = "", SubnetId, NetworkInterfaces = [], Tags }: ec2.Instance,
  subnets: readonly ec2.Subnet[],
  groups: readonly ec2.SecurityGroup[],
  volumes: readonly ec2.Volume[],
): SeenInstance {
  const own = volumes.filter(({ Attachments = [] }) => Attachments.some((each) => each.InstanceId === InstanceId));
  const guarding = NetworkInterfaces.flatMap(({ Groups = [] }) => Groups).map(({ GroupId }) => GroupId);
  const guards = groups.filter(({ GroupId }) => guarding.includes(GroupId));
  return {
    id: tagsOf(Tags).Name ?? InstanceId,
    type: InstanceType ?? "",
    ami: ImageId,
    zoneId: subnets.find((each) => each.SubnetId === SubnetId)?.AvailabilityZoneId ?? "",
    volumes: own.map(({ VolumeId = "", VolumeType = "", Size = 0 }) => ({ id: VolumeId, type: VolumeType, sizeGB: Size })),
    interfaces: NetworkInterfaces.flatMap(({ NetworkInterfaceId }) => NetworkInterfaceId ?? []),
    rules: guards.flatMap(({ IpPermissions = [], IpPermissionsEgress = [] }) => [
      ...IpPermissions.map(seenRule("in")),
      ...IpPermissionsEgress.map(seenRule("out")),
    ]),
  };
}

const seenRule =
  (direction: SeenRule["direction"]) =>
  ({ IpProtocol = "-1", FromPort = 0, ToPort = 0, ...peers }: ec2.IpPermission): SeenRule => ({
    direction,
    protocol: IpProtocol,
    fromPort: FromPort,
    toPort: ToPort,
    networks: (peers.IpRanges ?? []).flatMap(({ CidrIp }) => CidrIp ?? []),
    others: [
      ...(peers.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
      ...(peers.PrefixListIds ?? []).map(({ PrefixListId }) => PrefixListId),
      ...(peers.UserIdGroupPairs ?? []).map(({ GroupId }) => GroupId),
    ].flatMap((each) => each ?? []),
  });

/** A result for the network and one for each instance in it; undefined for a stack under other rules, or without a network. */
export async function contestReport({ plan: { stack }, target }: AwsStack): Promise<RoleReport | undefined> {
  if (target.profile !== "contest") return undefined;
  const seen = await seenFleet(target, stack);
  if (!seen) return undefined;
  const expected = {
    ...(target.image?.startsWith("ami-") && { ami: target.image }),
    ...(target.zoneId !== undefined && { zoneId: target.zoneId }),
  };
  const breaks = verifyContest(isucon14, expected, seen);
  const results = ["VPC", ...seen.instances.map(({ id }) => id)].map((subject): Result => {
    const changes = breaks.filter((each) => each.subject === subject).map(({ sentence }) => sentence);
    return { address: `isucon14[${subject}]`, outcome: changes.length > 0 ? "failed" : "unchanged", changes };
  });
  return { host: aroundServers, role: "environment check", results };
}
