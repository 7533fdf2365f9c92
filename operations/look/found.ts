// What a look at a server found, from the lines that its script printed. Pure.
import { clean } from "../../provisioners/ssh/output.ts";
import { type Deployed, recordsIn } from "../deploy/records.ts";

export interface Service {
  readonly unit: string;
  /** systemd's: active, inactive, failed … */
  readonly active: string;
  readonly enabled: string;
  /** Of its socket, where it has one: whether a boot has that listen, and so starts the service when somebody comes. */
  readonly socket?: string;
  /** The socket listens now. */
  readonly listens?: true;
  /** The stack wants it not to run; undefined where it wants it to. */
  readonly wanted?: "off";
}

/** In between counts as running: a unit that crashes and comes back is `activating`. */
const runs = ({ active }: Service): boolean => ["active", "reloading", "activating", "deactivating"].includes(active);
/** Whether it runs as the stack wants it to. */
export const isRight = (service: Service): boolean => {
  if (service.wanted === "off") return !runs(service);
  return service.active === "active" || (service.listens === true && service.active === "inactive");
};
/** Whether nothing starts it at a boot. */
export const staysOff = ({ enabled, socket }: Service): boolean => enabled === "disabled" && socket !== "enabled";

export interface Commit {
  readonly path: string;
  readonly id: string;
  /** ISO; of the commit. */
  readonly at: string;
  readonly subject: string;
  /** The last deploy there, and the commit that it left; undefined where none was, or something else runs by now. */
  readonly deployed?: Pick<Deployed, "at" | "who" | "commit" | "result" | "anyway">;
}

export interface Found {
  /** Seconds since 1970, by the server's clock. */
  readonly now: number;
  readonly upSeconds: number;
  readonly load: number;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly memoryUsed: number;
  readonly disks: readonly { readonly place: string; readonly sizeGB: number; readonly used: number }[];
  readonly services: readonly Service[];
  /** Units that failed, of anybody's. */
  readonly broken: readonly string[];
  readonly commits: readonly Commit[];
  readonly lock?: { readonly who: string; readonly what: string; readonly since: string };
  /** Of a thorough look alone: */
  readonly rebootFor?: string;
  readonly halfInstalled: readonly string[];
  /** Names that could not be looked up. */
  readonly unresolved: readonly string[];
  readonly certificates: readonly { readonly path: string; readonly until: string }[];
  /** What keeps the clock: a time service, none though there is one, or none at all. Undefined where it is another's (a container) or unknown. */
  readonly clock?: "kept" | "left" | "alone";
  readonly leftovers: readonly string[];
}

const share = (part: number, whole: number): number => (whole > 0 ? Math.round((part / whole) * 100) / 100 : 0);

const clockOf = (said: readonly string[]): NonNullable<Found["clock"]> =>
  said.some((line) => /^NTP(?:Synchronized)?=yes$/.test(line)) ? "kept" : said.includes("CanNTP=yes") ? "left" : "alone";

function deployedIn(path: string, id: string, rows: readonly (readonly string[])[]): Pick<Commit, "deployed"> {
  const [last] = recordsIn(rows.flatMap(([of, line]) => (of === path && line !== undefined ? [line] : [])));
  const commit = last?.[last.result === "back" ? "before" : "commit"];
  if (!last || !commit?.startsWith(id)) return {};
  const { at, who, result, anyway } = last;
  return { deployed: { at, who, commit, result, ...(anyway !== undefined && { anyway }) } };
}

/** As `df` has it, rounded up to a percent: what a filesystem keeps for root or for itself counts neither as used nor as free. */
const dfShare = (used: number, free: number): number => (used > 0 ? Math.ceil((100 * used) / (used + free)) / 100 : 0);

/** @param off units that the stack wants not to run */
export function foundIn(text: string, off: readonly string[] = []): Found {
  const rows = text.split("\n").map((line) => line.split("\t").map(clean));
  const all = (name: string) => rows.filter(([key]) => key === name).map((row) => row.slice(1));
  const first = (name: string) => all(name)[0] ?? [];
  const memory = Object.fromEntries(all("memory").map(([key = "", value]) => [key, Number(value)]));
  const total = memory["MemTotal:"] ?? 0;
  const [who, what = "", since = ""] = first("lock");
  const ntp = all("ntp").flatMap(([line]) => line ?? []);
  const [rebootFor] = first("reboot");
  const sockets = (unit: string): Pick<Service, "socket" | "listens"> => {
    const [, socket, active] = all("socket").find(([of]) => of === unit) ?? [];
    return socket === undefined ? {} : { socket, ...(active === "active" && { listens: true }) };
  };
  return {
    now: Number(first("now")[0] ?? 0),
    upSeconds: Number(first("up")[0] ?? 0),
    load: Number(first("load")[0] ?? 0),
    cores: Number(first("load")[1] ?? 0),
    memoryMiB: Math.round(total / 1024),
    memoryUsed: share(total - (memory["MemAvailable:"] ?? total), total),
    disks: all("disk").map(([place = "", size, used, free]) => ({
      place,
      sizeGB: Math.round(Number(size) / 1024 ** 2),
      used: dfShare(Number(used), Number(free)),
    })),
    services: all("service").map(([unit = "", active = "", enabled = ""]) => ({
      unit,
      active: active || "unknown",
      enabled,
      ...sockets(unit),
      ...(off.includes(unit) && { wanted: "off" }),
    })),
    broken: all("broken").flatMap(([unit]) => unit ?? []),
    commits: all("commit").flatMap(([path = "", id = "", at, subject = ""]) =>
      id === "" ? [] : [{ path, id, at: new Date(Number(at) * 1000).toISOString(), subject, ...deployedIn(path, id, all("deployed")) }],
    ),
    ...(who !== undefined && { lock: { who, what, since } }),
    ...(rebootFor !== undefined && { rebootFor: rebootFor.trim() }),
    halfInstalled: all("package").flatMap(([name]) => name ?? []),
    unresolved: all("dns").flatMap(([name]) => name ?? []),
    certificates: all("certificate").flatMap(([path = "", until = ""]) =>
      Number.isNaN(Date.parse(until)) ? [] : [{ path, until: new Date(until).toISOString() }],
    ),
    ...(ntp.length > 0 && { clock: clockOf(ntp) }),
    leftovers: all("left").flatMap(([path]) => path ?? []),
  };
}
