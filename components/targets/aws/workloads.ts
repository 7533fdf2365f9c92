// What works beside the named servers: a stack's pools, pipelines and databases, in the servers' network.

import * as pulumi from "@pulumi/pulumi";
import { assumedOf } from "../../../provisioners/aws/access.ts";
import { Balancer } from "./balancer.ts";
import { Database } from "./database.ts";
import type { AskedPool } from "./facts/pools.ts";
import type { Network } from "./network.ts";
import { Pipeline } from "./pipeline.ts";
import type { Placed } from "./placement.ts";
import type { WorkerPoolArgs } from "./pool-args.ts";
import type { PoolShape } from "./pool-shape.ts";
import type { AwsTarget } from "./settings/target.ts";
import type { FleetShape, NamedBalancer, NamedDatabase } from "./shape.ts";
import { WorkerPool } from "./worker-pool.ts";

export interface WorkArgs {
  readonly target: AwsTarget;
  readonly shape: FleetShape;
  readonly network: Network;
  readonly admin: string;
  readonly publicKey: pulumi.Input<string>;
  /** The plan of a pool's servers from a blank host. */
  readonly plan: (pool: AskedPool) => string | pulumi.Output<string>;
  /** Instances of the named servers. */
  readonly instances: Readonly<Record<string, pulumi.Input<string>>>;
  /** The password as the stack file names it; a secret. */
  readonly password: (written: string) => pulumi.Input<string>;
}

/** By the names of the stack file. */
export interface Work {
  /** Names of the autoscaling groups; the address that a single server keeps. */
  readonly pools: Readonly<Record<string, { readonly group: pulumi.Output<string>; readonly address?: pulumi.Output<string> }>>;
  readonly pipelines: Readonly<
    Record<string, Readonly<Record<"inputBucket" | "outputBucket" | "queueUrl" | "deadLetterUrl" | "group", pulumi.Output<string>>>>
  >;
  /** Where they listen. */
  readonly balancers: Readonly<Record<string, { readonly url: pulumi.Output<string>; readonly address: pulumi.Output<string> }>>;
  /** `password` is a secret; without one `secretArn` says where AWS keeps it. */
  readonly databases: Readonly<Record<string, Readonly<Record<string, pulumi.Input<string | number>>>>>;
}

/** Undefined where the stack asks for none of it. `name` comes before the names of all. */
export function makeWork(name: string, args: WorkArgs, opts: pulumi.ComponentResourceOptions): Work | undefined {
  const { pools, databases, balancers } = args.shape;
  if (pools.length + databases.length + balancers.length === 0) return undefined;
  const ways = Object.fromEntries(balancers.map((balancer) => [balancer.name, balancerOf(name, balancer, args, opts)]));
  const plain = pools.filter(({ asked }) => !asked.pipeline);
  const piped = pools.filter(({ asked }) => asked.pipeline);
  return {
    pools: Object.fromEntries(plain.map((pool) => [pool.asked.name, poolOf(name, pool, { ...args, ways }, opts)])),
    pipelines: Object.fromEntries(piped.map((pool) => [pool.asked.pipeline!.name, pipelineOf(name, pool, args, opts)])),
    balancers: Object.fromEntries(Object.entries(ways).map(([own, { url, address }]) => [own, { url, address }])),
    databases: Object.fromEntries(databases.map((database) => [database.name, databaseOf(name, database, args, opts)])),
  };
}

type Made<Kind extends keyof Work> = Work[Kind][string];

function poolOf(
  name: string,
  shape: PoolShape,
  args: WorkArgs & { readonly ways: Readonly<Record<string, Balancer>> },
  opts: pulumi.ComponentResourceOptions,
): Made<"pools"> {
  const { asked } = shape;
  if (asked.pipeline) throw new TypeError(`${asked.name} is a pipeline's`);
  const { network } = args;
  const { single } = asked.pool;
  const { address = false, volume } = single ?? {};
  const zone = network.zones[0]!;
  const one = single && { address, ...(volume && { volume: { ...volume, zone } }) };
  const place = single ? { subnetIds: [network.subnetIds[0]!] } : {};
  const whole = { ...workersOf(shape, args), ...place, ...(one && { single: one }), environment: asked.pool.environment };
  const before = args.shape.balancers.filter(({ to }) => to.includes(asked.name)).map((each) => args.ways[each.name]!.targetGroupArn);
  const pool = new WorkerPool(`${name}-${asked.name}`, { ...whole, targetGroups: before }, opts);
  return { group: pool.groupName, ...(address && { address: pool.address }) };
}

