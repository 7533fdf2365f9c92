// From a preset and the stack's overrides to the kernel settings of one server, and the modules that these need at boot.
import { z } from "zod";
import { Line, Port, SysctlKey } from "../../spec/scalars.ts";
import { conf, ownedBy } from "../conf.ts";
import type { Refusal } from "../words.ts";
import { successor } from "./obsolete.ts";
import { sysctlPresetNames, sysctlPresets } from "./presets.ts";

export const SysctlParams = z.strictObject({
  preset: z.enum(sysctlPresetNames).default("none").describe("Named set of kernel settings to start from."),
  overrides: z
    .record(SysctlKey, z.union([Line.min(1), z.int(), z.null()]))
    .default({})
    .describe("Settings by name, over the preset's. `null` leaves a setting of the preset as the system has it."),
  reservedPorts: z.array(Port).default([]).describe("Ports that the server's roles listen on: never handed out to outgoing connections."),
});
export type SysctlParams = z.infer<typeof SysctlParams>;

export interface SysctlEntries {
  /** Key to value, single spaces between numbers, as the kernel shows them with tabs replaced. */
  readonly entries: Readonly<Record<string, string>>;
  /** What was translated, a sentence each. */
  readonly notes: readonly string[];
  readonly problems: readonly Refusal[];
}

const portRange = "net.ipv4.ip_local_port_range";
const reserved = "net.ipv4.ip_local_reserved_ports";
const oneSpaced = (value: string | number): string => String(value).trim().replace(/\s+/g, " ");

/** The listening ports inside the range: taken by an outgoing connection, one would keep its service from starting. */
export function portsToReserve(range: string, ports: readonly number[]): readonly number[] {
  const [low = Number.NaN, high = Number.NaN] = range.split(" ").map(Number);
  return [...new Set(ports)].filter((port) => port >= low && port <= high).sort((a, b) => a - b);
}

const rangeProblem = (range: string): boolean => {
  const [low = 0, high = 0] = range.split(" ").map(Number);
  return !/^\d+ \d+$/.test(range) || low < 1 || high > 65535 || low >= high;
};

/** Expands the parameters. Later names win: preset, then overrides; a port range reserves the listening ports inside it. */
export function sysctlEntries({ preset, overrides, reservedPorts }: SysctlParams): SysctlEntries {
  const entries: Record<string, string> = {};
  const notes: string[] = [];
  const problems: Refusal[] = [];
  const set = (path: string, key: string, value: string | number | null) => {
    const fate = successor(key);
    if (fate && "gone" in fate) return value === null || problems.push({ path, reason: `\`${key}\` is ${fate.gone}` });
    if (fate) notes.push(`\`${key}\` is called \`${fate.now}\` today`);
    const name = fate?.now ?? key;
    if (value === null) return delete entries[name];
    entries[name] = oneSpaced(value);
    return true;
  };
  for (const [key, { value }] of Object.entries(sysctlPresets[preset])) set(`preset.${key}`, key, value);
  for (const [key, value] of Object.entries(overrides)) set(`overrides["${key}"]`, key, value);
  const range = entries[portRange];
  if (range !== undefined && rangeProblem(range)) {
    problems.push({ path: `overrides["${portRange}"]`, reason: `expected two ports, the lower one first, got \`${range}\`` });
  } else if (range !== undefined && !(reserved in overrides)) {
    const ports = portsToReserve(range, reservedPorts);
    if (ports.length > 0) entries[reserved] = ports.join(",");
  }
  return { entries, notes: [...new Set(notes)], problems };
}

const modules = { "net.netfilter.": "nf_conntrack", "net.bridge.": "br_netfilter" } as const;

/** Kernel modules whose settings exist only once they are loaded: without `/etc/modules-load.d/` those are lost at the next boot. */
export const modulesFor = (entries: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(modules).flatMap(([prefix, module]) => (Object.keys(entries).some((key) => key.startsWith(prefix)) ? [module] : []));

/** `/etc/modules-load.d/fleet.conf` */
export const modulesConf = (names: readonly string[]): string => conf`
  # ${ownedBy("base", "templates/sysctl/entries.ts")}
  ${names}
`;
