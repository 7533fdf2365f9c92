// What carries the fleet's tag in EC2: each kind asked for itself, since a tag is told for an hour after its thing is gone.

import * as sdk from "@aws-sdk/client-ec2";
import { project } from "../../../components/targets/aws/tags.ts";
import { type Access, clientOf } from "../../../provisioners/aws/access.ts";
import { quote } from "../../../provisioners/engine/shell-quote.ts";
import { instancesBy } from "../instances.ts";
import { all, type Kind, steps, tagsOf, type Whose } from "../tagged-resource.ts";

interface Found {
  readonly id: string | undefined;
  readonly Tags?: sdk.Tag[] | undefined;
  /** Arguments of `aws ec2`. @default the kind's command with the id */
  readonly commands?: readonly string[];
}

interface Way {
  /** All of them, page by page: zero is proven only behind the last one. */
  readonly list: (client: sdk.EC2Client, Filters: sdk.Filter[]) => Promise<readonly Found[]>;
  /** `delete-volume --volume-id`; its id follows. */
  readonly command: string;
}

type Pages<Page> = (config: sdk.EC2PaginationConfiguration, input: { Filters: sdk.Filter[] }) => AsyncIterable<Page>;

const paged = <Page, Item>(
  command: string,
  pages: Pages<Page>,
  items: (page: Page) => readonly Item[] | undefined,
  found: (item: Item) => Found,
): Way => ({ command, list: async (client, Filters) => (await all(pages({ client }, { Filters }), items)).map(found) });

/** Returns when it is gone: until then its disk, its address and its group are held. */
const terminated = (id: string | undefined): readonly string[] => [
  `terminate-instances --instance-ids ${id}`,
  `wait instance-terminated --instance-ids ${id}`,
];
/** Goes with its instance, and in no other way. */
const withInstance = (at: sdk.VolumeAttachment | sdk.NetworkInterfaceAttachment | undefined) =>
  at?.InstanceId !== undefined && at.DeleteOnTermination ? { commands: terminated(at.InstanceId) } : {};

const ways: Readonly<Partial<Record<Kind, Way>>> = {
  instance: {
    command: "terminate-instances --instance-ids",
    list: async (client, Filters) =>
      (await instancesBy(client, Filters)).map(({ InstanceId: id, Tags }) => ({ id, Tags, commands: terminated(id) })),
  },
  volume: paged(
    "delete-volume --volume-id",
    sdk.paginateDescribeVolumes,
    (page) => page.Volumes,
    ({ VolumeId: id, Tags, Attachments }) => ({ id, Tags, ...withInstance(Attachments?.[0]) }),
  ),
  snapshot: paged(
    "delete-snapshot --snapshot-id",
    (config, input) => sdk.paginateDescribeSnapshots(config, { ...input, OwnerIds: ["self"] }),
    (page) => page.Snapshots,
    ({ SnapshotId: id, Tags }) => ({ id, Tags }),
  ),
  image: paged(
    "deregister-image --image-id",
    (config, input) => sdk.paginateDescribeImages(config, { ...input, Owners: ["self"] }),
    (page) => page.Images,
    ({ ImageId: id, Tags }) => ({ id, Tags }),
  ),
  // Addresses, key pairs and placement groups come in one page: EC2 knows no other.
  address: {
    command: "release-address --allocation-id",
    async list(client, Filters) {
      const { Addresses = [] } = await client.send(new sdk.DescribeAddressesCommand({ Filters }));
      return Addresses.map(({ AllocationId: id, Tags }) => ({ id, Tags }));
    },
  },
  interface: paged(
    "delete-network-interface --network-interface-id",
    sdk.paginateDescribeNetworkInterfaces,
    (page) => page.NetworkInterfaces,
    ({ NetworkInterfaceId: id, TagSet: Tags, Attachment: at }) => ({ id, Tags, ...withInstance(at) }),
  ),
  "security group": paged(
    "delete-security-group --group-id",
    sdk.paginateDescribeSecurityGroups,
    // The default one goes with its VPC, and in no other way.
    (page) => page.SecurityGroups?.filter(({ GroupName }) => GroupName !== "default"),
    ({ GroupId: id, Tags }) => ({ id, Tags }),
  ),
  "key pair": {
    command: "delete-key-pair --key-name",
    async list(client, Filters) {
      const { KeyPairs = [] } = await client.send(new sdk.DescribeKeyPairsCommand({ Filters }));
      return KeyPairs.map(({ KeyPairId: id, KeyName = "", Tags }) => {
        return { id, Tags, commands: [`delete-key-pair --key-name ${quote(KeyName)}`] };
      });
    },
  },
  "launch template": paged(
    "delete-launch-template --launch-template-id",
    sdk.paginateDescribeLaunchTemplates,
    (page) => page.LaunchTemplates,
    ({ LaunchTemplateId: id, Tags }) => ({ id, Tags }),
  ),
  subnet: paged(
    "delete-subnet --subnet-id",
    sdk.paginateDescribeSubnets,
    (page) => page.Subnets,
    ({ SubnetId: id, Tags }) => ({ id, Tags }),
  ),
  "internet gateway": paged(
    "delete-internet-gateway --internet-gateway-id",
    sdk.paginateDescribeInternetGateways,
    (page) => page.InternetGateways,
    ({ InternetGatewayId: id, Tags, Attachments = [] }) => {
      const off = Attachments.map(({ VpcId }) => `detach-internet-gateway --internet-gateway-id ${id} --vpc-id ${VpcId}`);
      return { id, Tags, commands: [...off, `delete-internet-gateway --internet-gateway-id ${id}`] };
    },
  ),
  // With what comes with it: its default group, route table and access list go when it does.
  VPC: paged(
    "delete-vpc --vpc-id",
    sdk.paginateDescribeVpcs,
    (page) => page.Vpcs,
    ({ VpcId: id, Tags }) => ({ id, Tags }),
  ),
};

