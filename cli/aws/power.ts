// A stack that is off: its servers and databases stopped, its pools empty. Disks, addresses that stay, and balancers go on costing.

import * as scaling from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import * as rds from "@aws-sdk/client-rds";
import { diskPrice } from "../../components/targets/aws/cost.ts";
import { findType } from "../../components/targets/aws/facts/types.ts";
import { sizeAt } from "../../components/targets/aws/scaling.ts";
import { project } from "../../components/targets/aws/tags.ts";
import { type Access, clientOf } from "../../provisioners/aws/access.ts";
import { counted } from "../../spec/counted.ts";
import { waiting } from "../progress.ts";
import { instancesBy } from "./instances.ts";
import type { AwsStack } from "./stacks.ts";
import { all, tagsOf } from "./tagged-resource.ts";

export interface SeenServer {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** As EC2 names it. */
  readonly state: string;
  readonly spot: boolean;
  /** Its public address stays over a stop. */
  readonly elastic: boolean;
}

export interface SeenPool {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly servers: number;
}

export interface SeenDatabase {
  readonly id: string;
  readonly status: string;
}

export interface Seen {
  readonly servers: readonly SeenServer[];
  readonly pools: readonly SeenPool[];
  readonly databases: readonly SeenDatabase[];
}

/** What of the stack is there, on or off. */
export async function look(access: Access, stack: string): Promise<Seen> {
  const own = Object.entries({ project, stack }).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
  const autoscaling = new scaling.AutoScalingClient(clientOf(access));
  const databases = new rds.RDSClient(clientOf(access));
  const client = new ec2.EC2Client(clientOf(access));
  const [instances, { Addresses = [] }, groups, instancesOfRds] = await Promise.all([
    instancesBy(client, own),
    client.send(new ec2.DescribeAddressesCommand({ Filters: own })),
    all(scaling.paginateDescribeAutoScalingGroups({ client: autoscaling }, { Filters: own }), (page) => page.AutoScalingGroups),
    all(rds.paginateDescribeDBInstances({ client: databases }, {}), (page) => page.DBInstances),
  ]);
  const kept = new Set(Addresses.flatMap(({ InstanceId }) => InstanceId ?? []));
  return {
    servers: instances.filter(({ Tags }) => tagsOf(Tags).pool === undefined).map((each) => serverOf(each, kept)),
    pools: groups.map(({ AutoScalingGroupName: name = "", MinSize: min = 0, MaxSize: max = 0, Instances = [] }) => {
      return { name, min, max, servers: Instances.length };
    }),
    databases: instancesOfRds
      .filter(({ TagList }) => tagsOf(TagList).project === project && tagsOf(TagList).stack === stack)
      .map(({ DBInstanceIdentifier: id = "", DBInstanceStatus: status = "" }) => ({ id, status })),
  };
}

function serverOf(
  { InstanceId: id = "", InstanceType, State, InstanceLifecycle, Tags }: ec2.Instance,
  kept: ReadonlySet<string>,
): SeenServer {
  const name = tagsOf(Tags).Name ?? id;
  return { id, name, type: InstanceType ?? "", state: State?.Name ?? "", spot: InstanceLifecycle === "spot", elastic: kept.has(id) };
}

const on = (state: string): boolean => state === "running" || state === "pending";
const isFull = ({ max }: SeenPool): boolean => max > 0;

/** What a stop takes hold of. A spot server can't be stopped. */
export const toStop = ({ servers, pools, databases }: Seen): Seen => ({
  servers: servers.filter(({ state, spot }) => on(state) && !spot),
  pools: pools.filter(isFull),
  databases: databases.filter(({ status }) => status === "available"),
});

export const toStart = ({ servers, pools, databases }: Seen): Seen => ({
  servers: servers.filter(({ state }) => state === "stopped" || state === "stopping"),
  pools: pools.filter((pool) => !isFull(pool)),
  databases: databases.filter(({ status }) => status === "stopped"),
});

export const isNothing = ({ servers, pools, databases }: Seen): boolean => servers.length + pools.length + databases.length === 0;

