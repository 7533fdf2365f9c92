// What a look found on one server, as data.

export interface System {
  readonly distribution: string;
  readonly version: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly hostname: string;
  readonly upSeconds: number;
  /** Seconds since 1970, by the server's own clock. */
  readonly clock: number;
  readonly timezone: string;
  readonly swaps: number;
  /** By systemd-timesyncd, as it says. */
  readonly synchronised: boolean;
}

export interface Disk {
  readonly device: string;
  readonly type: string;
  readonly mount: string;
  readonly sizeKiB: number;
  readonly freeKiB: number;
  readonly usedPercent: number;
  readonly inodesPercent?: number | undefined;
}

export interface Unit {
  readonly name: string;
  readonly type: string;
  readonly load: string;
  readonly active: string;
  readonly enabled: string;
  /** Its file. */
  readonly path: string;
  readonly user: string;
  readonly group: string;
  readonly workingDirectory: string;
  readonly environmentFiles: readonly string[];
  readonly command: readonly string[];
  readonly pid: number;
  readonly cgroup: string;
  readonly requires: readonly string[];
  readonly restarts: number;
  readonly needsReload: boolean;
}

export interface Listener {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  readonly program: string;
  readonly pid: number;
}

export interface Link {
  readonly address: string;
  readonly port: number;
  readonly peer: string;
  readonly peerPort: number;
  readonly program: string;
  readonly pid: number;
}

export interface Process {
  readonly pid: number;
  readonly user: string;
  readonly residentKiB: number;
  readonly command: string;
  /** The service that it runs in, else the scope: somebody's session, a container. */
  readonly unit: string;
}

export interface ServerFile {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly size: number;
  /** Of a regular file up to 1 MiB that everybody may read, or that is a service's environment. */
  readonly bytes?: Buffer;
  /** Of a link. */
  readonly target?: string;
}

export interface Table {
  readonly database: string;
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly indexes: readonly string[];
}

export interface Mysql {
  /** Why nothing is known: root was not let in. */
  readonly refused?: string;
  readonly version: string;
  readonly product: "MariaDB" | "MySQL";
  readonly variables: Readonly<Record<string, string>>;
  readonly databases: readonly { readonly name: string; readonly charset: string; readonly collation: string }[];
  readonly tables: readonly Table[];
  readonly users: readonly { readonly name: string; readonly host: string }[];
}

export interface Postgres {
  readonly version: string;
  readonly listen: string;
  readonly port: number;
  readonly databases: readonly { readonly name: string; readonly bytes: number }[];
}

export interface CodeFolder {
  readonly path: string;
  /** `go.mod` and the like that lie in it. */
  readonly marks: readonly string[];
  readonly git?: {
    readonly top: string;
    readonly commit: string;
    readonly branch: string;
    readonly changed: number;
    readonly remote: string;
  };
}

export interface ServerFacts {
  readonly name: string;
  readonly system: System;
  readonly addresses: readonly string[];
  readonly disks: readonly Disk[];
  readonly units: readonly Unit[];
  readonly listeners: readonly Listener[];
  readonly links: readonly Link[];
  readonly processes: readonly Process[];
  /** MD5 of configuration files as their packages brought them. */
  readonly shipped: ReadonlyMap<string, string>;
  readonly files: readonly ServerFile[];
  /** `nginx -T`. */
  readonly nginx: string;
  /** That nginx shows; seconds since 1970. */
  readonly certificates: readonly { readonly path: string; readonly ends: number }[];
  readonly mysql?: Mysql | undefined;
  readonly postgres?: Postgres | undefined;
  readonly redis: Readonly<Record<string, string>>;
  readonly code: readonly CodeFolder[];
  readonly cron: readonly { readonly user: string; readonly line: string }[];
  readonly people: readonly { readonly name: string; readonly home: string; readonly shell: string }[];
  /** Who becomes root without a password. */
  readonly rootWithoutPassword: readonly string[];
  /** Places that only an organiser makes. */
  readonly organiser: readonly string[];
  readonly held: readonly string[];
  readonly broken: readonly string[];
  readonly rebootNeeded: boolean;
  /** A fleet has been here, and was not taken away. */
  readonly fleetIsHere: boolean;
}

/** What the unit's processes listen on. */
export function listenersOf({ listeners, processes }: ServerFacts, unit: Unit): readonly Listener[] {
  const pids = new Set([unit.pid, ...processes.filter((each) => each.unit === unit.name).map(({ pid }) => pid)]);
  return listeners.filter(({ pid }) => pids.has(pid));
}
