// IPv4 arithmetic for networks: split, overlap, and which addresses AWS leaves to servers.
import { cidrRange, ipv4Number, ipv4Text } from "../../../../spec/scalars.ts";

/** The first `count` networks of `prefix` bits in `cidr`; throws where they don't fit. */
export function split(cidr: string, prefix: number, count: number): readonly string[] {
  const { base, size } = cidrRange(cidr);
  const each = 2 ** (32 - prefix);
  if (each * count > size)
    throw new RangeError(`${cidr}: expected room for ${count} networks of /${prefix}, got ${Math.floor(size / each)}`);
  return Array.from({ length: count }, (_, at) => `${ipv4Text(base + at * each)}/${prefix}`);
}

/** Whether the networks share an address. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [cidrRange(one), cidrRange(other)];
  return a.base < b.base + b.size && b.base < a.base + a.size;
}

/** AWS keeps a subnet's first four addresses and its last one. */
export function usable(cidr: string, address: string): boolean {
  const { base, size } = cidrRange(cidr);
  const at = ipv4Number(address) - base;
  return at >= 4 && at <= size - 2;
}

/** The n-th address from 0 that a server of the subnet may have, from `.11` on as contests number them where the subnet is that large. */
export function serverAddress(cidr: string, n: number): string {
  const { base, size } = cidrRange(cidr);
  const address = ipv4Text(base + (size >= 256 ? 11 : 4) + n);
  if (!usable(cidr, address)) throw new RangeError(`${cidr}: expected room for ${n + 1} servers; take a larger subnet`);
  return address;
}
