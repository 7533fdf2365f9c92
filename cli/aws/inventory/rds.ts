// Databases that carry the fleet's tag, their last snapshots, and what stood around them.

import {
  ListTagsForResourceCommand,
  paginateDescribeDBInstances,
  paginateDescribeDBParameterGroups,
  paginateDescribeDBSnapshots,
  paginateDescribeDBSubnetGroups,
  RDSClient,
} from "@aws-sdk/client-rds";
import { type Access, clientOf } from "../../../provisioners/aws/access.ts";
import { quote } from "../../../provisioners/engine/shell-quote.ts";
import { all, steps, type Tags, tagsOf, type Whose, withTags } from "../tagged-resource.ts";

export async function lookAtRds(access: Access): Promise<readonly Whose[]> {
  const client = new RDSClient(clientOf(access));
  const each = [instances, snapshots, subnetGroups, parameterGroups];
  return (await Promise.all(each.map((look) => look(client)))).flat();
}

async function instances(client: RDSClient): Promise<readonly Whose[]> {
  const found = await all(paginateDescribeDBInstances({ client }, {}), (page) => page.DBInstances);
  return found.map(({ DBInstanceIdentifier: id = "", TagList }) => {
    const which = `--db-instance-identifier ${quote(id)}`;
    const away = steps(`rds delete-db-instance --skip-final-snapshot ${which}`, `rds wait db-instance-deleted ${which}`);
    return { kind: "database", id, tags: tagsOf(TagList), away };
  });
}

async function snapshots(client: RDSClient): Promise<readonly Whose[]> {
  const found = await all(paginateDescribeDBSnapshots({ client }, { SnapshotType: "manual" }), (page) => page.DBSnapshots);
  return found.map(({ DBSnapshotIdentifier: id = "", TagList }) => {
    return {
      kind: "database snapshot",
      id,
      tags: tagsOf(TagList),
      away: steps(`rds delete-db-snapshot --db-snapshot-identifier ${quote(id)}`),
    };
  });
}

/** They tell their tags one by one. */
async function subnetGroups(client: RDSClient): Promise<readonly Whose[]> {
  const found = await all(paginateDescribeDBSubnetGroups({ client }, {}), (page) => page.DBSubnetGroups);
  const arns = new Map(found.map(({ DBSubnetGroupName = "", DBSubnetGroupArn = "" }) => [DBSubnetGroupName, DBSubnetGroupArn]));
  const away = (name: string) => steps(`rds delete-db-subnet-group --db-subnet-group-name ${quote(name)}`);
  return await withTags("database subnet group", [...arns.keys()], away, (name) => tagsAt(client, arns.get(name)));
}

async function parameterGroups(client: RDSClient): Promise<readonly Whose[]> {
  const found = await all(paginateDescribeDBParameterGroups({ client }, {}), (page) => page.DBParameterGroups);
  const arns = new Map(found.map(({ DBParameterGroupName = "", DBParameterGroupArn = "" }) => [DBParameterGroupName, DBParameterGroupArn]));
  const away = (name: string) => steps(`rds delete-db-parameter-group --db-parameter-group-name ${quote(name)}`);
  return await withTags("database settings", [...arns.keys()], away, (name) => tagsAt(client, arns.get(name)));
}

const tagsAt = async (client: RDSClient, ResourceName: string | undefined): Promise<Tags> =>
  tagsOf((await client.send(new ListTagsForResourceCommand({ ResourceName }))).TagList);
