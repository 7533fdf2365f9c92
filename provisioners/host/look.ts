// One look: every resource of a role says what it wants to know, one script answers it all. What is asked twice is looked at once.
// The script costs a handful of processes on the host however many resources there are (one stat, one cat, one dpkg-query, one systemctl).
import { randomBytes } from "node:crypto";
import { missing } from "../resources/kind.ts";
import { type Command, quote } from "./command.ts";

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

export const missingPath: PathSeen = { type: missing, mode: missing, owner: missing, group: missing, target: missing, size: 0 };

type Answer<T> = () => T;

/** Collects questions, makes the script, and reads its answers. Use it once. */
export class Look {
  readonly #paths = new Set<string>();
  readonly #contents = new Set<string>();
  readonly #sums = new Set<string>();
  readonly #packages = new Set<string>();
  readonly #units = new Set<string>();
  readonly #sysctls = new Set<string>();
  readonly #commands = new Map<string, Command>();
  readonly #nonce = `@${randomBytes(9).toString("base64url")}`;
  #answers: Answers | undefined;

  path(path: string, { content = false } = {}): Answer<PathSeen> {
    this.#paths.add(path);
    if (content) this.#contents.add(path);
    return () => this.#told.paths.get(path) ?? missingPath;
  }

  /** Hex, or `missing`. For files that may be larger than `contentLimit`. */
  sha256(path: string): Answer<string> {
    this.#sums.add(path);
    return () => this.#told.sums.get(path) ?? missing;
  }

  /** The installed version, or `missing` (also for one removed with its configuration kept). */
  package(name: string): Answer<string> {
    this.#packages.add(name);
    return () => this.#told.packages.get(name) ?? missing;
  }

  unit(name: string): Answer<UnitSeen> {
    this.#units.add(name);
    return () => this.#told.units.get(name) ?? { load: "not-found", active: "inactive", enabled: "", needsReload: false };
  }

  sysctl(key: string): Answer<SysctlSeen> {
    this.#sysctls.add(key);
    return () => this.#told.sysctls.get(key) ?? { value: missing, writable: false };
  }

  user(name: string): Answer<UserSeen | undefined> {
    const [passwd, group, shadow] = ["/etc/passwd", "/etc/group", "/etc/shadow"].map((file) => this.path(file, { content: true }));
    return () => userIn(name, text(passwd!()), text(group!()), text(shadow!()));
  }

  group(name: string): Answer<{ readonly gid: number; readonly members: readonly string[] } | undefined> {
    const group = this.path("/etc/group", { content: true });
    return () => {
      const row = rowsOf(text(group())).find(([each]) => each === name);
      return row && { gid: Number(row[2]), members: (row[3] ?? "").split(",").filter(Boolean) };
    };
  }

  /** Costs a process or more each: only for what none of the others tells. Must not change the host. */
  command(command: Command): Answer<CommandSeen> {
    this.#commands.set(command.text, command);
    return () => {
      const seen = this.#told.commands.get(command.text);
      if (!seen) throw new Error(`the look gave no answer to \`${command.masked}\``);
      return seen;
    };
  }

  get #told(): Answers {
    if (!this.#answers) throw new Error("the look was read before the host answered");
    return this.#answers;
  }

