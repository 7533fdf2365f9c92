// What the resources of a preview cost by the hour, from the checked-in prices.

import { isMap } from "../../../spec/path.ts";
import { billOf, type CostLine, costLines, type Disk, diskPrice, typePrice } from "./cost.ts";

/** As the engine shows it: a type token and its inputs. */
export interface Priced {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const number = (value: unknown): number => Number(value ?? 0);
const word = (value: unknown): string => (typeof value === "string" ? value : "unknown");

/** Cost by the hour, but by no price that is checked in. */
const unpriced: ReadonlySet<string> = new Set(["aws:ec2/natGateway:NatGateway"]);

function linesOf(resource: Priced, region: string, all: readonly Priced[]): readonly CostLine[] {
  const { type, name, inputs } = resource;
  const spot = isMap(inputs.instanceMarketOptions);
  switch (type) {
    case "aws:ec2/instance:Instance": {
      const disks = isMap(inputs.rootBlockDevice) ? [diskOf(inputs.rootBlockDevice, "volumeSize")] : [];
      const monitoring = inputs.monitoring === true;
      return costLines("", region, [{ name, type: word(inputs.instanceType), spot, disks, publicAddress: true, monitoring }]);
    }
    case "aws:ebs/volume:Volume":
      return [{ team: "", what: name, perHour: diskPrice(diskOf(inputs, "size")), note: "" }];
    case "aws:rds/instance:Instance": {
      const of = { engine: word(inputs.engine), instanceClass: word(inputs.instanceClass), storageGB: number(inputs.allocatedStorage) };
      return costLines("", region, [{ name, ...of, multiZone: inputs.multiAz === true }]);
    }
    case "aws:lb/loadBalancer:LoadBalancer": {
      const balancer = inputs.loadBalancerType === "network" ? "tcp" : "http";
      return costLines("", region, [{ name, balancer, zones: Array.isArray(inputs.subnets) ? inputs.subnets.length : 2 }]);
    }
    case "aws:autoscaling/group:Group":
      return poolLines(resource, region, all);
    default:
      return unpriced.has(type) ? [{ team: "", what: name, perHour: null, note: "no price known" }] : [];
  }
}

/** A pool is counted at its largest, an event's hours included, all of its dearest type on demand: its upper bound. */
function poolLines({ name, inputs }: Priced, region: string, all: readonly Priced[]): readonly CostLine[] {
  const template = all.find((each) => each.type === "aws:ec2/launchTemplate:LaunchTemplate" && each.name === name);
  if (!template) return [{ team: "", what: name, perHour: null, note: "no price known" }];
  const schedules = all.filter((each) => each.type === "aws:autoscaling/schedule:Schedule" && each.name.startsWith(`${name}-`));
  const count = Math.max(...[inputs, ...schedules.map((each) => each.inputs)].map(({ maxSize }) => number(maxSize)));
  const types = [word(template.inputs.instanceType), ...overridesOf(inputs)];
  const price = (type: string) => typePrice(type, region).perHour ?? Number.POSITIVE_INFINITY;
  const type = types.reduce((dearest, each) => (price(each) > price(dearest) ? each : dearest));
  return costLines("", region, [{ name, type, count, disks: disksOf(template), publicAddress: true, monitoring: isMonitored(template) }]);
}

function overridesOf({ mixedInstancesPolicy: policy }: Priced["inputs"]): readonly string[] {
  const overrides = isMap(policy) && isMap(policy.launchTemplate) ? policy.launchTemplate.overrides : undefined;
  return Array.isArray(overrides) ? overrides.map((each: unknown) => word(isMap(each) ? each.instanceType : undefined)) : [];
}

const disksOf = ({ inputs }: Priced): readonly Disk[] =>
  (Array.isArray(inputs.blockDeviceMappings) ? inputs.blockDeviceMappings : []).flatMap((mapping: unknown) =>
    isMap(mapping) && isMap(mapping.ebs) ? [diskOf(mapping.ebs, "volumeSize")] : [],
  );

const isMonitored = ({ inputs: { monitoring } }: Priced): boolean => isMap(monitoring) && monitoring.enabled === true;

const diskOf = (inputs: Priced["inputs"], size: "size" | "volumeSize"): Disk => ({
  sizeGB: number(inputs[size]),
  ...(inputs.iops !== undefined && { iops: number(inputs.iops) }),
  ...(inputs.throughput !== undefined && { throughput: number(inputs.throughput) }),
});

export interface Sum {
  /** USD of all that has a price. */
  readonly perHour: number;
  /** What has none, by name. */
  readonly unknown: readonly string[];
  /** With those that have none at what they can't be more than. */
  readonly atMost: number;
}

export function priceOf(resources: readonly Priced[], region: string): Sum {
  const lines = resources.flatMap((resource) => linesOf(resource, region, resources));
  const { perHour, unknown } = billOf("", lines);
  return { perHour, unknown, atMost: lines.reduce((sum, line) => sum + (line.atMost ?? 0), perHour) };
}
