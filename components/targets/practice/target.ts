// Machines on this computer, made by the fleet, to practise on.
import { createHash } from "node:crypto";
import { z } from "zod";
import { privateAddresses } from "../../../spec/checks.ts";
import type { Finding } from "../../../spec/messages.ts";
import { Cidr, cidrRange, ipv4Number, ipv4Text } from "../../../spec/scalars.ts";
import { type Loose, mapOr } from "../../../spec/unvalidated.ts";
import { defineTarget, type FleetOn } from "../contract.ts";
import { passphrase } from "./passphrase.ts";

const Settings = z
  .strictObject({
    kind: z.literal("practice"),
    driver: z
      .enum(["nspawn", "qemu"])
      .default("nspawn")
      .describe("what runs the machines: containers (nspawn, needs root) or virtual machines (qemu); default nspawn"),
    subnet: Cidr.optional().describe("network of the machines; default derived from the stack's name"),
    release: z.enum(["bookworm", "trixie"]).default("bookworm").describe("Debian release of the machines; default bookworm"),
    image: z
      .enum(["layered", "plain"])
      .default("layered")
      .describe(
        "whether the packages of a machine's roles are there before its first boot, from a layer that this computer keeps (layered), or are " +
          "installed by the roles as on a bare server (plain); the driver qemu's machines are plain; default layered",
      ),
  })
  .describe("machines on this computer, made by the fleet");
export type PracticeTarget = z.infer<typeof Settings>;

const versions: Readonly<Record<string, string>> = { bookworm: "12", trixie: "13" };
const defaultMemoryMiB = 1024;

export const practice = defineTarget<PracticeTarget>({
  kind: "practice",
  schema: () => Settings,
  lent: false,
  keepsTeamName: false,
  plainSecrets: true,
  // Only a virtual machine has disks of its own.
  withoutDisks: ({ driver = "nspawn" }) =>
    driver === "nspawn" ? { got: "driver `nspawn`", next: "set `driver: qemu` in `target`" } : undefined,
  problems: outsideOfSubnet,
  engine: { providers: [], policed: false, refreshed: false, allAtOnce: true, passphrase },
  declared: ({ target: { driver, release } }, _server, { architecture, cores }) => ({
    distribution: "debian",
    version: versions[release] ?? release,
    packageManager: "apt",
    container: driver === "nspawn",
    cloudInit: false,
    architecture,
    cores,
    memoryMiB: defaultMemoryMiB,
  }),
  privateAddress(fleet, name, { stack }) {
    const at = Object.keys(fleet.servers).indexOf(name);
    return fleet.servers[name]?.privateAddress ?? ipv4Text(cidrRange(subnetOf(fleet, stack)).base + 11 + at);
  },
  // A virtual machine shows this computer its SSH port alone, at a port that was free when it started.
  reached: ({ target: { driver } }) => (driver === "qemu" ? { by: "state", ports: "ssh" } : { by: "plan", ports: "all" }),
  machines: ({ team, servers }) => Object.keys(servers).map((name) => machineName(team, name)),
  fate: "destroyed with everything on it",
});

/** Of the resource that makes it. */
export const machineName = (team: string, server: string): string => `${team}-${server}-machine`;

/** As given, else a /24 of 10.64.0.0/10 of each stack's own, so that two teams run at once. */
export function subnetOf({ target }: FleetOn<PracticeTarget>, stack: string): string {
  const [high = 0, low = 0] = createHash("sha256").update(stack).digest();
  return target.subnet ?? `10.${64 + (high % 64)}.${low}.0/24`;
}

function outsideOfSubnet(fleet: Loose): readonly Finding[] {
  const network = Cidr.safeParse(mapOr(fleet.target).subnet);
  if (!network.success) return [];
  return privateAddresses(fleet)
    .filter(({ value }) => !holds(network.data, value))
    .map(({ value, path }) => ({ path, reason: `expected an address of a server in \`${network.data}\`, got \`${value}\`` }));
}

/** Without the network's own, the gateway's (the first) and the broadcast address. */
function holds(cidr: string, address: string): boolean {
  const { base, size } = cidrRange(cidr);
  const at = ipv4Number(address) - base;
  return at >= 2 && at <= size - 2;
}
