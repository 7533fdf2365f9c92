// fleet types: the instance types that the fleet knows, and what they cost.
import { familyOf, type InstanceType, instanceType, instanceTypes, priceList } from "../../provisioners/aws/types.ts";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { columns, styled } from "../terminal.ts";

export const types: Register = (program, done) =>
  program
    .command("types")
    .description("show EC2 instance types: processors, memory, disks of their own, price")
    .argument("[type...]", "types such as `i4i.2xlarge`, or families such as `i4i`; all without")
    .option("--json", "[{type, arch, vcpu, memoryGiB, disks, diskGB, media, pricePerHour}]", false)
    .addHelpText("after", "\nExamples:\n  fleet types i4i i8g\n  fleet types c5.large t4g.small --json")
    .action((names: string[], { json }: { json: boolean }) => done(run(names, json)));

function run(names: readonly string[], json: boolean): number {
  const found = names.length > 0 ? names.flatMap(named) : instanceTypes;
  console.log(json ? JSON.stringify(found.map(shown), null, 2) : table(found));
  return 0;
}

function named(name: string): readonly InstanceType[] {
  if (name.includes(".")) return [instanceType(name)];
  const family = instanceTypes.filter(({ type }) => familyOf(type) === name);
  if (family.length > 0) return family;
  const families = [...new Set(instanceTypes.map(({ type }) => familyOf(type)))];
  throw new UserError(`types: expected a type or one of the families ${families.join(", ")}, got \`${name}\``);
}

const shown = ({ nvme: _, xen: __, ...rest }: InstanceType) => rest;

function table(found: readonly InstanceType[]): string {
  const rows = found.map(({ type, arch, vcpu, memoryGiB, disks, diskGB, media, pricePerHour }) => [
    type,
    arch,
    String(vcpu),
    String(memoryGiB),
    disks > 0 ? `${disks} × ${diskGB} GB ${media}` : "-",
    pricePerHour === null ? "unknown" : String(pricePerHour),
  ]);
  const head = ["type", "arch", "vCPU", "GiB", "own disks", `${priceList.currency}/h`].map((each) => styled("bold", each));
  const note = `prices: Linux, on demand, ${priceList.region}, ${priceList.date}`;
  return [columns([head, ...rows]), styled("dim", note)].join("\n");
}
