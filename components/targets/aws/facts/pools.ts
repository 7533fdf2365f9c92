// The pools of a target: its own, and the workers of its pipelines. What is known of their servers before one exists.

import type { Facts } from "../../../../provisioners/engine/facts.ts";
import { workersOf } from "../settings/checks.ts";
import type { AwsTarget } from "../settings/target.ts";
import type { Pipeline, Pool, Workers } from "../settings/workloads.ts";
import { defaults, factsOnAws } from "./servers.ts";
import { instanceType } from "./types.ts";

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

/** Types and image, the target's own where the pool names none. */
export function poolMachine({ instanceType = defaults.instanceType, image = defaults.image }: AwsTarget, pool: Pool | Workers) {
  const [first = instanceType, ...more] = pool.types ?? [];
  return { types: [first, ...more] as const, image: pool.image ?? image };
}

/** What is known of a pool's servers before one exists. */
export function poolFacts(target: AwsTarget, pool: Pool | Workers): Partial<Facts> {
  const { types, image } = poolMachine(target, pool);
  return smallest(types, image);
}

/** Of a pool's types the least: what is computed from it must fit them all. */
function smallest(types: readonly [string, ...string[]], image: string): Partial<Facts> {
  // Its plan is made before a server is there: a type that nobody knows is refused.
  const all = types.map((type) => factsOnAws(instanceType(type).type, image));
  const least = (of: (facts: (typeof all)[number]) => number | undefined): number => Math.min(...all.map((facts) => of(facts)!));
  return { ...all[0], cores: least(({ cores }) => cores), memoryMiB: least(({ memoryMiB }) => memoryMiB) };
}
