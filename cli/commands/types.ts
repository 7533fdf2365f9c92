// fleet types: the instance types that the fleet knows, and what they cost.
import { Option } from "commander";
import { pricedRegions, priceIn } from "../../components/targets/aws/facts/prices.ts";
import { familyOf, type InstanceType, instanceType, instanceTypes, priceList } from "../../components/targets/aws/facts/types.ts";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { columns, styled } from "../terminal.ts";

export const types: Register = (program, done) =>
  program
    .command("types")
    .description("show EC2 instance types: processors, memory, disks of their own, price")
    .argument("[type...]", "types such as `i4i.2xlarge`, or families such as `i4i`; default all")
    .option("--disks", "only those with disks of their own", false)
    .addOption(new Option("--arch <arch>", "only those of an architecture").choices(["amd64", "arm64"]))
    .option("--max-price <usd>", "only those that are known to cost at most so much an hour")
    .addOption(new Option("--region <region>", "where the prices are of").choices(pricedRegions).default(priceList.region))
    .option("--json", "[{type, arch, vcpu, memoryGiB, disks, diskGB, media, pricePerHour, priceDate}]", false)
    .addHelpText(
      "after",
      "\nExamples:\n  fleet types i4i i8g\n  fleet types --disks --arch arm64 --max-price 1\n  fleet types c5 --region ap-northeast-1\n  fleet types c5.large t4g.small --json",
    )
    .action((names: string[], options: Options) => done(run(names, options)));

interface Options {
  readonly json: boolean;
  readonly disks: boolean;
  readonly arch?: string;
  readonly maxPrice?: string;
  readonly region: string;
}

function run(names: readonly string[], { json, disks, arch, maxPrice, region }: Options): number {
  const most = maxPrice === undefined ? undefined : Number(maxPrice);
  if (Number.isNaN(most)) throw new UserError(`--max-price: expected USD an hour such as 0.5, got \`${maxPrice}\``);
  const all = (names.length > 0 ? names.flatMap(named) : instanceTypes).map((type) => priced(type, region));
  const found = all.filter(
    (type) =>
      (!disks || type.disks > 0) &&
      (arch === undefined || type.arch === arch) &&
      // Of one whose price is not known nobody can say it.
      (most === undefined || (type.pricePerHour !== null && type.pricePerHour <= most)),
  );
  console.log(json ? JSON.stringify(found.map(shown), null, 2) : table(found, region));
  return 0;
}

function named(name: string): readonly InstanceType[] {
  if (name.includes(".")) return [instanceType(name)];
  const family = instanceTypes.filter(({ type }) => familyOf(type) === name);
  if (family.length > 0) return family;
  const families = [...new Set(instanceTypes.map(({ type }) => familyOf(type)))];
  throw new UserError(`types: expected a type or one of the families ${families.join(", ")}, got \`${name}\``);
}

interface Priced extends InstanceType {
  /** Of when the price is. */
  readonly priceDate: string | null;
}

function priced(type: InstanceType, region: string): Priced {
  const price = priceIn(type.type, region);
  return { ...type, pricePerHour: price?.perHour ?? null, priceDate: price?.date ?? null };
}

const shown = ({ nvme: _, xen: __, ...rest }: Priced) => rest;

function table(found: readonly Priced[], region: string): string {
  const rows = found.map(({ type, arch, vcpu, memoryGiB, disks, diskGB, media, pricePerHour }) => [
    type,
    arch,
    String(vcpu),
    String(memoryGiB),
    disks > 0 ? `${disks} × ${diskGB} GB ${media}` : "-",
    pricePerHour === null ? "unknown" : String(pricePerHour),
  ]);
  const head = ["type", "arch", "vCPU", "GiB", "own disks", `${priceList.currency}/h`].map((each) => styled("bold", each));
  const dates = [...new Set(found.flatMap(({ priceDate }) => priceDate ?? []))].sort();
  const note = `prices: Linux, on demand, ${region}${dates.length > 0 ? `, of ${dates.join(" and ")}` : ""}`;
  return [columns([head, ...rows]), styled("dim", note)].join("\n");
}
