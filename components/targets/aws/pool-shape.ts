// Pools of a stack file as they can be made, priced and checked: pure, known before anything exists.

import { UserError } from "../../../spec/problem.ts";
import type { CostedServer } from "./cost.ts";
import { type AskedPool, poolMachine, poolsIn } from "./facts/pools.ts";
import { type InstanceType, instanceType } from "./facts/types.ts";
import type { Wanted } from "./quota.ts";
import type { AwsTarget } from "./settings/target.ts";

export interface PoolShape {
  readonly asked: AskedPool;
  readonly types: readonly [InstanceType, ...InstanceType[]];
  readonly image: string;
}

/** A UserError says why these types can't be in one pool. */
export function poolShapes(target: AwsTarget): readonly PoolShape[] {
  return poolsIn(target).map((asked) => {
    const { types, image } = poolMachine(target, asked.pool);
    const [first, ...more] = types;
    const shape = { asked, types: [instanceType(first), ...more.map(instanceType)] as const, image };
    refuseMixed(shape);
    return shape;
  });
}

/** One image and one first boot are for all of them. */
function refuseMixed({ asked: { place, pool }, types }: PoolShape): void {
  const [first] = types;
  const archs = [...new Set(types.map(({ arch }) => arch))];
  if (archs.length > 1) throw new UserError(`${place}.types: expected types of one architecture, got ${archs.join(" and ")}`);
  if (!pool.store) return;
  const other = types.find(({ disks, diskGB, nvme }) => disks !== first.disks || diskGB !== first.diskGB || nvme !== first.nvme);
  if (other)
    throw new UserError(
      `${place}.types: expected types with the same disks, got \`${first.type}\` and \`${other.type}\`; next: leave out one`,
    );
  if (first.disks === 0) throw new UserError(`${place}.store: expected types with disks of their own, got \`${first.type}\``);
}

/** Servers at most, the event's hours included. */
export const largest = ({ asked: { pool } }: PoolShape): number => Math.max(pool.size.max, pool.event?.max ?? 0);

const most = (types: PoolShape["types"], of: (type: InstanceType) => number): InstanceType =>
  types.reduce((top, type) => (of(type) > of(top) ? type : top));

/** At its largest, of its dearest type. */
export const costedPool = (shape: PoolShape): CostedServer => {
  const { asked, types } = shape;
  const data = asked.pipeline ? undefined : asked.pool.single?.volume;
  const disks = [{ sizeGB: asked.pool.rootGB }, ...(data ? [data] : [])];
  const { type } = most(types, ({ pricePerHour }) => pricePerHour ?? Number.POSITIVE_INFINITY);
  return { name: asked.name, type, count: largest(shape), disks, publicAddress: true, monitoring: true };
};

/** At its largest, of its largest type; on spot what the group would ask for there. */
export function wantedByPool(shape: PoolShape): readonly Wanted[] {
  const { pool, pipeline } = shape.asked;
  const count = largest(shape);
  const base = pool.spot === 100 ? 0 : 1;
  const onDemand = base + Math.ceil(((count - base) * (100 - pool.spot)) / 100);
  const { type } = most(shape.types, ({ vcpu }) => vcpu);
  const elasticAddress = !pipeline && (shape.asked.pool.single?.address ?? false);
  return Array.from({ length: count }, (_, at) => ({ type, spot: at >= onDemand, elasticAddress }));
}
