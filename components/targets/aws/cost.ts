// What a fleet costs: per hour, and for the hours of the event. From the checked-in prices, with their date; what has none is named.

import { databasePrice } from "./database-price.ts";
import { priceIn } from "./facts/prices.ts";
import { priceList, typeOrGuess } from "./facts/types.ts";

/** One thing that costs by the hour. */
export interface CostLine {
  readonly team: string;
  readonly what: string;
  /** USD; null where no price is known. */
  readonly perHour: number | null;
  /** Where the price is from, if not from the fleet's own region. */
  readonly note: string;
  /** Of a type without a known price: what it can't be more than. For a limit; no sum shows it. */
  readonly atMost?: number;
}

/** A gp3 volume. */
export interface Disk {
  readonly sizeGB: number;
  /** MiB a second. @default what gp3 has for nothing */
  readonly iops?: number | undefined;
  readonly throughput?: number | undefined;
}

export interface CostedServer {
  readonly name: string;
  readonly type: string;
  /** Of a pool: so many at most. @default 1, and no pool */
  readonly count?: number;
  readonly spot?: boolean;
  readonly disks: readonly Disk[];
  /** A public IPv4 address, which costs while it exists. */
  readonly publicAddress: boolean;
  /** Metrics by the minute. @default false */
  readonly monitoring?: boolean | undefined;
}

export interface CostedDatabase {
  readonly name: string;
  readonly engine: string;
  /** `db.t4g.medium` */
  readonly instanceClass: string;
  readonly storageGB: number;
  readonly multiZone: boolean;
}

/** By the hour and its addresses; what it carries costs beside that. */
export interface CostedBalancer {
  readonly name: string;
  readonly balancer: "http" | "tcp";
  /** Of each it has a public address. */
  readonly zones: number;
}

export type Costed = CostedServer | CostedDatabase | CostedBalancer;

/** us-east-1, USD: gp3 and seven metrics by the month of 730 hours, a public IPv4 address by the hour. From general knowledge. */
const unitPrices = {
  ...{ gp3PerGBMonth: 0.08, gp3PerIopsMonth: 0.005, gp3PerThroughputMonth: 0.04 },
  ...{ monitoringMonth: 2.1, hoursPerMonth: 730, publicAddress: 0.005, balancer: 0.0225 },
} as const;

/** Of the standard tier, us-east-1, USD: only blocks that were written count, so a disk's size is the most. */
export const snapshotPerGBMonth = 0.05;

/** What every gp3 volume has for nothing. */
const free = { iops: 3000, throughput: 125 } as const;

/** An hour of it, in USD. */
export function diskPrice({ sizeGB, iops = free.iops, throughput = free.throughput }: Disk): number {
  const { gp3PerGBMonth, gp3PerIopsMonth, gp3PerThroughputMonth, hoursPerMonth } = unitPrices;
  const speed = (iops - free.iops) * gp3PerIopsMonth + (throughput - free.throughput) * gp3PerThroughputMonth;
  return (sizeGB * gp3PerGBMonth + speed) / hoursPerMonth;
}

const round = (usd: number): number => Math.round(usd * 10_000) / 10_000;

/** The price of a type in a region, or the one of the price list's region; with a note where it is from there, or older than the list. */
export function typePrice(type: string, region: string): { readonly perHour: number | null; readonly note: string } {
  const local = priceIn(type, region);
  if (local) return { perHour: local.perHour, note: local.date === priceList.date ? "" : `price of ${local.date}` };
  const usual = priceIn(type, priceList.region);
  return usual ? { perHour: usual.perHour, note: `price of ${priceList.region}` } : { perHour: null, note: "no price known" };
}

/** USD a vCPU and hour: those with accelerators come to 0.8, all others to 0.21. */
const dearest = { accelerated: 1, other: 0.25 };

/** Of a type whose price nobody knows. */
export function mostOf(type: string): number {
  const { vcpu } = typeOrGuess(type);
  return vcpu * (/^(?:p|g|gr|inf|trn|dl|f|vt)\d/.test(type) ? dearest.accelerated : dearest.other);
}

