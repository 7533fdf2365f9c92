// The command line of one machine.
import { readFile } from "node:fs/promises";
import type { MachineSpec } from "../machine.ts";
import { bridgeName, machineId } from "../names.ts";

/** `0-2,5` → 0, 1, 2, 5: how the kernel writes processors. */
export function parseCpus(list: string): number[] {
  return list
    .trim()
    .split(",")
    .flatMap((range) => {
      const [from, to = from] = range.split("-").map(Number);
      return Array.from({ length: to! - from! + 1 }, (_, index) => from! + index);
    });
}

/** The processors that this process may use. */
export async function availableCpus(): Promise<number[]> {
  const status = await readFile("/proc/self/status", "utf8");
  return parseCpus(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)![1]!);
}

/**
 * So that `nproc`, and what sizes itself by it, sees the cores of the spec; machines of a stack start at different ones.
 * The limit itself is the cgroup's.
 */
export function affinity({ cores, address }: Pick<MachineSpec, "cores" | "address">, cpus: readonly number[]): readonly number[] {
  if (cores >= cpus.length) return cpus;
  const first = Number(address.split(".")[3]);
  return Array.from({ length: cores }, (_, index) => cpus[(first + index) % cpus.length]!).sort((a, b) => a - b);
}

export function nspawnArguments(spec: MachineSpec, root: string, cpus: readonly number[]): string[] {
  return [
    "--boot",
    "--quiet",
    "--settings=no",
    "--register=no",
    "--keep-unit",
    `--directory=${root}`,
    `--machine=${machineId(spec)}`,
    `--hostname=${spec.name}`,
    `--network-bridge=${bridgeName(spec.stack)}`,
    `--cpu-affinity=${affinity(spec, cpus).join(",")}`,
    // What belongs to the machine is the machine's: its time zone and name servers are roles' business.
    "--timezone=off",
    "--resolv-conf=off",
    "--link-journal=no",
    "--console=read-only",
  ];
}
