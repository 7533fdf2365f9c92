// What is known of servers on EC2 before they exist: their addresses, and the facts that their type and image tell.

import type { Facts } from "../../../../provisioners/engine/facts.ts";
import { UserError } from "../../../../spec/problem.ts";
import { bakedOf } from "../baked.ts";
import { AwsServer, type AwsTarget, type imageNames } from "../settings/target.ts";
import { serverAddress, split, usable } from "./cidr.ts";
import { type InstanceType, typeOrGuess, unknownType } from "./types.ts";

/** By name, in the order of the stack file; with the private address where the file gives one. */
export type AskedServers = Readonly<Record<string, { readonly privateAddress?: string | undefined }>>;

/** The own network's subnet for the servers: its first /24, or all of it where it is smaller. */
export const serverSubnet = (cidr: string): string => {
  const [base = "", prefix] = cidr.split("/");
  return `${base}/${Math.max(24, Number(prefix))}`;
};

/** With those in other zones behind it, of the same size. */
export const subnetsOf = (cidr: string, zones: number): readonly string[] => split(cidr, Math.max(24, Number(cidr.split("/")[1])), zones);

/** What the target says of all servers, and over it what it says of this one. */
export function settingsOf(target: AwsTarget, name: string): AwsServer {
  const keys = Object.keys(AwsServer.shape) as (keyof AwsServer)[];
  const common = Object.fromEntries(keys.flatMap((key) => (target[key] === undefined ? [] : [[key, target[key]]])));
  return { ...common, ...target.servers[name] };
}

/** What a server is where the stack file doesn't say: ISUCON's. */
export const defaults = { instanceType: "c5.large", image: "ubuntu-24.04" } as const;

/** What a pin of an image stands for: another image or architecture is another pin. */
export const imageKey = (image: string, { arch }: Pick<InstanceType, "arch">): string =>
  `${(bakedOf(image) ? image.replace("/", "-") : image).replace(/^.*\//, "")}-${arch}`;

/** Given ones first; the others get the next that is free, and keep it when a server joins behind them. None in the default VPC. */
export function addressesOf(target: AwsTarget, servers: AskedServers): Readonly<Record<string, string | undefined>> {
  const given = Object.values(servers).map(({ privateAddress }) => privateAddress);
  if (target.vpc === "default")
    return Object.fromEntries(Object.entries(servers).map(([name, { privateAddress }]) => [name, privateAddress]));
  const subnet = serverSubnet(target.cidr);
  let next = 0;
  const free = (): string => {
    const address = serverAddress(subnet, next++);
    return given.includes(address) ? free() : address;
  };
  return Object.fromEntries(
    Object.entries(servers).map(([name, { privateAddress }]) => {
      if (privateAddress !== undefined && !usable(subnet, privateAddress))
        throw new UserError(
          `${name}: expected a private address in \`${subnet}\` (AWS keeps its first four and its last), got \`${privateAddress}\``,
        );
      return [name, privateAddress ?? free()];
    }),
  );
}

/** The address that goes into the files of the team's servers; those must be known before AWS chooses one. */
export function plannedAddress(target: AwsTarget, servers: AskedServers, name: string): string {
  const address = addressesOf(target, servers)[name];
  if (address !== undefined) return address;
  // Alone, a server needs no other way to itself.
  if (Object.keys(servers).length === 1) return "127.0.0.1";
  throw new UserError(
    `servers.${name}.privateAddress: expected an address in a subnet of the default VPC, where AWS would choose one that no file can ` +
      "name; next: give each server one, or take `vpc: own`",
  );
}

const apt = { packageManager: "apt" } as const;
const images: Readonly<Record<(typeof imageNames)[number], Pick<Facts, "distribution" | "version" | "packageManager">>> = {
  "ubuntu-24.04": { distribution: "ubuntu", version: "24.04", ...apt },
  "ubuntu-22.04": { distribution: "ubuntu", version: "22.04", ...apt },
  "debian-12": { distribution: "debian", version: "12", ...apt },
  al2023: { distribution: "amzn", version: "2023", packageManager: "dnf" },
};

/** The kernel and the firmware keep up to a tenth of small types' memory: sizes must fit what is left. */
const usableMemory = 0.9;

/** All facts for an image that has a name; an AMI's or own parameter's distribution is only known from the server itself. */
export function factsOnAws(type: string, image: string) {
  const { arch, vcpu, memoryGiB, guessed } = typeOrGuess(type);
  // What is computed from a guess would stay: such a server says itself how large it is.
  const size = {
    architecture: arch,
    ...(!guessed && { cores: vcpu, memoryMiB: Math.floor(memoryGiB * 1024 * usableMemory) }),
  };
  const known: Partial<Facts> = images[bakedOf(image)?.base ?? (image as keyof typeof images)];
  return { ...size, container: false, cloudInit: true, ...known };
}

export function declaredOnAws(target: AwsTarget, name: string): Partial<Facts> {
  const { instanceType: type = defaults.instanceType, image = defaults.image } = settingsOf(target, name);
  return factsOnAws(type, image);
}

/** Types that no row of the table has, where the stack file names them. */
export function unheardTypes(target: AwsTarget, servers: readonly string[]) {
  const found = new Map<string, { readonly path: readonly string[]; readonly reason: string }>();
  for (const name of servers) {
    const { instanceType: type = defaults.instanceType } = settingsOf(target, name);
    const reason = unknownType(type);
    const path =
      target.servers[name]?.instanceType === undefined ? ["target", "instanceType"] : ["target", "servers", name, "instanceType"];
    if (reason !== undefined) found.set(path.join("."), { path, reason });
  }
  return [...found.values()];
}
