// What is laid where somebody reads a folder of files, and would not be read: by its name, its mode, or the ends of its lines.
import { posix } from "node:path";
import type { OverlayEntry } from "../../spec/overlay.ts";
import type { Facts } from "../engine/facts.ts";

interface Folder {
  readonly path: RegExp;
  readonly reader: string;
  readonly names: RegExp;
  /** What its names must be. */
  readonly must: string;
  /** It runs them. @default false */
  readonly runs?: boolean;
  /** By names only on Debian and its kin: cronie takes nearly all. @default false */
  readonly debian?: boolean;
}

const ending = (path: RegExp, reader: string, ...suffixes: readonly string[]): Folder => ({
  ...{ path, reader, must: suffixes.map((each) => `\`${each}\``).join(" or ") },
  names: new RegExp(`(?:${suffixes.map((each) => each.replace(".", "\\.")).join("|")})$`),
});

const plain = { names: /^[A-Za-z0-9_-]+$/, must: "letters, digits, `_` and `-` alone", debian: true } as const;

const readFolders: readonly Folder[] = [
  { path: /^\/etc\/cron\.d$/, reader: "cron", ...plain },
  { path: /^\/etc\/cron\.(?:hourly|daily|weekly|monthly)$/, reader: "cron", ...plain, runs: true },
  { path: /^\/etc\/sudoers\.d$/, reader: "sudo", names: /^[^.]*[^.~]$/, must: "names without a dot" },
  ending(/^\/etc\/security\/limits\.d$/, "PAM", ".conf"),
  ending(/^\/etc\/(?:sysctl|modules-load|modprobe|tmpfiles|sysusers|binfmt)\.d$/, "systemd", ".conf"),
  ending(/^\/etc\/systemd\/(?:[^/]+\/)?[^/]+\.(?:conf|service|socket|timer|mount|slice|target)\.d$/, "systemd", ".conf"),
  ending(/^\/etc\/udev\/rules\.d$/, "udev", ".rules"),
  ending(/^\/etc\/ssh\/sshd?_config\.d$/, "ssh", ".conf"),
  ending(/^\/etc\/apt\/sources\.list\.d$/, "apt", ".list", ".sources"),
  ending(/^\/etc\/mysql\/(?:[a-z]+\.)?conf\.d$/, "the server", ".cnf"),
  ending(/^\/etc\/php\/[^/]+\/[^/]+\/conf\.d$/, "php", ".ini"),
  ending(/^\/etc\/php\/[^/]+\/fpm\/pool\.d$/, "php-fpm", ".conf"),
  ending(/^\/etc\/nginx\/conf\.d$/, "nginx", ".conf"),
  ending(/^\/etc\/rsyslog\.d$/, "rsyslog", ".conf"),
];

/** Put there to be read by people, or switched off on purpose. */
const meant = /^README|^\.|\.(?:md|txt|bak|off|disabled|example|sample|dpkg-[a-z]+)$/i;

/** What reads these takes a carriage return for a part of the last word of its line. */
const byLine = /^\/etc\/(?!.*\.(?:pem|crt|key|html?|csv)$)|env[^/]*$|\.service$|\.sh$/i;

/** A sentence for each that has one. */
export function unread(entries: readonly OverlayEntry[], on: Partial<Pick<Facts, "packageManager">> = {}): readonly string[] {
  return entries.flatMap((entry) => [...byName(entry, entries, on), ...byEnds(entry)]);
}

/** Another file of the team's may read it: `include conf.d/common.inc`, or `conf.d/*.inc`. */
function isNamed({ path }: OverlayEntry, entries: readonly OverlayEntry[]): boolean {
  const names = [posix.basename(path), ...(posix.extname(path) ? [`*${posix.extname(path)}`] : [])];
  const words = names.map((name) => `${posix.basename(posix.dirname(path))}/${name}`);
  return entries.some((each) => each.path !== path && "content" in each && words.some((word) => each.content.includes(word)));
}

function byName(
  entry: OverlayEntry,
  entries: readonly OverlayEntry[],
  { packageManager }: Partial<Pick<Facts, "packageManager">>,
): readonly string[] {
  const [folder, name] = [posix.dirname(entry.path), posix.basename(entry.path)];
  const of = readFolders.find(({ path }) => path.test(folder));
  if (!of || meant.test(name)) return [];
  if (!of.names.test(name) && !(of.debian && packageManager === "dnf"))
    return !of.runs && isNamed(entry, entries)
      ? []
      : [`the team's \`${entry.path}\` is read by nobody: ${of.reader} takes ${of.must} there`];
  const mode = "content" in entry ? (entry.rule?.mode ?? entry.mode) : "0755";
  return of.runs && (Number.parseInt(mode, 8) & 0o100) === 0
    ? [`the team's \`${entry.path}\` is run by nobody: ${of.reader} takes executable files there; \`chmod +x\` it in the tree`]
    : [];
}

function byEnds(entry: OverlayEntry): readonly string[] {
  if (!("content" in entry) || entry.encoding || !byLine.test(entry.path) || !entry.content.includes("\r\n")) return [];
  return [
    `the team's \`${entry.path}\` ends its lines with carriage returns (CRLF): most programs take them for a part of the last word; \`sed -i 's/\\r$//'\` takes them out`,
  ];
}
