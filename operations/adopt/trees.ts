// Which of a server's files become the team's tree, and which of them are the same on all servers.
import { createHash } from "node:crypto";
import { type Guards, isGuardedPath } from "../../spec/guards.ts";
import type { OverlayEntry, OverlayFile } from "../../spec/overlay.ts";
import { FilePath, LinkTarget } from "../../spec/scalars.ts";
import type { ServerFacts, ServerFile } from "./facts.ts";
import { isOpen } from "./parse-files.ts";

/** Why a file stays on its server alone. */
export interface LeftOut {
  readonly path: string;
  readonly why: string;
}

export interface Tree {
  readonly entries: readonly OverlayEntry[];
  readonly left: readonly LeftOut[];
}

/** Programs whose whole configuration a team works in: also what their package brought and nobody changed. */
const whole = ["nginx", "mysql", "my.cnf", "redis", "memcached.conf", "haproxy", "varnish", "postgresql"].map((name) => `/etc/${name}`);
const units = "/etc/systemd/system/";

export function treeOf(facts: ServerFacts, guards: Guards): Tree {
  const judged = facts.files
    .filter((file) => !isGuardedPath(guards, file.path) && matters(file, facts))
    .map((file) => [file, reason(file)] as const);
  return {
    entries: judged.flatMap(([file, why]) => (why === undefined ? [entryOf(file)] : [])),
    left: judged.flatMap(([{ path }, why]) => (why === undefined || why === "" ? [] : [{ path, why }])),
  };
}

/** Not what a package brought as it is, and not what `systemctl enable` and `mask` keep for themselves. */
function matters(file: ServerFile, { shipped }: ServerFacts): boolean {
  const { path, bytes, target } = file;
  if (path.startsWith(units) && target !== undefined)
    return (
      !/\.(?:wants|requires|upholds)\//.test(path) &&
      target !== "/dev/null" &&
      !/^(?:\.\.\/)*\/?(?:usr\/)?lib\/systemd\/system\//.test(target)
    );
  if (whole.some((of) => path === of || path.startsWith(`${of}/`))) return true;
  const md5 = shipped.get(path);
  return md5 === undefined || bytes === undefined || createHash("md5").update(bytes).digest("hex") !== md5;
}

/** `undefined` for a file that is taken, "" for one that nobody misses. */
function reason({ path, bytes, target, size, mode }: ServerFile): string | undefined {
  if (path.includes("zz-fleet") || path.endsWith("/50-fleet.conf")) return "";
  if (!FilePath.safeParse(path).success) return "its name has characters that no stack may hold";
  if (path.endsWith(".tmpl") || path.endsWith("/.gitkeep")) return "its name has a meaning of its own in a stack's files";
  if (target !== undefined) return LinkTarget.safeParse(target).success ? undefined : "its target has characters that no stack may hold";
  // A role of a fleet that is up writes it.
  if (bytes?.subarray(0, 200).includes("Managed by fleet (role")) return "";
  if (bytes) return undefined;
  return isOpen(mode) ? `it has ${size} bytes, more than 1 MiB` : "not for everybody to read: a secret may stand in it";
}

function entryOf({ path, bytes, target, mode }: ServerFile): OverlayEntry {
  if (target !== undefined) return { path, target };
  const text = bytes!.toString("utf8");
  const isText = Buffer.from(text).equals(bytes!);
  return {
    path,
    content: isText ? withoutBlocks(text) : bytes!.toString("base64"),
    ...(!isText && { encoding: "base64" as const }),
    mode: Number.parseInt(mode, 8) & 0o111 ? "0755" : "0644",
  };
}

/** A fleet that is up keeps lines of its own in files of others. */
const withoutBlocks = (text: string): string => text.replace(/^# BEGIN fleet (.*)\n(?:.*\n)*?# END fleet \1\n/gm, "");

export interface Layers {
  readonly common: readonly OverlayEntry[];
  /** By server: what it has beside the common ones, or otherwise. */
  readonly own: Readonly<Record<string, readonly OverlayEntry[]>>;
}

/** What is the same on every server is said once. */
export function layersOf(trees: Readonly<Record<string, readonly OverlayEntry[]>>): Layers {
  const all = Object.values(trees);
  const seen = new Map<string, number>();
  for (const entry of all.flat()) seen.set(keyOf(entry), (seen.get(keyOf(entry)) ?? 0) + 1);
  const isCommon = (entry: OverlayEntry) => seen.get(keyOf(entry)) === all.length;
  return {
    common: (all[0] ?? []).filter(isCommon),
    own: Object.fromEntries(Object.entries(trees).map(([name, entries]) => [name, entries.filter((entry) => !isCommon(entry))])),
  };
}

const keyOf = (entry: OverlayEntry): string =>
  JSON.stringify("target" in entry ? [entry.path, entry.target] : [entry.path, entry.content, entry.encoding, entry.mode, entry.template]);

export const isFile = (entry: OverlayEntry): entry is OverlayFile => "content" in entry;
