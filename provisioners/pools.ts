// The pools of a target: its own, and the workers of its pipelines. What is known of their servers before one exists.

import { workersOf } from "../spec/aws/checks.ts";
import type { AwsTarget } from "../spec/aws/target.ts";
import type { Pipeline, Pool, Workers } from "../spec/aws/workloads.ts";
import type { OverlayEntry } from "../spec/overlay.ts";
import type { Target } from "../spec/spec.ts";
import { defaults, factsOnAws } from "./aws/servers.ts";
import type { Facts } from "./engine/facts.ts";
import type { ServerPlan } from "./expand.ts";
import { accountOf, portsOf } from "./roles/contract.ts";

export type AskedPool = { readonly name: string /** In the stack file: `target.pools.web`. */; readonly place: string } & (
  | { readonly pool: Pool; readonly pipeline?: never }
  | { readonly pool: Workers; readonly pipeline: { readonly name: string } & Omit<Pipeline, "pool"> }
);

/** In the order of the file, the pipelines' last. */
export const poolsIn = ({ pools, pipelines }: AwsTarget): readonly AskedPool[] => [
  ...Object.entries(pools).map(([name, pool]) => ({ name, place: `target.pools.${name}`, pool })),
  ...Object.entries(pipelines).map(([name, { pool, ...rest }]) => ({
    name: workersOf(name),
    place: `target.pipelines.${name}.pool`,
    pool,
    pipeline: { name, ...rest },
  })),
];

/** Of all pools of the target, wherever it is. */
export const poolNames = (target: Target): readonly string[] => (target.kind === "aws" ? poolsIn(target).map(({ name }) => name) : []);

/** Types and image, the target's own where the pool names none. */
export function poolMachine({ instanceType = defaults.instanceType, image = defaults.image }: AwsTarget, pool: Pool | Workers) {
  const [first = instanceType, ...more] = pool.types ?? [];
  return { types: [first, ...more] as const, image: pool.image ?? image };
}

/** A server that nobody pushes to, in the words of the plan: one stands for all of its pool. */
export interface PoolPlan extends ServerPlan {
  readonly place: string;
}

/** Of the pools that are told roles. */
export function poolPlans(target: Target, overlays: Readonly<Record<string, readonly OverlayEntry[]>>): readonly PoolPlan[] {
  if (target.kind !== "aws") return [];
  return poolsIn(target).flatMap(({ name, place, pool }) => {
    const { roles, params } = pool;
    if (!roles) return [];
    const view = {
      name,
      privateAddress: "127.0.0.1",
      account: accountOf({ roles, params }),
      roles,
      ports: portsOf({ roles, params }),
      pooled: true,
    };
    const { types, image } = poolMachine(target, pool);
    return [{ name, place, spec: { roles, params, port: 22 }, view, declared: smallest(types, image), overlay: overlays[name] ?? [] }];
  });
}

/** Of a pool's types the least: what is computed from it must fit them all. */
function smallest(types: readonly [string, ...string[]], image: string): Partial<Facts> {
  const all = types.map((type) => factsOnAws(type, image));
  const least = (of: (facts: (typeof all)[number]) => number): number => Math.min(...all.map(of));
  return { ...all[0], cores: least(({ cores }) => cores), memoryMiB: least(({ memoryMiB }) => memoryMiB) };
}
