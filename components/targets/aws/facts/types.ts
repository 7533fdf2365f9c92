// What is known of EC2 instance types before anything exists: processors, memory, instance-store disks, price. The table is
// checked in (instance-types.json, made by generate-types.ts): a preview must not ask AWS for a price.

import { closest, distance } from "fastest-levenshtein";
import { UserError } from "../../../../spec/problem.ts";
import { typed } from "../../../../spec/typed.ts";
import table from "./instance-types.json" with { type: "json" };

export interface InstanceType {
  /** `i4i.2xlarge` */
  readonly type: string;
  /** Debian's name of the architecture, also in AMI parameters. */
  readonly arch: "amd64" | "arm64";
  readonly vcpu: number;
  readonly memoryGiB: number;
  /** Instance-store disks, all of one size; 0 where there is only EBS. */
  readonly disks: number;
  /** Of each disk, in GB (10^9) as AWS states it. */
  readonly diskGB: number;
  readonly media: "ssd" | "hdd" | null;
  /** The disks are NVMe devices, found by id; else they are Xen block devices, there only if the instance maps them. */
  readonly nvme: boolean;
  /** Runs on Xen: EBS volumes keep the names they were attached under (`/dev/xvdj`). */
  readonly xen: boolean;
  /** On demand, Linux, in the table's currency and region; null where no source gives one. */
  readonly pricePerHour: number | null;
  /** No row of the table: read from its name. */
  readonly guessed?: true;
}

export type Row = readonly [string, string, number, number, number, number, string | null, boolean, boolean, number | null];

/** Column order of the file. */
export const columns = ["type", "arch", "vcpu", "memoryGiB", "disks", "diskGB", "media", "nvme", "xen", "pricePerHour"] as const;

const fromRow = (row: Row): InstanceType => Object.fromEntries(columns.map((column, at) => [column, row[at]])) as unknown as InstanceType;
export const toRow = (type: InstanceType): Row => columns.map((column) => type[column]) as unknown as Row;

export const instanceTypes: readonly InstanceType[] = (table.types as unknown as readonly Row[]).map(fromRow);
const byName = new Map(instanceTypes.map((each) => [each.type, each]));

/** Where the prices hold and since when. */
export const priceList = { date: table.generated, region: table.region, currency: table.currency } as const;

/** Prices in other regions, as far as they are known. */
export const elsewhere: Readonly<Record<string, Readonly<Record<string, number>>>> = table.elsewhere;

export const findType = (type: string): InstanceType | undefined => byName.get(type);

/** Undefined for a type of the table; else what is wrong with it, and the nearest one. */
export function unknownType(type: string): string | undefined {
  if (byName.has(type)) return undefined;
  const near = closest(type, [...byName.keys()]);
  const hint = distance(type, near) <= 3 ? `; did you mean \`${near}\`?` : "";
  return `expected one of the ${byName.size} instance types of this version (${typed()} types lists them), got \`${type}\`${hint}`;
}

/** The type, or a UserError that names the nearest one. */
export function instanceType(type: string): InstanceType {
  const unknown = unknownType(type);
  if (unknown !== undefined) throw new UserError(`instance type: ${unknown}`);
  return byName.get(type)!;
}

/**
 * One that is newer than the table, by its name: `m9gd.2xlarge` is arm64 (the `g` behind the generation) and has 8 processors. How much memory
 * and which disks it has says the server itself, and what it costs nobody.
 */
export function typeOrGuess(type: string): InstanceType {
  const found = byName.get(type);
  if (found) return found;
  const { family = "", size = "" } = /^(?<family>[^.]*)\.(?<size>.*)$/.exec(type)?.groups ?? {};
  const [, times = "1"] = /^(\d*)xlarge$/.exec(size) ?? [];
  const vcpu = size.startsWith("metal") ? 192 : size.endsWith("xlarge") ? 4 * Number(times || 1) : 2;
  const arch = /^[a-z]+\d+[a-z]*g/.test(family) ? "arm64" : "amd64";
  const none = { disks: 0, diskGB: 0, media: null, nvme: false, xen: false, pricePerHour: null };
  return { type, arch, vcpu, memoryGiB: 0, ...none, guessed: true };
}

/** `i4i` of `i4i.2xlarge`. */
export const familyOf = (type: string): string => type.slice(0, type.indexOf("."));

/** All instance-store space of one server, in GB (10^9). */
export const storeGB = ({ disks, diskGB }: InstanceType): number => disks * diskGB;
