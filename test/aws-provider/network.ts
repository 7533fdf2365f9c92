// VPCs and what belongs to them.
import * as sdk from "@aws-sdk/client-ec2";
import { ec2 } from "./clients.ts";
import { type AwsType, gone, type Inputs, type Tags, tagList, tagMap } from "./type.ts";

export const born = (ResourceType: sdk.ResourceType, tags: Tags = {}) =>
  Object.keys(tags).length > 0 ? { TagSpecifications: [{ ResourceType, Tags: tagList(tags) }] } : {};

/** Takes away what is no longer asked for, then puts what is. */
export async function retag(id: string, tags: Tags = {}, before: Tags = {}): Promise<void> {
  const old = Object.keys(before).filter((key) => !(key in tags));
  if (old.length > 0) await ec2().send(new sdk.DeleteTagsCommand({ Resources: [id], Tags: old.map((Key) => ({ Key })) }));
  if (Object.keys(tags).length > 0) await ec2().send(new sdk.CreateTagsCommand({ Resources: [id], Tags: tagList(tags) }));
}

const filter = (Name: string, ...Values: string[]) => ({ Name, Values });

export const vpc: AwsType = {
  async create({ cidrBlock, enableDnsHostnames = false, enableDnsSupport = true, tags }) {
    const { Vpc } = await ec2().send(new sdk.CreateVpcCommand({ CidrBlock: cidrBlock, ...born("vpc", tags) }));
    const VpcId = Vpc?.VpcId ?? "";
    await ec2().send(new sdk.ModifyVpcAttributeCommand({ VpcId, EnableDnsSupport: { Value: enableDnsSupport } }));
    await ec2().send(new sdk.ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: enableDnsHostnames } }));
    return VpcId;
  },
  async read(id) {
    const found = await gone(ec2().send(new sdk.DescribeVpcsCommand({ VpcIds: [id] })));
    const [one] = found?.Vpcs ?? [];
    if (!one) return undefined;
    const ofVpc = { Filters: [filter("vpc-id", id)] };
    const [names, support, tables, acls, groups] = await Promise.all([
      ec2().send(new sdk.DescribeVpcAttributeCommand({ VpcId: id, Attribute: "enableDnsHostnames" })),
      ec2().send(new sdk.DescribeVpcAttributeCommand({ VpcId: id, Attribute: "enableDnsSupport" })),
      ec2().send(new sdk.DescribeRouteTablesCommand({ Filters: [...ofVpc.Filters, filter("association.main", "true")] })),
      ec2().send(new sdk.DescribeNetworkAclsCommand({ Filters: [...ofVpc.Filters, filter("default", "true")] })),
      ec2().send(new sdk.DescribeSecurityGroupsCommand({ Filters: [...ofVpc.Filters, filter("group-name", "default")] })),
    ]);
    return {
      cidrBlock: one.CidrBlock,
      enableDnsHostnames: names.EnableDnsHostnames?.Value,
      enableDnsSupport: support.EnableDnsSupport?.Value,
      tags: tagMap(one.Tags),
      defaultRouteTableId: tables.RouteTables?.[0]?.RouteTableId,
      defaultNetworkAclId: acls.NetworkAcls?.[0]?.NetworkAclId,
      defaultSecurityGroupId: groups.SecurityGroups?.[0]?.GroupId,
    };
  },
  async update(id, { enableDnsHostnames, tags }, olds) {
    await ec2().send(new sdk.ModifyVpcAttributeCommand({ VpcId: id, EnableDnsHostnames: { Value: enableDnsHostnames } }));
    await retag(id, tags, olds.tags);
  },
  delete: async (id) => void (await ec2().send(new sdk.DeleteVpcCommand({ VpcId: id }))),
};

export const internetGateway: AwsType = {
  async create({ vpcId, tags }) {
    const made = await ec2().send(new sdk.CreateInternetGatewayCommand(born("internet-gateway", tags)));
    const InternetGatewayId = made.InternetGateway?.InternetGatewayId ?? "";
    await ec2().send(new sdk.AttachInternetGatewayCommand({ InternetGatewayId, VpcId: vpcId }));
    return InternetGatewayId;
  },
  async read(id) {
    const found = await gone(ec2().send(new sdk.DescribeInternetGatewaysCommand({ InternetGatewayIds: [id] })));
    const [one] = found?.InternetGateways ?? [];
    return one && { vpcId: one.Attachments?.[0]?.VpcId, tags: tagMap(one.Tags) };
  },
  update: (id, { tags }, olds) => retag(id, tags, olds.tags),
  async delete(id, { vpcId }) {
    await gone(ec2().send(new sdk.DetachInternetGatewayCommand({ InternetGatewayId: id, VpcId: vpcId })));
    await ec2().send(new sdk.DeleteInternetGatewayCommand({ InternetGatewayId: id }));
  },
};

