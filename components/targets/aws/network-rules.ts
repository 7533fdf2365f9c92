// Who may talk to whom, as data: the security group, the table in the preview and the contest's check come from the same list.

export interface Flow {
  /** `in` to the servers, or `out` of them. */
  readonly direction: "in" | "out";
  /** A network, `servers` (the servers of the same group), or `balancer NAME`: what has that one's group. */
  readonly peer: string;
  readonly protocol: "tcp" | "udp" | "all";
  /** First and last port; both 0 with protocol `all`. */
  readonly ports: readonly [number, number];
  /** Shown in the table and as the rule's description: letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*` only. */
  readonly why: string;
}

export const everywhere = "0.0.0.0/0";

const tcp = (port: number, peer: string, why: string): Flow => ({ direction: "in", peer, protocol: "tcp", ports: [port, port], why });
const all = (direction: Flow["direction"], peer: string, why: string): Flow => ({ direction, peer, protocol: "all", ports: [0, 0], why });

export interface Door {
  readonly port: number;
  readonly to?: number | undefined;
  readonly protocol: "tcp" | "udp";
  readonly from: readonly string[];
}

export interface Doors {
  /** Networks that may use SSH. @default everywhere: contestants work from anywhere, and keys are the only way in */
  readonly sshFrom?: readonly string[];
  /** Networks that may use HTTPS. @default everywhere */
  readonly httpsFrom?: readonly string[];
  /** Networks that may use HTTP. @default none */
  readonly httpFrom?: readonly string[];
  /** Ports of the team's own, `to` the last of several. @default none */
  readonly open?: readonly Door[];
  /** Where the servers reach each other: their networks, or `servers` for the group itself. */
  readonly team: readonly string[];
}

/** The flows of a team's servers. No other team's network is in it, so no team reaches another. */
export function teamFlows({ sshFrom = [everywhere], httpsFrom = [everywhere], httpFrom = [], open = [], team }: Doors): readonly Flow[] {
  return [
    ...sshFrom.map((peer) => tcp(22, peer, "SSH")),
    ...httpFrom.map((peer) => tcp(80, peer, "HTTP")),
    ...httpsFrom.map((peer) => tcp(443, peer, "HTTPS")),
    ...open.flatMap(({ port, to = port, protocol, from }) =>
      from.map((peer): Flow => ({ direction: "in", peer, protocol, ports: [port, to], why: "opened by the stack file" })),
    ),
    ...team.map((peer) => all("in", peer, "between the servers of the team")),
    all("out", everywhere, "packages, keys and time"),
  ];
}

/** Through a balancer: what it lets in, and what the servers' group lets in from it. */
export interface BalancerFlows {
  readonly name: string;
  readonly into: readonly Flow[];
  readonly servers: Flow;
}

export const balancerPeer = (name: string): string => `balancer ${name}`;

export const balancerFlows = (
  name: string,
  { listens, from, port }: { readonly listens: readonly number[]; readonly from: readonly string[]; readonly port: number },
): BalancerFlows => ({
  name,
  into: listens.flatMap((each) => from.map((peer) => tcp(each, peer, `the balancer ${name}`))),
  servers: tcp(port, balancerPeer(name), `requests of the balancer ${name}`),
});

/** Into a database, whose group is another than the servers': for the table. */
export const databaseFlow = (name: string, port: number): Flow => tcp(port, "servers", `the database ${name}`);

export interface Rule<Group = string> {
  readonly protocol: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly cidrBlocks?: string[];
  readonly self?: boolean;
  readonly securityGroups?: Group[];
  readonly description: string;
}

/** One rule of a security group, in the provider's words. */
export function ruleOf<Group = string>({ peer, protocol, ports, why }: Flow, groups: Readonly<Record<string, Group>> = {}): Rule<Group> {
  const group = groups[peer];
  const where = group !== undefined ? { securityGroups: [group] } : peer === "servers" ? { self: true } : { cidrBlocks: [peer] };
  return { protocol: protocol === "all" ? "-1" : protocol, fromPort: ports[0], toPort: ports[1], ...where, description: why };
}

const portsText = ({ protocol, ports: [first, last] }: Flow): string => {
  if (protocol === "all") return "all";
  return `${first === last ? first : `${first}-${last}`}/${protocol}`;
};

/** `in   22/tcp   from 0.0.0.0/0   SSH`, a flow a line, in columns. */
export function flowTable(flows: readonly Flow[]): string {
  const rows = flows.map((flow) => [flow.direction, portsText(flow), `${flow.direction === "in" ? "from" : "to"} ${flow.peer}`, flow.why]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n");
}