export async function lookAtEc2(access: Access): Promise<readonly Whose[]> {
  const client = new sdk.EC2Client(clientOf(access));
  const Filters = [{ Name: "tag:project", Values: [project] }];
  const found = await Promise.all(
    Object.entries(ways).map(async ([kind, { list, command }]) =>
      (await list(client, Filters)).map(({ id = "", Tags, commands = [`${command} ${id}`] }) => {
        return { kind: kind as Kind, id, tags: tagsOf(Tags), away: steps(...commands.map((each) => `ec2 ${each}`)) };
      }),
    ),
  );
  return [...found.flat(), ...(await endpoints(client, Filters)), ...(await placementGroups(client))];
}

/** Whether anything of a kind that most accounts have none of carries the mark. */
async function isMarked(client: sdk.EC2Client, kind: "instance-connect-endpoint" | "placement-group"): Promise<boolean> {
  const Filters = [
    { Name: "key", Values: ["project"] },
    { Name: "value", Values: [project] },
    { Name: "resource-type", Values: [kind] },
  ];
  return (await all(sdk.paginateDescribeTags({ client }, { Filters }), (page) => page.Tags)).length > 0;
}

/** They hold their subnet and group until they are gone, and the AWS CLI has no `wait` for that. */
async function endpoints(client: sdk.EC2Client, Filters: sdk.Filter[]): Promise<readonly Whose[]> {
  if (!(await isMarked(client, "instance-connect-endpoint"))) return [];
  const found = await all(sdk.paginateDescribeInstanceConnectEndpoints({ client }, { Filters }), (page) => page.InstanceConnectEndpoints);
  return found
    .filter(({ State }) => State !== "delete-complete")
    .map(({ InstanceConnectEndpointId: id = "", Tags }) => {
      const still = `--filters Name=instance-connect-endpoint-id,Values=${id} Name=state,Values=create-complete,delete-in-progress`;
      const states = `ec2 describe-instance-connect-endpoints ${still} --query 'InstanceConnectEndpoints[].State' --output text`;
      return {
        kind: "endpoint",
        id,
        tags: tagsOf(Tags),
        away: (aws) =>
          `${aws} ec2 delete-instance-connect-endpoint --instance-connect-endpoint-id ${id} && while [ -n "$(${aws} ${states})" ]; do sleep 5; done`,
      };
    });
}

/** They go by their name. */
async function placementGroups(client: sdk.EC2Client): Promise<readonly Whose[]> {
  if (!(await isMarked(client, "placement-group"))) return [];
  const { PlacementGroups = [] } = await client.send(new sdk.DescribePlacementGroupsCommand({}));
  return PlacementGroups.map(({ GroupId: id = "", GroupName = "", Tags }) => {
    const away = steps(`ec2 delete-placement-group --group-name ${quote(GroupName)}`);
    return { kind: "placement group", id, tags: tagsOf(Tags), away };
  });
}
