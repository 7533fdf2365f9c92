// What a server's answer to a look means: the types of what is seen, and how they are read out of its standard output.
import { missing } from "../resources/kind.ts";

/** Files up to this size (bytes) are read whole; larger ones are compared by their checksum. */
export const contentLimit = 1024 * 1024;

export interface PathSeen {
  readonly type: "file" | "directory" | "link" | "other" | typeof missing;
  /** Four octal digits: `0644`. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** Where a link points; empty for everything else. */
  readonly target: string;
  readonly size: number;
  /** Of a regular file within `contentLimit`, where it was asked for. */
  readonly content?: Buffer;
}

export interface UnitSeen {
  /** `loaded`, `not-found`, `masked` … */
  readonly load: string;
  /** `active`, `inactive`, `failed`, `activating` … */
  readonly active: string;
  /** `enabled`, `disabled`, `static`, `masked` … ; empty for a unit that isn't there. */
  readonly enabled: string;
  readonly needsReload: boolean;
  /** Its own name, where it was asked for by another. */
  readonly id?: string;
  /** Of one that failed, or is started again and again, systemd's word for it: `exit-code`, `start-limit-hit`, `oom-kill`. */
  readonly result?: string;
  /** How often systemd has started it again by itself since. */
  readonly restarts?: number;
}

export interface UserSeen {
  readonly uid: number;
  readonly group: string;
  readonly groups: readonly string[];
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
  /** The field of /etc/shadow: a hash, or `!`, `*` … */
  readonly passwordHash: string;
}

export interface SysctlSeen {
  /** Runs of white space as one blank; `missing` where the kernel has no such setting. */
  readonly value: string;
  /** Not in a container, for what is its host's. */
  readonly writable: boolean;
}

export interface CommandSeen {
  readonly code: number;
  readonly stdout: string;
}

export interface KernelSeen {
  readonly memoryKiB: number;
  /** Of which this process may use each, as nproc counts them. */
  readonly cores: number;
}

export const missingPath: PathSeen = { type: missing, mode: missing, owner: missing, group: missing, target: missing, size: 0 };

/** Behind the version of a package that dpkg began with and did not end. */
export const halfDone = "(half installed)";

export interface Answers {
  readonly paths: Map<string, PathSeen>;
  readonly sums: Map<string, string>;
  readonly packages: Map<string, string>;
  readonly units: Map<string, UnitSeen>;
  readonly sysctls: Map<string, SysctlSeen>;
  readonly commands: Map<string, CommandSeen>;
  readonly kernel: KernelSeen;
}

export const text = ({ content }: PathSeen): string => content?.toString("utf8") ?? "";
export const rowsOf = (file: string): string[][] => file.split("\n").map((line) => line.split(":"));

const fileTypes: Readonly<Record<string, PathSeen["type"]>> = {
  "regular file": "file",
  "regular empty file": "file",
  directory: "directory",
  "symbolic link": "link",
};

