// From the stack file's `aws` target to servers that can be made, priced and checked: pure, known before anything exists.

import { UserError } from "../../../spec/problem.ts";
import { contestDoors, isucon14 } from "./contest.ts";
import type { Costed } from "./cost.ts";
import { engineOf } from "./engines.ts";
import { type AskedServers, addressesOf, defaults, settingsOf, subnetsOf } from "./facts/servers.ts";
import { type InstanceType, typeOrGuess } from "./facts/types.ts";
import type { StoreOptions } from "./instance-store.ts";
import { type BalancerFlows, balancerFlows, databaseFlow, type Flow, teamFlows } from "./network-rules.ts";
import { costedPool, type PoolShape, poolShapes, wantedByPool } from "./pool-shape.ts";
import type { Wanted } from "./quota.ts";
import type { DataVolume } from "./server.ts";
import { type Balancer, listensOn, redirects } from "./settings/balancers.ts";
import { zonesFor } from "./settings/checks.ts";
import type { AwsTarget } from "./settings/target.ts";
import type { Database } from "./settings/workloads.ts";
import { type Ownership, type Tags, tagsOf } from "./tags.ts";

/** What of a server is its own. */
export interface ServerPlan {
  readonly name: string;
  /** The instance's Name. @default the fleet's own for it */
  readonly shownAs?: string;
  readonly type: InstanceType;
  readonly image: string;
  readonly privateAddress?: string;
  readonly rootGB: number;
  readonly spot: boolean;
  readonly elasticAddress: boolean;
  readonly alarms: boolean;
  readonly rootIops?: number | undefined;
  readonly rootThroughput?: number | undefined;
  readonly monitoring?: boolean | undefined;
  readonly terminationProtection?: boolean | undefined;
  readonly instanceProfile?: string | undefined;
  readonly volumes: readonly DataVolume[];
  readonly store?: Omit<StoreOptions, "server">;
}

/** A database by its name in the stack file. */
export type NamedDatabase = Database & { readonly name: string };

/** A balancer by its name in the stack file. */
export type NamedBalancer = Balancer & { readonly name: string };

export interface FleetShape {
  readonly ownership: Ownership;
  readonly servers: readonly ServerPlan[];
  readonly pools: readonly PoolShape[];
  readonly databases: readonly NamedDatabase[];
  readonly balancers: readonly NamedBalancer[];
  /** Availability zones that the network reaches over. */
  readonly zones: number;
  readonly flows: readonly Flow[];
  tags(name: string): Tags;
}

export interface Asked {
  readonly team: string;
  readonly stack: string;
  readonly target: AwsTarget;
  readonly servers: AskedServers;
  /** Of what is made, where the stack file does not say it. @default what the stack file says */
  readonly expiry?: Ownership["expiry"];
}

/** @param number of the server in its stack file, from 1 on */
function planOf(target: AwsTarget, name: string, privateAddress: string | undefined, number: number): ServerPlan {
  const contest = target.profile === "contest";
  const { instanceType: type = defaults.instanceType, image = defaults.image, rootGB = 20, store, ...rest } = settingsOf(target, name);
  const { spot = false, elasticAddress = contest, alarms = true, volumes = [], ...more } = rest;
  const own = { type: typeOrGuess(type), image, rootGB, spot, elasticAddress, alarms, volumes, ...more };
  const shown = contest && { shownAs: `${isucon14.namePrefix}${number}` };
  return { name, ...shown, ...own, ...(privateAddress !== undefined && { privateAddress }), ...(store && { store }) };
}

/** A UserError says what the account or the contest would refuse. */
export function shapeOf(asked: Asked): FleetShape {
  const { team, stack, target } = asked;
  const names = Object.keys(asked.servers);
  const strangers = Object.keys(target.servers).filter((name) => !names.includes(name));
  if (strangers.length > 0) throw new UserError(`target.servers: expected servers of this stack, got \`${strangers.join("`, `")}\``);
  const contest = target.profile === "contest";
  if (contest && names.length > isucon14.maxInstances)
    throw new UserError(
      `servers: expected at most ${isucon14.maxInstances} in a contest's network, got ${names.length}; next: give helpers a stack of their own`,
    );
  const ownership = { team, stack, owner: target.owner ?? team, expiry: asked.expiry ?? target.expiresAt ?? "never", more: target.tags };
  const { sshFrom, httpsFrom, httpFrom, open } = target;
  const databases = Object.entries(target.databases).map(([name, database]) => ({ name, ...database }));
  const balancers = Object.entries(target.balancers).map(([name, balancer]) => ({ name, ...balancer }));
  const zones = zonesFor(target);
  const doors = {
    sshFrom: target.door === "public" ? sshFrom : [],
    httpsFrom,
    httpFrom,
    open,
    team: target.vpc === "own" ? subnetsOf(target.cidr, zones) : ["servers"],
  };
  const addresses = addressesOf(target, asked.servers);
  return {
    ownership,
    servers: names.map((name, at) => planOf(target, name, addresses[name], at + 1)),
    pools: poolShapes(target),
    databases,
    balancers,
    zones,
    flows: [
      ...teamFlows(contest ? { ...contestDoors(isucon14), httpFrom, open } : doors),
      ...balancers.map((each) => flowsOf(each).servers),
    ],
    tags: (name) => tagsOf(ownership, name),
  };
}

/** Flows into what is no server, for the table alone: each database and balancer has a group of its own. */
export const othersOf = ({ databases, balancers }: FleetShape): readonly Flow[] => [
  ...balancers.flatMap((each) => flowsOf(each).into),
  ...databases.map(({ name, engine }) => databaseFlow(name, engineOf(engine).port)),
];

/** Through a balancer. */
export const flowsOf = (balancer: NamedBalancer): BalancerFlows => {
  const listens = [...(redirects(balancer) ? [80] : []), listensOn(balancer)];
  return balancerFlows(balancer.name, { listens, from: balancer.from, port: balancer.port });
};

/** For cost.ts. Every server has a public address, elastic or not. */
export const costed = ({ servers, pools, databases, balancers, zones }: FleetShape): readonly Costed[] => [
  ...servers.map(({ name, type, spot, rootGB, rootIops, rootThroughput, monitoring, volumes }) => ({
    name,
    type: type.type,
    spot,
    disks: [{ sizeGB: rootGB, iops: rootIops, throughput: rootThroughput }, ...volumes],
    publicAddress: true,
    monitoring,
  })),
  ...pools.map(costedPool),
  ...balancers.map(({ name, kind }) => ({ name, balancer: kind, zones })),
  ...databases.map(({ name, engine, class: instanceClass, storageGB, multiZone }) => ({
    name,
    engine,
    instanceClass,
    storageGB,
    multiZone,
  })),
];

/** For quota.ts. */
export const wanted = ({ servers, pools }: FleetShape): readonly Wanted[] => [
  ...servers.map(({ type, spot, elasticAddress }) => ({ type: type.type, spot, elasticAddress })),
  ...pools.flatMap(wantedByPool),
];
