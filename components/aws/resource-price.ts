// What the resources of a preview cost by the hour, from the checked-in prices.

import { isMap } from "../../stacks/path.ts";
import { billOf, type CostLine, costLines, unitPrices } from "./cost.ts";

/** As the engine shows it: a type token and its inputs. */
export interface Priced {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const number = (value: unknown): number => Number(value ?? 0);
const word = (value: unknown): string => (typeof value === "string" ? value : "unknown");

/** Cost by the hour, but by no price that is checked in. */
const unpriced: ReadonlySet<string> = new Set([
  "aws:rds/instance:Instance",
  "aws:ec2/natGateway:NatGateway",
  "aws:lb/loadBalancer:LoadBalancer",
]);

/** A pool is counted at its largest, all on demand: its upper bound. */
function linesOf(resource: Priced, region: string, all: readonly Priced[]): readonly CostLine[] {
  const { type, name, inputs } = resource;
  const server = (of: Priced, volumeGB: number) =>
    costLines("", region, [
      { name, type: word(of.inputs.instanceType), spot: isMap(of.inputs.instanceMarketOptions), volumeGB, publicAddress: true },
    ]);
  if (type === "aws:ec2/instance:Instance") {
    const root = isMap(inputs.rootBlockDevice) ? number(inputs.rootBlockDevice.volumeSize) : 0;
    return server(resource, root);
  }
  if (type === "aws:ebs/volume:Volume") {
    const perHour = (number(inputs.size) * unitPrices.gp3PerGBMonth) / unitPrices.hoursPerMonth;
    return [{ team: "", what: name, perHour, note: "" }];
  }
  if (type === "aws:autoscaling/group:Group") {
    const template = all.find((each) => each.type === "aws:ec2/launchTemplate:LaunchTemplate" && each.name === name);
    const one = template ? server(template, diskOf(template)) : [{ team: "", what: name, perHour: null, note: "no price known" }];
    return Array.from({ length: number(inputs.maxSize) }, () => one).flat();
  }
  return unpriced.has(type) ? [{ team: "", what: name, perHour: null, note: "no price known" }] : [];
}

const diskOf = ({ inputs }: Priced): number =>
  (Array.isArray(inputs.blockDeviceMappings) ? inputs.blockDeviceMappings : [])
    .map((mapping: unknown) => (isMap(mapping) && isMap(mapping.ebs) ? number(mapping.ebs.volumeSize) : 0))
    .reduce((sum, size) => sum + size, 0);

export interface Sum {
  /** USD of all that has a price. */
  readonly perHour: number;
  /** What has none, by name. */
  readonly unknown: readonly string[];
}

export function priceOf(resources: readonly Priced[], region: string): Sum {
  const { perHour, unknown } = billOf(
    "",
    resources.flatMap((resource) => linesOf(resource, region, resources)),
  );
  return { perHour, unknown };
}