const escapes: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** What stat quotes in the style of C: bytes that are no printable ASCII stand in octal. */
function unquoted(text: string): string {
  const bytes = text.replace(/\\([0-7]{3}|.)/g, (_whole, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** A number that no account has (a tar made elsewhere) stays one: `chown` takes both. */
const named = (name: string, number: string): string => (name === "UNKNOWN" ? number : name);

function parsePath(line: string): [string, PathSeen] {
  const [type = "", size = "0", name = "", mode = "", owner = "", group = "", uid = "", gid = "", ...full] = line.split("|");
  const target = unquoted(/" -> "(.*)"$/.exec(full.join("|"))?.[1] ?? "");
  const who = { owner: named(owner, uid), group: named(group, gid) };
  return [name, { type: fileTypes[type] ?? "other", mode: mode.padStart(4, "0"), ...who, target, size: Number(size) }];
}

/** Lines of two kinds: the path of what is writable, and `path:value`. */
function parseSysctls(lines: readonly string[]): Map<string, SysctlSeen> {
  const writable = new Set(lines.filter((line) => !line.includes(":")));
  const rows = lines
    .filter((line) => line.includes(":"))
    .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)] as const);
  const keyOf = (path: string) => path.slice("/proc/sys/".length).replaceAll("/", ".");
  return new Map(rows.map(([path, value]) => [keyOf(path), { value: value.replace(/\s+/g, " ").trim(), writable: writable.has(path) }]));
}

const failureOf = (result: string, restarts = "0") => ({ result, ...(Number(restarts) > 0 && { restarts: Number(restarts) }) });

function parseUnits(block: string): Map<string, UnitSeen> {
  const units = new Map<string, UnitSeen>();
  for (const each of block.split(/\n\n+/).filter(Boolean)) {
    const of = Object.fromEntries(each.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    const seen = {
      load: of.LoadState ?? "",
      active: of.ActiveState ?? "",
      enabled: of.UnitFileState ?? "",
      needsReload: of.NeedDaemonReload === "yes",
      // Of one that runs it is the last time's.
      ...(["failed", "activating"].includes(of.ActiveState ?? "") &&
        of.Result &&
        of.Result !== "success" &&
        failureOf(of.Result, of.NRestarts)),
    };
    const { Id: id = "", Names: names = "" } = of;
    for (const name of new Set([id, ...names.split(" ")])) units.set(name, name === id ? seen : { ...seen, id });
  }
  return units;
}

/** Files whose contents were asked for, and of these the ones that come whole, however large they are. */
export interface ContentsAsked {
  readonly contents: ReadonlySet<string>;
  readonly whole: ReadonlySet<string>;
  /** Whether what the kernel says comes behind them. */
  readonly kernel: boolean;
}

export function parseAnswers(stdout: Buffer, nonce: string, asked: ContentsAsked, commands: readonly string[]): Answers {
  const end = stdout.lastIndexOf(`${nonce} contents\n`);
  if (end < 0) throw new Error("the answer of the look has no end");
  const blocks = new Map<string, string>();
  for (const block of stdout.subarray(0, end).toString("utf8").split(`${nonce} `).slice(1)) {
    const cut = block.indexOf("\n");
    const name = block.slice(0, cut);
    blocks.set(
      name.startsWith("code ") ? `code of ${[...blocks.keys()].at(-1)}` : name,
      name.startsWith("code ") ? name.slice(5) : block.slice(cut + 1),
    );
  }
  const lines = (name: string) => (blocks.get(name) ?? "").split("\n").filter(Boolean);
  const paths = new Map(lines("paths").map(parsePath));
  const rest = attachContents(paths, asked, stdout.subarray(end + nonce.length + " contents\n".length));
  return {
    paths,
    kernel: kernelIn(afterMark(rest, asked.kernel ? kernelMark(nonce) : undefined)),
    sums: new Map(lines("sums").map((line) => [line.slice(66), line.slice(0, 64)])),
    packages: new Map(
      [...lines("packages"), ...lines("rpms")]
        .map((line) => line.split("|"))
        .filter(([status = ""]) => status.length > 1 && !"nc".includes(status[1]!))
        // The packages themselves come first: what another one provides is the second best.
        .toReversed()
        .map(([status = "", name = "", version = ""]) => [name, status[1] === "i" ? version : `${version} ${halfDone}`]),
    ),
    units: parseUnits(blocks.get("units") ?? ""),
    sysctls: parseSysctls(lines("sysctls")),
    commands: new Map(
      commands.map((command, index) => {
        const stdoutOf = blocks.get(`command ${index}`) ?? "";
        return [command, { code: Number(blocks.get(`code of command ${index}`) ?? Number.NaN), stdout: stdoutOf.replace(/\n$/, "") }];
      }),
    ),
  };
}

/** `cat` gave the files one behind the other, in the order of `paths`: their sizes cut them apart. Hands back what comes after them. */
function attachContents(paths: Map<string, PathSeen>, { contents, whole }: ContentsAsked, bytes: Buffer): Buffer {
  let at = 0;
  for (const [name, seen] of paths) {
    if (seen.type !== "file" || !contents.has(name) || (seen.size > contentLimit && !whole.has(name))) continue;
    paths.set(name, { ...seen, content: bytes.subarray(at, at + seen.size) });
    at += seen.size;
  }
  if (at > bytes.length) throw new LookMoved();
  return bytes.subarray(at);
}

/** Before what the kernel says. */
export const kernelMark = (nonce: string): string => `${nonce} kernel\n`;

/** @param mark undefined where nothing may come */
function afterMark(rest: Buffer, mark = ""): string {
  const text = rest.toString("utf8");
  if (mark === "" ? text !== "" : !text.startsWith(mark)) throw new LookMoved();
  return text.slice(mark.length);
}

/** Of /proc/meminfo and /proc/self/status: `0-3,8` are five cores. NaN where it is not said. */
export function kernelIn(text: string): KernelSeen {
  const of = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(text)?.[1] ?? "?";
  const ranges = of("Cpus_allowed_list")
    .split(",")
    .map((range) => range.split("-").map(Number));
  return { memoryKiB: Number(of("MemTotal")), cores: ranges.reduce((sum, [from = 0, to = from]) => sum + to - from + 1, 0) };
}

/** A file grew or shrank between the two halves of the look: look again. */
export class LookMoved extends Error {
  override readonly name = "LookMoved";
  constructor() {
    super("a file changed while it was looked at");
  }
}

export function userIn(name: string, passwd: string, group: string, shadow: string): UserSeen | undefined {
  const row = rowsOf(passwd).find(([each]) => each === name);
  if (!row) return undefined;
  const groups = rowsOf(group);
  return {
    uid: Number(row[2]),
    group: groups.find(([, , gid]) => gid === row[3])?.[0] ?? row[3] ?? "",
    groups: groups.filter(([, , , members]) => members?.split(",").includes(name)).map(([each]) => each ?? ""),
    comment: row[4] ?? "",
    home: row[5] ?? "",
    shell: row[6] ?? "",
    passwordHash: rowsOf(shadow).find(([each]) => each === name)?.[1] ?? "",
  };
}
