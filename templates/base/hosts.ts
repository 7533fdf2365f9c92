// The team's servers in /etc/hosts: the body of a block between markers, the rest of the file stays the system's.
import { conf } from "../conf.ts";

export interface HostsEntry {
  /** The private address, which the other servers reach it by. */
  readonly address: string;
  readonly name: string;
  /** @default none */
  readonly aliases?: readonly string[];
}

export const hostsBlock = (servers: readonly HostsEntry[]): string => conf`
  ${servers.map(({ address, name, aliases = [] }) => [address, name, ...aliases].join(" "))}
`;
