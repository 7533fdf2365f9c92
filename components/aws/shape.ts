// From the stack file's `aws` target to servers that can be made, priced and checked: pure, known before anything exists.
import type { AwsServer, AwsTarget } from "../../stacks/aws.ts";
import { UserError } from "../../stacks/problem.ts";
import { serverAddress, usable } from "../../provisioners/aws/cidr.ts";
import { contestDoors, isucon14 } from "./contest.ts";
import type { CostedServer } from "./cost.ts";
import { type Flow, teamFlows } from "./flows.ts";
import type { StoreOptions } from "./instance-store.ts";
import type { Wanted } from "./quota.ts";
import type { DataVolume } from "./server.ts";
import { type Ownership, type Tags, tagsOf } from "./tags.ts";
import { type InstanceType, instanceType } from "../../provisioners/aws/types.ts";

/** What of a server is its own. */
export interface ServerPlan {
  readonly name: string;
  readonly type: InstanceType;
  readonly image: string;
  readonly privateAddress?: string;
  readonly rootGB: number;
  readonly spot: boolean;
  readonly elasticAddress: boolean;
  readonly alarms: boolean;
  readonly volumes: readonly DataVolume[];
  readonly store?: Omit<StoreOptions, "server">;
}

export interface FleetShape {
  readonly ownership: Ownership;
  readonly servers: readonly ServerPlan[];
  readonly flows: readonly Flow[];
  tags(name: string): Tags;
}

export interface Asked {
  readonly team: string;
  readonly stack: string;
  readonly target: AwsTarget;
  /** By name, in the order of the stack file; with the private address where the file gives one. */
  readonly servers: Readonly<Record<string, { readonly privateAddress?: string | undefined }>>;
}

/** The own network's subnet for the servers: its first /24, or all of it where it is smaller. */
export const serverSubnet = (cidr: string): string => {
  const [base = "", prefix] = cidr.split("/");
  return `${base}/${Math.max(24, Number(prefix))}`;
};

function settingsOf(target: AwsTarget, name: string): AwsServer {
  const common = Object.fromEntries(
    (["instanceType", "image", "rootGB", "spot", "elasticAddress", "alarms", "store", "volumes"] as const).map((key) => [key, target[key]]),
  );
  return { ...common, ...target.servers[name] };
}

/** Given ones first; the others get the next that is free, and keep it when a server joins behind them. None in the default VPC. */
function addressesOf({ target, servers }: Asked): Readonly<Record<string, string | undefined>> {
  const given = Object.values(servers).map(({ privateAddress }) => privateAddress);
  if (target.vpc === "default")
    return Object.fromEntries(Object.entries(servers).map(([name, { privateAddress }]) => [name, privateAddress]));
  const subnet = serverSubnet(target.cidr);
  let next = 0;
  const free = (): string => {
    const address = serverAddress(subnet, next++);
    return given.includes(address) ? free() : address;
  };
  return Object.fromEntries(
    Object.entries(servers).map(([name, { privateAddress }]) => {
      if (privateAddress !== undefined && !usable(subnet, privateAddress))
        throw new UserError(
          `${name}: expected a private address in \`${subnet}\` (AWS keeps its first four and its last), got \`${privateAddress}\``,
        );
      return [name, privateAddress ?? free()];
    }),
  );
}

function planOf(target: AwsTarget, name: string, privateAddress: string | undefined): ServerPlan {
  const { instanceType: type = "c5.large", image = "ubuntu-24.04", rootGB = 20, store, ...rest } = settingsOf(target, name);
  const { spot = false, elasticAddress = false, alarms = true, volumes = [] } = rest;
  const own = { type: instanceType(type), image, rootGB, spot, elasticAddress, alarms, volumes };
  return { name, ...own, ...(privateAddress !== undefined && { privateAddress }), ...(store && { store }) };
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
  const ownership = { team, stack, owner: target.owner ?? team, expiry: target.expiresAt ?? "never" };
  const { sshFrom, httpsFrom, httpFrom } = target;
  const doors = { sshFrom, httpsFrom, httpFrom, team: target.vpc === "own" ? serverSubnet(target.cidr) : "servers" };
  const addresses = addressesOf(asked);
  return {
    ownership,
    servers: names.map((name) => planOf(target, name, addresses[name])),
    flows: teamFlows(contest ? { ...contestDoors(isucon14), httpFrom } : doors),
    tags: (name) => tagsOf(ownership, name),
  };
}

/** For cost.ts. Every server has a public address, elastic or not. */
export const costed = ({ servers }: FleetShape): readonly CostedServer[] =>
  servers.map(({ name, type, spot, rootGB, volumes }) => ({
    name,
    type: type.type,
    spot,
    volumeGB: volumes.reduce((sum, { sizeGB }) => sum + sizeGB, rootGB),
    publicAddress: true,
  }));

/** For quota.ts. */
export const wanted = ({ servers }: FleetShape): readonly Wanted[] =>
  servers.map(({ type, spot, elasticAddress }) => ({ type: type.type, spot, elasticAddress }));
