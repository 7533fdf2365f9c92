// The look-ups that the components make.
import * as sdk from "@aws-sdk/client-ec2";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { ec2, ssm, sts } from "./clients.ts";
import type { Inputs } from "./type.ts";

const filters = (list: readonly Inputs[] = []) => list.map(({ name: Name, values: Values }) => ({ Name, Values }));

/** Debian's and Canonical's parameters, which the emulator lacks, name some Linux image of it. */
async function someImage(name: string): Promise<string | undefined> {
  const [, arch] = /^\/aws\/service\/(?:debian|canonical)\/.*\b(amd64|arm64)\b/.exec(name) ?? [];
  if (arch === undefined) return undefined;
  const { Images = [] } = await ec2().send(new sdk.DescribeImagesCommand({}));
  return Images.find(({ Architecture, Platform }) => Architecture === (arch === "amd64" ? "x86_64" : arch) && !Platform)?.ImageId;
}

export const lookups: Readonly<Record<string, (args: Inputs) => Promise<object>>> = {
  async "aws:ssm/getParameter:getParameter"({ name }) {
    const value = await someImage(name);
    if (value !== undefined) return { id: name, name, value, type: "String" };
    const { Parameter } = await ssm().send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    return { id: name, name, value: Parameter?.Value, type: Parameter?.Type };
  },
  /** Of names nothing is emulated. */
  async "aws:route53/getZone:getZone"({ name }) {
    return { id: `Z-${name}`, zoneId: `Z-${name}`, name };
  },
  async "aws:index/getAvailabilityZones:getAvailabilityZones"() {
    const { AvailabilityZones = [] } = await ec2().send(new sdk.DescribeAvailabilityZonesCommand({}));
    return {
      id: "zones",
      zoneIds: AvailabilityZones.map(({ ZoneId }) => ZoneId),
      names: AvailabilityZones.map(({ ZoneName }) => ZoneName),
    };
  },
  async "aws:index/getCallerIdentity:getCallerIdentity"() {
    const { Account, Arn, UserId } = await sts().send(new GetCallerIdentityCommand({}));
    return { id: Account, accountId: Account, arn: Arn, userId: UserId };
  },
  async "aws:ec2/getAmi:getAmi"(args) {
    const { Images } = await ec2().send(new sdk.DescribeImagesCommand({ Filters: filters(args.filters) }));
    return { id: Images?.[0]?.ImageId, rootDeviceName: Images?.[0]?.RootDeviceName ?? "/dev/sda1" };
  },
  async "aws:ec2/getAmiIds:getAmiIds"({ filters: wanted, owners }) {
    const { Images = [] } = await ec2().send(new sdk.DescribeImagesCommand({ Filters: filters(wanted), Owners: owners }));
    return { id: "ids", ids: Images.map(({ ImageId }) => ImageId) };
  },
  async "aws:ec2/getVpc:getVpc"() {
    const { Vpcs } = await ec2().send(new sdk.DescribeVpcsCommand({ Filters: [{ Name: "is-default", Values: ["true"] }] }));
    return { id: Vpcs?.[0]?.VpcId, cidrBlock: Vpcs?.[0]?.CidrBlock };
  },
  async "aws:ec2/getSubnet:getSubnet"({ vpcId, availabilityZoneId }) {
    const { Subnets = [] } = await ec2().send(new sdk.DescribeSubnetsCommand({ Filters: [{ Name: "vpc-id", Values: [vpcId] }] }));
    const found = Subnets.find(({ AvailabilityZoneId }) => AvailabilityZoneId === availabilityZoneId);
    return { id: found?.SubnetId, availabilityZone: found?.AvailabilityZone, mapPublicIpOnLaunch: found?.MapPublicIpOnLaunch };
  },
};
