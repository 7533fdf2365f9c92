// The team's own sysctl files: what each sets that no later one sets again, as systemd reads them at boot, by name.
import { posix } from "node:path";
import type { OverlayEntry, OverlayFile } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import { SysctlKey } from "../../spec/scalars.ts";
import { literal } from "../engine/placeholders.ts";
import { type Declared, want } from "../resources/want.ts";

type Settings = Readonly<Record<string, string>>;

const isSysctl = (entry: OverlayEntry): entry is OverlayFile =>
  "content" in entry &&
  entry.encoding === undefined &&
  (/^\/etc\/sysctl\.d\/[^/]+\.conf$/.test(entry.path) || entry.path === "/etc/sysctl.conf");

/** Debian reads /etc/sysctl.conf through this name. */
const order = (path: string): string => (path === "/etc/sysctl.conf" ? "99-sysctl.conf" : posix.basename(path));

const sysctlFiles = (entries: readonly OverlayEntry[]): readonly OverlayFile[] =>
  entries.filter(isSysctl).sort((a, b) => (order(a.path) < order(b.path) ? -1 : 1));

/** Patterns (`net.ipv4.conf.*.rp_filter`) stay in the file: no single value can be looked at for them. */
function settingsIn({ path, content }: OverlayFile): Settings {
  const rows = content.split("\n").flatMap((line, at) => {
    if (/^\s*(?:[#;].*)?$/.test(line)) return [];
    const [, key = "", value = ""] = /^\s*-?\s*([^\s=]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === "") throw new UserError(`files: ${path}:${at + 1}: expected \`name = value\`, got ${JSON.stringify(line)}`);
    const name = dotted(key);
    return SysctlKey.safeParse(name).success && value !== "" ? [[name, value] as const] : [];
  });
  return Object.fromEntries(rows);
}

/** `net/ipv4/conf/eth0.100/rp_filter` names what has dots in it by slashes; such a name has no form with dots. */
const dotted = (key: string): string => (/^[^.]*\//.test(key) && !key.includes(".") ? key.replaceAll("/", ".") : key);

/** As a resource that is looked at live too; \`undefined\` for what is no sysctl file. */
export function sysctlWant(entry: OverlayEntry, all: readonly OverlayEntry[]): Declared | undefined {
  if (!isSysctl(entry)) return undefined;
  const later = sysctlFiles(all).filter(({ path }) => order(path) > order(entry.path));
  const again = new Set(later.flatMap((each) => Object.keys(settingsIn(each))));
  const settings = Object.fromEntries(Object.entries(settingsIn(entry)).filter(([key]) => !again.has(key)));
  const name = entry.path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return want.sysctl({ name, path: entry.path, settings, text: entry.marked ? entry.content : literal(entry.content) });
}

/** A role's settings without those that the team's files make; nothing where none is left. */
export function withoutTheirs(declared: Declared, all: readonly OverlayEntry[]): readonly Declared[] {
  if (!declared.address.startsWith("sysctl[")) return [declared];
  const theirs = new Set(sysctlFiles(all).flatMap((each) => Object.keys(settingsIn(each))));
  const own = Object.entries((declared.want as unknown as { settings: Settings }).settings);
  const settings = Object.fromEntries(own.filter(([key]) => !theirs.has(key)));
  if (Object.keys(settings).length === own.length) return [declared];
  return Object.keys(settings).length === 0 ? [] : [{ ...declared, want: { ...declared.want, settings } as Declared["want"] }];
}
