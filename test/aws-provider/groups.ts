// Security groups, their rules inline: what is there and not asked for is taken away.
import * as sdk from "@aws-sdk/client-ec2";
import { ec2 } from "./clients.ts";
import { born, retag } from "./network.ts";
import { type AwsType, gone, type Inputs, tagMap } from "./type.ts";

/** One rule a peer, as flows.ts states them. */
const rulesOf = (permissions: readonly sdk.IpPermission[] = [], own: string) =>
  permissions.flatMap(({ IpProtocol: protocol, FromPort, ToPort, IpRanges = [], Ipv6Ranges = [], UserIdGroupPairs = [] }) => {
    const ports = protocol === "-1" ? { fromPort: 0, toPort: 0 } : { fromPort: FromPort, toPort: ToPort };
    const rule = (peer: object, description = "") => ({ protocol, ...ports, ...peer, description });
    return [
      ...IpRanges.map(({ CidrIp, Description }) => rule({ cidrBlocks: [CidrIp] }, Description)),
      ...Ipv6Ranges.map(({ CidrIpv6, Description }) => rule({ ipv6CidrBlocks: [CidrIpv6] }, Description)),
      ...UserIdGroupPairs.map(({ GroupId, Description }) =>
        rule(GroupId === own ? { self: true } : { securityGroups: [GroupId] }, Description),
      ),
    ];
  });

const permissionOf = ({ protocol, fromPort, toPort, cidrBlocks = [], self, securityGroups = [], description }: Inputs, own: string) => ({
  IpProtocol: protocol,
  ...(protocol !== "-1" && { FromPort: fromPort, ToPort: toPort }),
  IpRanges: cidrBlocks.map((CidrIp: string) => ({ CidrIp, Description: description })),
  UserIdGroupPairs: [...(self ? [own] : []), ...securityGroups].map((GroupId) => ({ GroupId, Description: description })),
});

const groupOf = async (id: string) =>
  (await gone(ec2().send(new sdk.DescribeSecurityGroupsCommand({ GroupIds: [id] }))))?.SecurityGroups?.[0];

async function setRules(GroupId: string, { ingress = [], egress = [] }: Inputs): Promise<void> {
  const { IpPermissions = [], IpPermissionsEgress = [] } = (await groupOf(GroupId)) ?? {};
  if (IpPermissions.length > 0) await ec2().send(new sdk.RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  if (IpPermissionsEgress.length > 0)
    await ec2().send(new sdk.RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: IpPermissionsEgress }));
  const asked = (rules: readonly Inputs[]) => ({ GroupId, IpPermissions: rules.map((rule) => permissionOf(rule, GroupId)) });
  if (ingress.length > 0) await ec2().send(new sdk.AuthorizeSecurityGroupIngressCommand(asked(ingress)));
  if (egress.length > 0) await ec2().send(new sdk.AuthorizeSecurityGroupEgressCommand(asked(egress)));
}

async function read(id: string): Promise<Inputs | undefined> {
  const group = await groupOf(id);
  if (!group) return undefined;
  const rules = { ingress: rulesOf(group.IpPermissions, id), egress: rulesOf(group.IpPermissionsEgress, id) };
  return { ...rules, vpcId: group.VpcId, name: group.GroupName, description: group.Description, tags: tagMap(group.Tags) };
}

async function update(id: string, inputs: Inputs, olds: Inputs): Promise<void> {
  await setRules(id, inputs);
  await retag(id, inputs.tags, olds.tags);
}

export const securityGroup: AwsType = {
  async create(inputs, name) {
    const { vpcId: VpcId, description: Description, tags } = inputs;
    const place = { VpcId, Description, GroupName: inputs.name ?? name };
    const { GroupId = "" } = await ec2().send(new sdk.CreateSecurityGroupCommand({ ...place, ...born("security-group", tags) }));
    await setRules(GroupId, inputs);
    return GroupId;
  },
  read,
  update,
  delete: async (id) => void (await ec2().send(new sdk.DeleteSecurityGroupCommand({ GroupId: id }))),
};

/** Comes with the VPC and goes with it. */
export const defaultSecurityGroup: AwsType = {
  async create(inputs) {
    const filters = [
      { Name: "vpc-id", Values: [inputs.vpcId] },
      { Name: "group-name", Values: ["default"] },
    ];
    const { SecurityGroups } = await ec2().send(new sdk.DescribeSecurityGroupsCommand({ Filters: filters }));
    const id = SecurityGroups?.[0]?.GroupId ?? "";
    await update(id, inputs, {});
    return id;
  },
  read,
  update,
  delete: async () => {},
};