/** Open requests have as long as the pools behind it give their servers. */
const usualDrain = 60;

function balancerOf(
  name: string,
  asked: NamedBalancer,
  { shape, network, instances }: WorkArgs,
  opts: pulumi.ComponentResourceOptions,
): Balancer {
  const drains = shape.pools
    .filter((pool) => !pool.asked.pipeline && asked.to.includes(pool.asked.name))
    .map(({ asked: { pool } }) => pool.patience.drain);
  return new Balancer(
    `${name}-${asked.name}`,
    {
      ownership: shape.ownership,
      vpcId: network.vpcId,
      subnetIds: network.subnetIds,
      securityGroupId: network.balancerGroupIds[asked.name]!,
      asked,
      drain: asked.drain ?? Math.min(3600, drains.length > 0 ? Math.max(...drains) : usualDrain),
      instances: Object.fromEntries(Object.entries(instances).filter(([server]) => asked.to.includes(server))),
    },
    opts,
  );
}

function pipelineOf(name: string, shape: PoolShape, args: WorkArgs, opts: pulumi.ComponentResourceOptions): Made<"pipelines"> {
  const { pipeline, pool } = shape.asked;
  if (!pipeline) throw new TypeError(`${shape.asked.name} is no pipeline's`);
  const { name: own, prefix, suffix, expireDays, ...times } = pipeline;
  const only = {
    ...(prefix !== undefined && { prefix }),
    ...(suffix !== undefined && { suffix }),
    ...(expireDays !== undefined && { expireDays }),
  };
  const workers = { ...workersOf(shape, args), environment: pool.environment };
  const made = new Pipeline(`${name}-${own}`, { ownership: args.shape.ownership, ...times, ...only, pool: workers }, opts);
  const { inputBucket, outputBucket, queueUrl, deadLetterUrl } = made;
  return { inputBucket, outputBucket, queueUrl, deadLetterUrl, group: made.pool.groupName };
}

const placed = ({ ownership }: FleetShape, { subnetIds, securityGroupId }: Network): Placed => ({ ownership, subnetIds, securityGroupId });

/** What a pool and a pipeline's workers have in common. */
function workersOf({ asked, types, image }: PoolShape, { target, shape, network, admin, publicKey, plan }: WorkArgs): WorkerPoolArgs {
  const { size, rootGB, spot, patience, drain, event, emails, store } = asked.pool;
  return {
    ...placed(shape, network),
    region: target.region,
    ...assumedOf(target),
    boundary: target.permissionsBoundary,
    admin,
    authorizedKey: publicKey,
    types,
    image,
    size,
    rootGB,
    spot,
    patience,
    drain,
    emails,
    plan: plan(asked),
    ...(event && { event }),
    ...(store && { store }),
  };
}

function databaseOf(
  name: string,
  { name: own, class: instanceClass, version, password: written, ...rest }: NamedDatabase,
  { shape, network, password }: WorkArgs,
  opts: pulumi.ComponentResourceOptions,
): Made<"databases"> {
  const secret = written === undefined ? undefined : pulumi.secret(password(written));
  const given = { ...(version !== undefined && { version }), ...(secret && { password: secret }) };
  const args = { ...placed(shape, network), vpcId: network.vpcId, instanceClass, ...rest, ...given };
  const { address, port, secretArn } = new Database(`${name}-${own}`, args, opts);
  return { address, port, database: rest.database, user: rest.user, ...(secret ? { password: secret } : { secretArn }) };
}