export const subnet: AwsType = {
  async create({ vpcId, cidrBlock, availabilityZoneId, mapPublicIpOnLaunch, tags }) {
    const place = { VpcId: vpcId, CidrBlock: cidrBlock, AvailabilityZoneId: availabilityZoneId };
    const { Subnet } = await ec2().send(new sdk.CreateSubnetCommand({ ...place, ...born("subnet", tags) }));
    const SubnetId = Subnet?.SubnetId ?? "";
    await ec2().send(new sdk.ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch: { Value: mapPublicIpOnLaunch } }));
    return SubnetId;
  },
  async read(id) {
    const found = await gone(ec2().send(new sdk.DescribeSubnetsCommand({ SubnetIds: [id] })));
    const [one] = found?.Subnets ?? [];
    if (!one) return undefined;
    const { VpcId: vpcId, CidrBlock: cidrBlock, AvailabilityZoneId: availabilityZoneId, AvailabilityZone: availabilityZone } = one;
    const { MapPublicIpOnLaunch: mapPublicIpOnLaunch, Tags } = one;
    return { vpcId, cidrBlock, availabilityZoneId, availabilityZone, mapPublicIpOnLaunch, tags: tagMap(Tags) };
  },
  async update(id, { mapPublicIpOnLaunch, tags }, olds) {
    await ec2().send(new sdk.ModifySubnetAttributeCommand({ SubnetId: id, MapPublicIpOnLaunch: { Value: mapPublicIpOnLaunch } }));
    await retag(id, tags, olds.tags);
  },
  delete: async (id) => void (await ec2().send(new sdk.DeleteSubnetCommand({ SubnetId: id }))),
};

const routesOf = async (id: string) => {
  const found = await gone(ec2().send(new sdk.DescribeRouteTablesCommand({ RouteTableIds: [id] })));
  const [table] = found?.RouteTables ?? [];
  const routes = (table?.Routes ?? []).filter(({ GatewayId }) => GatewayId !== "local");
  return table && { table, routes: routes.map((each) => ({ cidrBlock: each.DestinationCidrBlock, gatewayId: each.GatewayId })) };
};

async function setRoutes(RouteTableId: string, routes: readonly Inputs[]): Promise<void> {
  for (const { cidrBlock } of (await routesOf(RouteTableId))?.routes ?? [])
    await ec2().send(new sdk.DeleteRouteCommand({ RouteTableId, DestinationCidrBlock: cidrBlock }));
  for (const { cidrBlock, gatewayId } of routes)
    await ec2().send(new sdk.CreateRouteCommand({ RouteTableId, DestinationCidrBlock: cidrBlock, GatewayId: gatewayId }));
}

/** Comes with the VPC and goes with it. */
export const defaultRouteTable: AwsType = {
  async create({ defaultRouteTableId, routes, tags }) {
    await setRoutes(defaultRouteTableId, routes);
    await retag(defaultRouteTableId, tags);
    return defaultRouteTableId;
  },
  async read(id) {
    const found = await routesOf(id);
    return found && { defaultRouteTableId: id, routes: found.routes, tags: tagMap(found.table.Tags) };
  },
  async update(id, { routes, tags }, olds) {
    await setRoutes(id, routes);
    await retag(id, tags, olds.tags);
  },
  delete: (id) => setRoutes(id, []),
};

/** The last rule of each direction, which refuses what is left, can't be changed. */
const lastRule = 32767;

const entriesOf = async (id: string) => {
  const found = await gone(ec2().send(new sdk.DescribeNetworkAclsCommand({ NetworkAclIds: [id] })));
  const [acl] = found?.NetworkAcls ?? [];
  return acl && { acl, entries: (acl.Entries ?? []).filter(({ RuleNumber }) => RuleNumber !== lastRule) };
};

async function setEntries(NetworkAclId: string, { ingress, egress }: Inputs): Promise<void> {
  for (const { RuleNumber, Egress } of (await entriesOf(NetworkAclId))?.entries ?? [])
    await ec2().send(new sdk.DeleteNetworkAclEntryCommand({ NetworkAclId, RuleNumber, Egress }));
  for (const [rules, Egress] of [[ingress, false] as const, [egress, true] as const])
    for (const { ruleNo: RuleNumber, protocol: Protocol, action: RuleAction, cidrBlock: CidrBlock } of rules)
      await ec2().send(new sdk.CreateNetworkAclEntryCommand({ NetworkAclId, RuleNumber, Protocol, RuleAction, CidrBlock, Egress }));
}

export const defaultNetworkAcl: AwsType = {
  async create(inputs) {
    await setEntries(inputs.defaultNetworkAclId, inputs);
    await retag(inputs.defaultNetworkAclId, inputs.tags);
    return inputs.defaultNetworkAclId;
  },
  async read(id) {
    const found = await entriesOf(id);
    const rules = (egress: boolean) =>
      found?.entries
        .filter(({ Egress }) => Egress === egress)
        .map(({ RuleNumber: ruleNo, Protocol: protocol, RuleAction: action, CidrBlock: cidrBlock, PortRange }) => {
          const { From: fromPort = 0, To: toPort = 0 } = PortRange ?? {};
          return { ruleNo, protocol, action, cidrBlock, fromPort, toPort };
        });
    return found && { defaultNetworkAclId: id, ingress: rules(false), egress: rules(true), tags: tagMap(found.acl.Tags) };
  },
  async update(id, inputs, olds) {
    await setEntries(id, inputs);
    await retag(id, inputs.tags, olds.tags);
  },
  delete: async () => {},
};
