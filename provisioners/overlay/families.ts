// Files of which a program reads many, and of two that set one thing takes one alone. The one place that says how each such family reads:
// what the team's own files set, a role's file leaves out, so that the team's counts whatever the files are called.
import type { OverlayEntry, OverlayFile } from "../../spec/overlay.ts";
import type { Declared } from "../resources/want.ts";

export interface Family {
  readonly name: string;
  /** Which of two files that set one thing counts; what of the server's own loses to a role's, and how a role's must be called. */
  readonly wins: "first" | "last";
  /** Its files; what the groups hold must be equal in files that are read together. */
  readonly files: RegExp;
  /** What begins a comment. @default # */
  readonly comment?: string;
  /** By line: what it sets. Lines that set nothing, or add to what others set, have none. */
  keys(text: string): readonly (string | undefined)[];
}

const trimmed = (text: string): readonly string[] => text.split("\n").map((line) => line.trim());

/** `[section]`, `name = value`; `key` undefined for what does not count. */
const iniKeys = (text: string, comment: RegExp, key: (section: string, name: string) => string | undefined) => {
  let section = "";
  return trimmed(text).map((line) => {
    const head = /^\[([^\]]*)\]/.exec(line)?.[1];
    if (head !== undefined) section = head.trim();
    const name = head === undefined && !comment.test(line) ? /^([^=\s]+)\s*(?:=|$)/.exec(line)?.[1] : undefined;
    return name === undefined ? undefined : key(section, name);
  });
};

/** Groups that a server reads, whichever it is: an option of one is an option of all. */
const serverGroup = /^(?:mysqld|server|mariadb|mariadbd)(?:-[\d.]+)?$/;

const option = (section: string, name: string): string =>
  `${serverGroup.test(section) ? "mysqld" : section}.${name
    .toLowerCase()
    .replaceAll("-", "_")
    .replace(/^loose_/, "")}`;

/** Of these each line adds to the others. */
const adds =
  /^(?:Environment|EnvironmentFile|PassEnvironment|After|Before|Wants|Requires|BindsTo|Conflicts|Documentation|RequiresMountsFor|\w*Paths|\w*Directory|SystemCallFilter|Condition\w+|Assert\w+)$/;

/** `sshd_config` counts a keyword without its case; what stands in a Match is another matter. */
function sshdKeys(text: string): readonly (string | undefined)[] {
  let matching = false;
  return trimmed(text).map((line) => {
    const word = /^([A-Za-z]+)[\s=]/.exec(line)?.[1]?.toLowerCase();
    matching ||= word === "match";
    return matching || ["include", "setenv", "acceptenv", "port", "listenaddress", "hostkey", "subsystem"].includes(word ?? "include")
      ? undefined
      : word;
  });
}