const far = (region: string): string => (region === priceList.region ? "" : `price of ${priceList.region}`);

/** Spot is counted at the price on demand, a pool at its largest: upper bounds. */
export const costLines = (team: string, region: string, all: readonly Costed[]): readonly CostLine[] =>
  all.flatMap((each) => linesOf(each, region)).map((line) => ({ team, ...line }));

type Line = Omit<CostLine, "team">;

function linesOf(each: Costed, region: string): readonly Line[] {
  if ("engine" in each) return databaseLines(each, region);
  return "balancer" in each ? balancerLines(each, region) : serverLines(each, region);
}

const balancerLines = ({ name, balancer, zones }: CostedBalancer, region: string): readonly Line[] => [
  { what: `${name}: balancer (${balancer}), without what it carries`, perHour: unitPrices.balancer, note: far(region) },
  { what: `${name}: its ${zones} public addresses`, perHour: round(unitPrices.publicAddress * zones), note: far(region) },
];

function serverLines({ name, type, count, spot, disks, publicAddress, monitoring }: CostedServer, region: string): readonly Line[] {
  const { perHour, note } = typePrice(type, region);
  const [times, of] = count === undefined ? [1, name] : [count, `${name} (${count} at most)`];
  const volumeGB = disks.reduce((sum, { sizeGB }) => sum + sizeGB, 0);
  const disk = round(times * disks.reduce((sum, each) => sum + diskPrice(each), 0));
  const most = perHour === null ? mostOf(type) : undefined;
  const lines: Line[] = [
    {
      what: `${of}: ${type}${spot ? " (spot: at most)" : ""}`,
      perHour: perHour === null ? null : round(perHour * times),
      note,
      ...(most !== undefined && { atMost: most * times }),
    },
  ];
  if (volumeGB > 0) lines.push({ what: `${of}: ${volumeGB} GB of disk`, perHour: disk, note: far(region) });
  if (monitoring) {
    const perHour = round((times * unitPrices.monitoringMonth) / unitPrices.hoursPerMonth);
    lines.push({ what: `${of}: metrics by the minute`, perHour, note: far(region) });
  }
  if (publicAddress) lines.push({ what: `${of}: public address`, perHour: round(unitPrices.publicAddress * times), note: far(region) });
  return lines;
}

function databaseLines({ name, engine, instanceClass, storageGB, multiZone }: CostedDatabase, region: string): readonly Line[] {
  const { server, disk } = databasePrice(engine, instanceClass, storageGB, multiZone);
  const what = `${name}: ${instanceClass} of ${engine}${multiZone ? " in two zones" : ""}`;
  return [
    { what, perHour: server === null ? null : round(server), note: server === null ? "no price known" : far(region) },
    { what: `${name}: ${storageGB} GB of its disk`, perHour: round(disk), note: far(region) },
  ];
}

export interface Bill {
  readonly team: string;
  /** USD an hour of all that has a price. */
  readonly perHour: number;
  /** USD for the event; null where its length is not known. */
  readonly forEvent: number | null;
  /** Lines without a price: the sums are without them. */
  readonly unknown: readonly string[];
}

export function billOf(team: string, lines: readonly CostLine[], hours?: number): Bill {
  const own = lines.filter((line) => line.team === team);
  const perHour = round(own.reduce((sum, line) => sum + (line.perHour ?? 0), 0));
  const unknown = own.filter((line) => line.perHour === null).map(({ what }) => what);
  return { team, perHour, forEvent: hours === undefined ? null : Math.round(perHour * hours * 100) / 100, unknown };
}

/** One sentence for the preview: `team-a: 0.3426 USD/h, 8.22 USD for the event (prices of 2026-07-20)`. */
export function billText({ team, perHour, forEvent, unknown }: Bill): string {
  const event = forEvent === null ? "" : `, ${forEvent.toFixed(2)} ${priceList.currency} for the event`;
  const without = unknown.length > 0 ? `, without ${unknown.join(", ")}: no price known` : "";
  return `${team}: ${perHour} ${priceList.currency}/h${event} (prices of ${priceList.date})${without}`;
}
