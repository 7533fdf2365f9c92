// IPv4 arithmetic: just what a stack's subnet needs.

export interface Subnet {
  /** The network's address as a number, and how many of its bits are fixed. */
  readonly base: number;
  readonly prefix: number;
}

const size = ({ prefix }: Subnet): number => 2 ** (32 - prefix);

function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

const formatAddress = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");

/** Any network, as routes name them: `10.0.0.0/8`, or a lone address. */
export function parseNetwork(text: string): Subnet | undefined {
  const [address, bits = "32", ...rest] = text.split("/");
  const base = parseAddress(address!);
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : 99;
  if (base === undefined || prefix > 32 || rest.length > 0 || base % 2 ** (32 - prefix) !== 0) return undefined;
  return { base, prefix };
}

/** A network that a stack can have: /16 to /29, with no bit of a host set. */
export function parseSubnet(text: string): Subnet | undefined {
  const network = parseNetwork(text);
  return network && network.prefix >= 16 && network.prefix <= 29 ? network : undefined;
}

/** The first address: this computer's own on the stack's bridge. */
export const gateway = ({ base }: Subnet): string => formatAddress(base + 1);

/** Whether a machine can have the address: not the network's, the gateway's, the broadcast one or another network's. */
export function usable(subnet: Subnet, text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && address > subnet.base + 1 && address < subnet.base + size(subnet) - 1;
}

export const overlap = (a: Subnet, b: Subnet): boolean => a.base < b.base + size(b) && b.base < a.base + size(a);