export const families: readonly Family[] = [
  { name: "mysql", wins: "last", files: /^\/etc\/(?:my|mysql\/(?:[^/]+\/)*[^/]+)\.cnf$/, keys: (text) => iniKeys(text, /^[#;!]/, option) },
  {
    name: "php",
    comment: ";",
    wins: "last",
    files: /^\/etc\/php\/([^/]+)\/([^/]+)\/(?:php|conf\.d\/[^/]+)\.ini$/,
    keys: (text) => iniKeys(text, /^[;#]|^(?:zend_)?extension\b/, (_section, name) => name),
  },
  {
    name: "units",
    wins: "last",
    files: /^\/etc\/systemd\/system\/([^/]+\.[a-z]+?)(?:\.d\/[^/]+\.conf)?$/,
    keys: (text) => iniKeys(text, /^[#;]/, (section, name) => (adds.test(name) ? undefined : `${section}.${name}`)),
  },
  { name: "sshd", wins: "first", files: /^\/etc\/ssh\/sshd_config(?:\.d\/[^/]+\.conf)?$/, keys: sshdKeys },
  {
    name: "sudoers",
    wins: "last",
    files: /^\/etc\/sudoers(?:\.d\/[^/.~]+)?$/,
    keys: (text) =>
      trimmed(text).map((line) => (/^(?:Defaults|\w+_Alias)\b/.test(line) ? undefined : /^(%?[\w.-]+)\s+\S+\s*=/.exec(line)?.[1])),
  },
  {
    name: "limits",
    wins: "last",
    files: /^\/etc\/security\/limits(?:\.d\/[^/]+)?\.conf$/,
    keys: (text) => trimmed(text).map((line) => /^([^#\s]\S*\s+(?:soft|hard|-)\s+\w+)\s+\S/.exec(line)?.[1]?.replace(/\s+/g, " ")),
  },
];

/** The family of a path, and the word for what is read together with it. */
function placeOf(path: string): { readonly family: Family; readonly group: string } | undefined {
  for (const family of families) {
    const found = family.files.exec(path);
    if (found) return { family, group: found.slice(1).join("/") };
  }
  return undefined;
}

const isText = (entry: OverlayEntry): entry is OverlayFile => "content" in entry && entry.encoding === undefined;

/** What the team's own files of the same family set: the key, and the file that does. */
function theirsAt(path: string, all: readonly OverlayEntry[]): ReadonlyMap<string, string> {
  const place = placeOf(path);
  if (!place) return new Map();
  const files = all.filter(
    (entry) => isText(entry) && placeOf(entry.path)?.family === place.family && placeOf(entry.path)?.group === place.group,
  );
  return new Map(
    files
      .filter(isText)
      .flatMap((entry) => place.family.keys(entry.content).flatMap((key) => (key === undefined ? [] : [[key, entry.path]]))),
  );
}

export interface Yielded {
  readonly declared: Declared;
  /** What is left out, and for which file of the team's. */
  readonly left: readonly { readonly key: string; readonly file: string }[];
}

/** A role's own file without what the team's files set. */
export function yielding(declared: Declared, path: string | undefined, all: readonly OverlayEntry[]): Yielded {
  const theirs = path === undefined ? undefined : theirsAt(path, all);
  if (!theirs?.size) return { declared, left: [] };
  const { limits, content, encoding } = declared.want as unknown as Record<string, unknown>;
  if (limits !== undefined) return yieldingLimits(declared, limits as Limits, theirs);
  if (typeof content !== "string" || encoding !== undefined) return { declared, left: [] };
  const keys = placeOf(path!)!.family.keys(content);
  const left = [...new Set(keys)].flatMap((key) => (key !== undefined && theirs.has(key) ? [{ key, file: theirs.get(key)! }] : []));
  if (left.length === 0) return { declared, left };
  const { comment = "#" } = placeOf(path!)!.family;
  // In its place, so that a preview and whoever reads the file on the server learn of it.
  const told = (line: string, key: string | undefined) =>
    key !== undefined && theirs.has(key) ? `${comment} ${line.trim().split(/[\s=]/)[0]}: ${theirs.get(key)} says it` : line;
  const kept = content.split("\n").map((line, at) => told(line, keys[at]));
  return { declared: { ...declared, want: { ...declared.want, content: kept.join("\n") } as Declared["want"] }, left };
}

type Limits = Readonly<Record<string, number | "unlimited">>;

/** `-` is both, of which the team may have said one. */
function yieldingLimits(declared: Declared, limits: Limits, theirs: ReadonlyMap<string, string>): Yielded {
  const left: { key: string; file: string }[] = [];
  const kept = Object.entries(limits).flatMap(([limit, value]) => {
    const [who, which, item] = limit.split(" ") as [string, string, string];
    const halves = (which === "-" ? ["soft", "hard"] : [which]).map((half) => ({
      half,
      file: theirs.get(`${who} ${half} ${item}`) ?? theirs.get(`${who} - ${item}`),
    }));
    for (const { half, file } of halves) if (file !== undefined) left.push({ key: `${who} ${half} ${item}`, file });
    const open = halves.filter(({ file }) => file === undefined);
    return open.length === halves.length ? [[limit, value] as const] : open.map(({ half }) => [`${who} ${half} ${item}`, value] as const);
  });
  return { declared: { ...declared, want: { ...declared.want, limits: Object.fromEntries(kept) } as Declared["want"] }, left };
}
