// What an instance type costs in a region, and of when that price is: the price list's own, which is newer, before that of other regions.
import table from "./region-prices.json" with { type: "json" };
import { elsewhere, findType, priceList } from "./types.ts";

const prices: Readonly<Record<string, readonly (number | null)[]>> = table.prices;

/** Regions of which many prices are known. */
export const pricedRegions: readonly string[] = table.regions;

export interface RegionPrice {
  /** USD, Linux, on demand. */
  readonly perHour: number;
  readonly date: string;
}

/** Undefined where no source says one. */
export function priceIn(type: string, region: string): RegionPrice | undefined {
  const own = elsewhere[region]?.[type] ?? (region === priceList.region ? findType(type)?.pricePerHour : undefined) ?? undefined;
  if (own !== undefined) return { perHour: own, date: priceList.date };
  const perHour = prices[type]?.[pricedRegions.indexOf(region)] ?? undefined;
  return perHour === undefined ? undefined : { perHour, date: table.date };
}