  script(): Command {
    const text = [
      "LC_ALL=C; export LC_ALL",
      ...pathScript(this.#nonce, [...this.#paths, ...this.#contents], [...this.#contents]),
      ...section(this.#nonce, "sums", this.#sums, (all) => `sha256sum -- ${all} 2>/dev/null`),
      ...section(
        this.#nonce,
        "packages",
        this.#packages,
        (all) => `dpkg-query -W -f '\${db:Status-Abbrev}|\${Package}|\${Version}\\n' -- ${all} 2>/dev/null`,
      ),
      ...section(
        this.#nonce,
        "units",
        this.#units,
        (all) => `systemctl show -p Id,Names,LoadState,ActiveState,UnitFileState,NeedDaemonReload -- ${all}`,
      ),
      ...section(this.#nonce, "sysctls", [...this.#sysctls].map(sysctlPath), sysctlScript),
      ...[...this.#commands.values()].flatMap(({ text }, index) => [
        `printf '%s command ${index}\\n' ${this.#nonce}`,
        `( ${text}\n) </dev/null 2>/dev/null; printf '\\n%s code %s\\n' ${this.#nonce} "$?"`,
      ]),
      `printf '%s contents\\n' ${this.#nonce}`,
      '[ "$#" = 0 ] || cat -- "$@"',
      "exit 0",
    ].join("\n");
    return { text, masked: "look" };
  }

  /** Takes the script's standard output; after it the answers may be read. */
  hear(stdout: Buffer): void {
    this.#answers = parseAnswers(stdout, this.#nonce, this.#contents, [...this.#commands.keys()]);
  }
}

interface Answers {
  readonly paths: Map<string, PathSeen>;
  readonly sums: Map<string, string>;
  readonly packages: Map<string, string>;
  readonly units: Map<string, UnitSeen>;
  readonly sysctls: Map<string, SysctlSeen>;
  readonly commands: Map<string, CommandSeen>;
}

const text = ({ content }: PathSeen): string => content?.toString("utf8") ?? "";
const rowsOf = (file: string): string[][] => file.split("\n").map((line) => line.split(":"));
const sysctlPath = (key: string): string => `/proc/sys/${key.replaceAll(".", "/")}`;

function section(nonce: string, name: string, wanted: Iterable<string>, command: (all: string) => string): string[] {
  const all = [...wanted].map(quote).join(" ");
  return all ? [`printf '%s ${name}\\n' ${nonce}`, command(all)] : [];
}

/** Not the built-in `read`: dash reads a byte at a time, and the kernel gives a number's first byte alone to such a reader. */
const sysctlScript = (all: string): string =>
  `for key in ${all}; do if [ -w "$key" ]; then printf '%s\\n' "$key"; fi; done\ngrep -sH -m 1 '' -- ${all}`;

/** Leaves the files whose contents follow at the end as the positional parameters. */
function pathScript(nonce: string, paths: readonly string[], contents: readonly string[]): string[] {
  const unique = [...new Set(paths)].map(quote).join(" ");
  if (!unique) return ["set --"];
  return [
    `seen=$(stat -c '%F|%a|%U|%G|%s|%n|%N' -- ${unique} 2>/dev/null)`,
    `printf '%s paths\\n%s\\n' ${nonce} "$seen"`,
    "set --",
    `wanted=${quote(`|${contents.join("|")}|`)}`,
    `while IFS='|' read -r type mode owner group size name rest; do`,
    `  case $type in 'regular file') [ "$size" -le ${contentLimit} ] && case $wanted in *"|$name|"*) set -- "$@" "$name" ;; esac ;; esac`,
    `done <<FLEET_SEEN\n$seen\nFLEET_SEEN`,
  ];
}

const fileTypes: Readonly<Record<string, PathSeen["type"]>> = {
  "regular file": "file",
  "regular empty file": "file",
  directory: "directory",
  "symbolic link": "link",
};

function parsePath(line: string): [string, PathSeen] {
  const [type = "", mode = "", owner = "", group = "", size = "0", name = "", full = ""] = line.split("|");
  const target = /' -> '(.*)'$/.exec(full)?.[1] ?? "";
  return [name, { type: fileTypes[type] ?? "other", mode: mode.padStart(4, "0"), owner, group, target, size: Number(size) }];
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

function parseUnits(block: string): Map<string, UnitSeen> {
  const units = new Map<string, UnitSeen>();
  for (const each of block.split(/\n\n+/).filter(Boolean)) {
    const of = Object.fromEntries(each.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    const seen = {
      load: of.LoadState ?? "",
      active: of.ActiveState ?? "",
      enabled: of.UnitFileState ?? "",
      needsReload: of.NeedDaemonReload === "yes",
    };
    for (const name of new Set([of.Id ?? "", ...(of.Names ?? "").split(" ")])) units.set(name, seen);
  }
  return units;
}

function parseAnswers(stdout: Buffer, nonce: string, contents: ReadonlySet<string>, commands: readonly string[]): Answers {
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
  attachContents(paths, contents, stdout.subarray(end + nonce.length + " contents\n".length));
  return {
    paths,
    sums: new Map(lines("sums").map((line) => [line.slice(66), line.slice(0, 64)])),
    packages: new Map(
      lines("packages")
        .map((line) => line.split("|"))
        .filter(([status]) => status?.startsWith("ii") || status?.startsWith("hi"))
        .map(([, name = "", version = ""]) => [name, version]),
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

/** `cat` gave the files one behind the other, in the order of `paths`: their sizes cut them apart. */
function attachContents(paths: Map<string, PathSeen>, contents: ReadonlySet<string>, bytes: Buffer): void {
  let at = 0;
  for (const [name, seen] of paths) {
    if (seen.type !== "file" || seen.size > contentLimit || !contents.has(name)) continue;
    paths.set(name, { ...seen, content: bytes.subarray(at, at + seen.size) });
    at += seen.size;
  }
  if (at !== bytes.length) throw new LookMoved();
}

/** A file grew or shrank between the two halves of the look: look again. */
export class LookMoved extends Error {
  override readonly name = "LookMoved";
  constructor() {
    super("a file changed while it was looked at");
  }
}

function userIn(name: string, passwd: string, group: string, shadow: string): UserSeen | undefined {
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
