// What carries the fleet's tag in EC2: each kind asked for itself, since a tag is told for an hour after its thing is gone.
import * as sdk from "@aws-sdk/client-ec2";
import { project } from "../../components/aws/tags.ts";
import { quote } from "../../provisioners/host/command.ts";
import { type Kind, steps, tagsOf, type Whose } from "./whose.ts";

interface Found {
  readonly id: string | undefined;
  readonly Tags?: sdk.Tag[] | undefined;
  /** Arguments of `aws ec2`. @default the kind's command with the id */
  readonly commands?: readonly string[];
}

interface Way {
  /** One page of them: EC2 gives up to a thousand, and a contest's account has no more of the fleet's. */
  readonly list: (client: sdk.EC2Client, Filters: sdk.Filter[]) => Promise<readonly Found[] | undefined>;
  /** `delete-volume --volume-id`; its id follows. */
  readonly command: string;
}

/** Returns when it is gone: until then its disk, its address and its group are held. */
const terminated = (id: string | undefined): readonly string[] => [
  `terminate-instances --instance-ids ${id}`,
  `wait instance-terminated --instance-ids ${id}`,
];
/** Goes with its instance, and in no other way. */
const withInstance = (id: string | undefined, goes: boolean | undefined) => (id !== undefined && goes ? { commands: terminated(id) } : {});

const alive = ["pending", "running", "stopping", "stopped", "shutting-down"];

const ways: Readonly<Partial<Record<Kind, Way>>> = {
  instance: {
    command: "terminate-instances --instance-ids",
    async list(client, Filters) {
      const state = { Name: "instance-state-name", Values: alive };
      const { Reservations } = await client.send(new sdk.DescribeInstancesCommand({ Filters: [...Filters, state] }));
      return Reservations?.flatMap(({ Instances = [] }) => Instances).map(({ InstanceId: id, Tags }) => ({
        id,
        Tags,
        commands: terminated(id),
      }));
    },
  },
  volume: {
    command: "delete-volume --volume-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeVolumesCommand({ Filters }))).Volumes?.map(({ VolumeId: id, Tags, Attachments: [at] = [] }) => ({
        id,
        Tags,
        ...withInstance(at?.InstanceId, at?.DeleteOnTermination),
      })),
  },
  snapshot: {
    command: "delete-snapshot --snapshot-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeSnapshotsCommand({ Filters, OwnerIds: ["self"] }))).Snapshots?.map(({ SnapshotId: id, Tags }) => ({
        id,
        Tags,
      })),
  },
  image: {
    command: "deregister-image --image-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeImagesCommand({ Filters, Owners: ["self"] }))).Images?.map(({ ImageId: id, Tags }) => ({
        id,
        Tags,
      })),
  },
  address: {
    command: "release-address --allocation-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeAddressesCommand({ Filters }))).Addresses?.map(({ AllocationId: id, Tags }) => ({ id, Tags })),
  },
  interface: {
    command: "delete-network-interface --network-interface-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeNetworkInterfacesCommand({ Filters }))).NetworkInterfaces?.map(
        ({ NetworkInterfaceId: id, TagSet: Tags, Attachment: at }) => ({
          id,
          Tags,
          ...withInstance(at?.InstanceId, at?.DeleteOnTermination),
        }),
      ),
  },
  "security group": {
    command: "delete-security-group --group-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeSecurityGroupsCommand({ Filters }))).SecurityGroups?.filter(
        // It goes with its VPC, and in no other way.
        ({ GroupName }) => GroupName !== "default",
      ).map(({ GroupId: id, Tags }) => ({ id, Tags })),
  },
  "key pair": {
    command: "delete-key-pair --key-name",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeKeyPairsCommand({ Filters }))).KeyPairs?.map(({ KeyPairId: id, KeyName = "", Tags }) => {
        return { id, Tags, commands: [`delete-key-pair --key-name ${quote(KeyName)}`] };
      }),
  },
  "launch template": {
    command: "delete-launch-template --launch-template-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeLaunchTemplatesCommand({ Filters }))).LaunchTemplates?.map(({ LaunchTemplateId: id, Tags }) => ({
        id,
        Tags,
      })),
  },
  subnet: {
    command: "delete-subnet --subnet-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeSubnetsCommand({ Filters }))).Subnets?.map(({ SubnetId: id, Tags }) => ({ id, Tags })),
  },
  "internet gateway": {
    command: "delete-internet-gateway --internet-gateway-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeInternetGatewaysCommand({ Filters }))).InternetGateways?.map(
        ({ InternetGatewayId: id, Tags, Attachments = [] }) => {
          const off = Attachments.map(({ VpcId }) => `detach-internet-gateway --internet-gateway-id ${id} --vpc-id ${VpcId}`);
          return { id, Tags, commands: [...off, `delete-internet-gateway --internet-gateway-id ${id}`] };
        },
      ),
  },
  // With what comes with it: its default group, route table and access list go when it does.
  VPC: {
    command: "delete-vpc --vpc-id",
    list: async (client, Filters) =>
      (await client.send(new sdk.DescribeVpcsCommand({ Filters }))).Vpcs?.map(({ VpcId: id, Tags }) => ({ id, Tags })),
  },
};

export async function lookAtEc2(region: string): Promise<readonly Whose[]> {
  const client = new sdk.EC2Client({ region });
  const Filters = [{ Name: "tag:project", Values: [project] }];
  const found = await Promise.all(
    Object.entries(ways).map(async ([kind, { list, command }]) =>
      ((await list(client, Filters)) ?? []).map(({ id = "", Tags, commands = [`${command} ${id}`] }) => {
        return { kind: kind as Kind, id, tags: tagsOf(Tags), away: steps(...commands.map((each) => `ec2 ${each}`)) };
      }),
    ),
  );
  return [...found.flat(), ...(await placementGroups(client))];
}

/** They go by their name. Told by their tags first: most accounts have none. */
async function placementGroups(client: sdk.EC2Client): Promise<readonly Whose[]> {
  const Filters = [
    { Name: "key", Values: ["project"] },
    { Name: "value", Values: [project] },
    { Name: "resource-type", Values: ["placement-group"] },
  ];
  const { Tags: marked = [] } = await client.send(new sdk.DescribeTagsCommand({ Filters }));
  if (marked.length === 0) return [];
  const { PlacementGroups = [] } = await client.send(new sdk.DescribePlacementGroupsCommand({}));
  return PlacementGroups.map(({ GroupId: id = "", GroupName = "", Tags }) => {
    const away = steps(`ec2 delete-placement-group --group-name ${quote(GroupName)}`);
    return { kind: "placement group", id, tags: tagsOf(Tags), away };
  });
}
