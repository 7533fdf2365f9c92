// Makes instance-types.json from EC2's own word. Not part of a run: `node components/targets/aws/generate-types.ts [REGION] [FAMILY…]` with
// AWS credentials in the environment, or `… --from FILE`, answers of DescribeInstanceTypes by type, as moto carries them. Prices are kept from
// the file, since EC2 has no call for them: types without one get null.

import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { EC2Client, type InstanceTypeInfo, paginateDescribeInstanceTypes } from "@aws-sdk/client-ec2";
import { counted } from "../../../spec/counted.ts";
import { columns, familyOf, type InstanceType, instanceTypes, priceList, toRow } from "./facts/types.ts";

const file = new URL("./facts/instance-types.json", import.meta.url);
/** What a table without an argument holds: the families of the file as it is. */
const ownFamilies = [...new Set(instanceTypes.map(({ type }) => familyOf(type)))];

/** One row of the table; `price` is what is known of it so far. */
export function rowOf(info: InstanceTypeInfo, price: number | null): InstanceType {
  const [disks, ...others] = info.InstanceStorageInfo?.Disks ?? [];
  const type = info.InstanceType ?? "";
  if (others.length > 0) throw new Error(`${type}: expected disks of one size, got ${others.length + 1} sizes; the table can't say that`);
  return {
    type,
    arch: info.ProcessorInfo?.SupportedArchitectures?.includes("arm64") ? "arm64" : "amd64",
    vcpu: info.VCpuInfo?.DefaultVCpus ?? 0,
    memoryGiB: (info.MemoryInfo?.SizeInMiB ?? 0) / 1024,
    disks: disks?.Count ?? 0,
    diskGB: disks?.SizeInGB ?? 0,
    media: (disks?.Type as "ssd" | "hdd" | undefined) ?? null,
    nvme: disks !== undefined && info.InstanceStorageInfo?.NvmeSupport !== "unsupported",
    xen: info.Hypervisor === "xen",
    pricePerHour: price,
  };
}

/** By family, then size: a new size shows as one line of the diff. */
export function byFamilyAndSize(a: InstanceType, b: InstanceType): number {
  const order = familyOf(a.type).localeCompare(familyOf(b.type)) || a.vcpu - b.vcpu || a.memoryGiB - b.memoryGiB;
  return order || a.type.localeCompare(b.type);
}

/** The text of the file: one type a line. Types that EC2 no longer lists (i2, hi1) stay as they are. */
export function tableText(types: readonly InstanceType[], today: string): string {
  const { elsewhere, source } = JSON.parse(readFileSync(file, "utf8"));
  const head = {
    generated: today,
    by: "components/targets/aws/generate-types.ts",
    region: priceList.region,
    currency: priceList.currency,
    source,
  };
  const line = (value: unknown) => JSON.stringify(value, null, 1).replace(/\n */g, " ").replace(/^\[ /, "[").replace(/ \]$/, "]");
  return [
    "{",
    ...Object.entries(head).map(([key, value]) => `  "${key}": ${JSON.stringify(value)},`),
    `  "elsewhere": ${line(elsewhere)},`,
    `  "columns": ${line(columns)},`,
    '  "types": [',
    [...types]
      .sort(byFamilyAndSize)
      .map((type) => `    ${line(toRow(type))}`)
      .join(",\n"),
    "  ]",
    "}",
    "",
  ].join("\n");
}

async function describe(region: string, families: readonly string[]): Promise<InstanceType[]> {
  const filters = [{ Name: "instance-type", Values: families.map((family) => `${family}.*`) }];
  const known = new Map(instanceTypes.map((each) => [each.type, each]));
  const found: InstanceType[] = [];
  for await (const page of paginateDescribeInstanceTypes({ client: new EC2Client({ region }) }, { Filters: filters }))
    for (const info of page.InstanceTypes ?? []) found.push(rowOf(info, known.get(info.InstanceType ?? "")?.pricePerHour ?? null));
  return found;
}

/** Those that the fleet can start Linux on, and that the table can say: one architecture, disks of one size. */
const usable = (info: InstanceTypeInfo): boolean =>
  !/^mac/.test(info.InstanceType ?? "") &&
  (info.SupportedVirtualizationTypes ?? ["hvm"]).includes("hvm") &&
  (info.InstanceStorageInfo?.Disks ?? []).length <= 1;

/** Rows from answers by type; prices stay as they are known. */
export function rowsFrom(answers: Readonly<Record<string, InstanceTypeInfo>>): readonly InstanceType[] {
  const known = new Map(instanceTypes.map((each) => [each.type, each]));
  const rows = Object.values(answers)
    .filter(usable)
    .map((info) => rowOf(info, known.get(info.InstanceType ?? "")?.pricePerHour ?? null));
  const names = new Set(rows.map(({ type }) => type));
  return [...rows, ...instanceTypes.filter(({ type }) => !names.has(type))];
}

export function answersIn(path: string): Readonly<Record<string, InstanceTypeInfo>> {
  const bytes = readFileSync(path);
  return JSON.parse((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
}

/** The date is the prices': a file of types says nothing of them. */
function fromFile(path: string): void {
  const rows = rowsFrom(answersIn(path));
  writeFileSync(file, tableText(rows, priceList.date));
  process.stdout.write(`${counted(rows.length, "type")} from ${path}\n`);
}

async function main([region = priceList.region, ...families]: readonly string[]): Promise<void> {
  const found = await describe(region, families.length > 0 ? families : ownFamilies);
  const names = new Set(found.map(({ type }) => type));
  const gone = instanceTypes.filter(({ type }) => !names.has(type));
  writeFileSync(file, tableText([...found, ...gone], new Date().toISOString().slice(0, 10)));
  process.stdout.write(`${counted(found.length, "type")} from ${region}, ${gone.length} kept that it does not list\n`);
}

if (import.meta.main) {
  const [flag, path] = process.argv.slice(2);
  if (flag === "--from" && path !== undefined) fromFile(path);
  else await main(process.argv.slice(2));
}
