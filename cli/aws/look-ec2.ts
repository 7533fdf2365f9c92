// EC2 tells all that carries a tag in one call: instances, volumes, snapshots, addresses, interfaces, groups, key pairs and the rest.
import {
  DescribePlacementGroupsCommand,
  EC2Client,
  paginateDescribeInstances,
  paginateDescribeTags,
  type TagDescription,
} from "@aws-sdk/client-ec2";
import { project } from "../../components/aws/tags.ts";
import type { Whose } from "./looks.ts";

/** How each kind goes. What has no command of its own goes with its VPC. */
const commands: Readonly<Record<string, string>> = {
  instance: "terminate-instances --instance-ids",
  volume: "delete-volume --volume-id",
  snapshot: "delete-snapshot --snapshot-id",
  "elastic-ip": "release-address --allocation-id",
  "network-interface": "delete-network-interface --network-interface-id",
  "security-group": "delete-security-group --group-id",
  "key-pair": "delete-key-pair --key-pair-id",
  "launch-template": "delete-launch-template --launch-template-id",
  "placement-group": "delete-placement-group --group-name",
  subnet: "delete-subnet --subnet-id",
  "internet-gateway": "delete-internet-gateway --internet-gateway-id",
  natgateway: "delete-nat-gateway --nat-gateway-id",
  "spot-instances-request": "cancel-spot-instance-requests --spot-instance-request-ids",
  image: "deregister-image --image-id",
  vpc: "delete-vpc --vpc-id",
};
const withItsVpc = "describe-tags --filters Name=resource-id,Values=";

/** EC2's filters take at most 200 values. */
const filterSize = 200;

export async function lookAtEc2(region: string): Promise<readonly Whose[]> {
  const client = new EC2Client({ region });
  const marked = await tagged(client, [
    { Name: "key", Values: ["project"] },
    { Name: "value", Values: [project] },
  ]);
  const [gone, names] = await Promise.all([terminated(client), placementNames(client)]);
  const kinds = new Map(marked.map(({ ResourceId = "", ResourceType = "" }) => [ResourceId, ResourceType as string]));
  const ids = [...kinds.keys()].filter((id) => !gone.has(id));
  const tags = new Map<string, Record<string, string>>(ids.map((id) => [id, {}]));
  for (let from = 0; from < ids.length; from += filterSize) {
    const some = await tagged(client, [{ Name: "resource-id", Values: ids.slice(from, from + filterSize) }]);
    for (const { ResourceId = "", Key = "", Value = "" } of some) tags.set(ResourceId, { ...tags.get(ResourceId), [Key]: Value });
  }
  return ids.map((id) => {
    const kind = kinds.get(id) ?? "";
    const command = commands[kind] === undefined ? `${withItsVpc}${id}` : `${commands[kind]} ${names.get(id) ?? id}`;
    return { kind: kind.replaceAll("-", " "), id, tags: tags.get(id) ?? {}, command: `ec2 ${command}` };
  });
}

async function tagged(client: EC2Client, Filters: { Name: string; Values: string[] }[]): Promise<readonly TagDescription[]> {
  const found: TagDescription[] = [];
  for await (const page of paginateDescribeTags({ client }, { Filters })) found.push(...(page.Tags ?? []));
  return found;
}

/** An instance keeps its tags for an hour after it is gone. */
async function terminated(client: EC2Client): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const Filters = [{ Name: "instance-state-name", Values: ["terminated"] }];
  for await (const page of paginateDescribeInstances({ client }, { Filters }))
    for (const { Instances = [] } of page.Reservations ?? []) for (const { InstanceId = "" } of Instances) ids.add(InstanceId);
  return ids;
}

/** The one kind that goes by its name. */
async function placementNames(client: EC2Client): Promise<ReadonlyMap<string, string>> {
  const Filters = [{ Name: "tag:project", Values: [project] }];
  const { PlacementGroups = [] } = await client.send(new DescribePlacementGroupsCommand({ Filters }));
  return new Map(PlacementGroups.map(({ GroupId = "", GroupName = "" }) => [GroupId, GroupName]));
}