function lossOf({ name, type, elastic }: SeenServer): string {
  const { disks = 0, diskGB = 0 } = findType(type) ?? {};
  const lost = disks > 0 ? `; what is on its ${counted(disks, "instance-store disk")} of ${diskGB} GB is lost` : "";
  return `${name}: stops; its public address ${elastic ? "stays" : "changes"}${lost}`;
}

/** A sentence each, before anything is done. */
export function stopSentences(seen: Seen): readonly string[] {
  const { servers, pools, databases } = toStop(seen);
  const spot = seen.servers.filter((each) => each.spot && on(each.state));
  return [
    ...servers.map(lossOf),
    ...spot.map(({ name }) => `${name}: goes on and costs: a spot server can't be stopped`),
    ...pools.map(
      ({ name, servers: count }) =>
        `${name}: its ${counted(count, "server drains and is", "servers drain and are")} terminated; a start brings new ones`,
    ),
    ...databases.map(({ id }) => `${id}: stops; AWS starts it again by itself after seven days`),
  ];
}

/** USD an hour of what stays: disks. Addresses and balancers are told by `fleet cost`. */
export const offPrice = ({ shape }: AwsStack): number =>
  [
    ...shape.servers.flatMap(({ rootGB, volumes }) => [{ sizeGB: rootGB }, ...volumes]),
    ...shape.databases.map(({ storageGB: sizeGB }) => ({ sizeGB })),
  ]
    .map(diskPrice)
    .reduce((sum, each) => sum + each, 0);

const patience = 600;

export async function stop({ target }: AwsStack, { servers, pools, databases }: Seen): Promise<void> {
  const [client, InstanceIds] = [new ec2.EC2Client(clientOf(target)), servers.map(({ id }) => id)];
  const autoscaling = new scaling.AutoScalingClient(clientOf(target));
  for (const { name: AutoScalingGroupName } of pools)
    await autoscaling.send(new scaling.UpdateAutoScalingGroupCommand({ AutoScalingGroupName, MinSize: 0, MaxSize: 0, DesiredCapacity: 0 }));
  for (const { id: DBInstanceIdentifier } of databases)
    await new rds.RDSClient(clientOf(target)).send(new rds.StopDBInstanceCommand({ DBInstanceIdentifier }));
  if (InstanceIds.length === 0) return;
  await client.send(new ec2.StopInstancesCommand({ InstanceIds }));
  await waiting(
    () => `waits until ${counted(InstanceIds.length, "server is", "servers are")} off`,
    () => ec2.waitUntilInstanceStopped({ client, maxWaitTime: patience, minDelay: 2, maxDelay: 10 }, { InstanceIds }),
  );
}

/** The pools as the stack file has them at this hour. */
export async function start({ target, shape, plan }: AwsStack, { servers, pools, databases }: Seen): Promise<void> {
  const [client, InstanceIds] = [new ec2.EC2Client(clientOf(target)), servers.map(({ id }) => id)];
  const autoscaling = new scaling.AutoScalingClient(clientOf(target));
  for (const { id: DBInstanceIdentifier } of databases)
    await new rds.RDSClient(clientOf(target)).send(new rds.StartDBInstanceCommand({ DBInstanceIdentifier }));
  for (const { name } of pools) {
    const asked = shape.pools.find((pool) => `${plan.spec.team}-aws-${pool.asked.name}` === name)?.asked.pool;
    // One that the stack file no longer has stays empty until an up takes it away.
    if (!asked) continue;
    const { min, max, desired = min } = sizeAt(asked.size, asked.event, new Date());
    const sizes = { MinSize: min, MaxSize: max, DesiredCapacity: desired };
    await autoscaling.send(new scaling.UpdateAutoScalingGroupCommand({ AutoScalingGroupName: name, ...sizes }));
  }
  if (InstanceIds.length === 0) return;
  const stopping = servers.filter(({ state }) => state === "stopping").map(({ id }) => id);
  const wait = { client, maxWaitTime: patience, minDelay: 2, maxDelay: 10 };
  await waiting(
    () => `waits until ${counted(InstanceIds.length, "server runs", "servers run")}`,
    async () => {
      if (stopping.length > 0) await ec2.waitUntilInstanceStopped(wait, { InstanceIds: stopping });
      await client.send(new ec2.StartInstancesCommand({ InstanceIds }));
      await ec2.waitUntilInstanceRunning(wait, { InstanceIds });
    },
  );
}
