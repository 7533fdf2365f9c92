// Makes region-prices.json from the prices that apache-libcloud carries. Not part of a run:
// `node components/targets/aws/generate-prices.ts …/libcloud/data/pricing.json SOURCE`.
import { readFileSync, writeFileSync } from "node:fs";
import { familyOf, type InstanceType, instanceTypes } from "./facts/types.ts";

const regions = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-northeast-1", "ap-southeast-1"];

/** By type, then region, as `compute.ec2_linux` has them; 0 where it has none. */
type Given = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Of one measure, how much dearer than the cheapest of its family a price may be: AWS rounds. */
const rounding = 1.015;
/** Sizes of a family that must agree. */
const witnesses = 3;

/**
 * A list of one price a type was made of many: in one place in five it is 0, or that of a dedicated instance, which is 6 to 10 % dearer. Within a
 * family AWS charges by size. So what agrees with the cheapest sizes of its family, by memory or else by processors, is taken as it is, and the other
 * sizes that the region has by that measure; bare metal only as it is. What nothing agrees with is left out.
 */
export function pricesIn(region: string, given: Given, types: readonly InstanceType[]): ReadonlyMap<string, number> {
  const offered = types.flatMap((type) => {
    const price = given[type.type]?.[region];
    return price === undefined ? [] : [{ type, price }];
  });
  const families = Map.groupBy(offered, ({ type }) => familyOf(type.type));
  return new Map([...families.values()].flatMap((family) => ofFamily(family)));
}

interface Offer {
  readonly type: InstanceType;
  readonly price: number;
}

const measures = [({ memoryGiB }: InstanceType) => memoryGiB, ({ vcpu }: InstanceType) => vcpu];

function ofFamily(family: readonly Offer[]): readonly (readonly [string, number])[] {
  for (const size of measures) {
    const least = Math.min(...family.filter(({ price }) => price > 0).map(({ type, price }) => price / size(type)));
    const agrees = ({ type, price }: Offer) => price > 0 && price / size(type) <= least * rounding;
    if (family.filter(agrees).length < witnesses) continue;
    return family.flatMap((each) => {
      if (agrees(each)) return [[each.type.type, each.price] as const];
      return each.type.type.includes("metal") ? [] : [[each.type.type, Math.round(least * size(each.type) * 1e5) / 1e5] as const];
    });
  }
  return [];
}

/** The text of the file: one type a line. */
export function pricesText(given: Given, date: string, source: string): string {
  const found = regions.map((region) => pricesIn(region, given, instanceTypes));
  const rows = instanceTypes.flatMap(({ type }) => {
    const row = found.map((each) => each.get(type) ?? null);
    return row.some((price) => price !== null) ? [`    ${JSON.stringify(type)}: [${row.map((price) => String(price)).join(", ")}]`] : [];
  });
  const head = { date, source, regions };
  const lines = Object.entries(head).map(
    ([key, value]) =>
      `  "${key}": ${Array.isArray(value) ? `[${value.map((each) => JSON.stringify(each)).join(", ")}]` : JSON.stringify(value)},`,
  );
  return ["{", ...lines, '  "prices": {', rows.join(",\n"), "  }", "}", ""].join("\n");
}

if (import.meta.main) {
  const [path = "", source = "apache-libcloud"] = process.argv.slice(2);
  const { updated, compute } = JSON.parse(readFileSync(path, "utf8"));
  const date = new Date(updated * 1000).toISOString().slice(0, 10);
  writeFileSync(new URL("./facts/region-prices.json", import.meta.url), pricesText(compute.ec2_linux, date, source));
}
