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

function settingsIn(file: OverlayFile): Settings {
  return Object.fromEntries(rowsIn(file).filter(([name]) => SysctlKey.safeParse(name).success));
}

/** `net.ipv4.conf.*.rp_filter`: whatever matches on the server, but for what is named. */
const patternsIn = (file: OverlayFile): Settings =>
  Object.fromEntries(rowsIn(file).filter(([name]) => /^[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_*?[\]-]+)+$/.test(name) && /[*?[]/.test(name)));

/** As systemd reads it; what it would skip with a line in the journal is refused, and does not land as if it counted. */
function rowsIn({ path, content }: OverlayFile): readonly (readonly [name: string, value: string])[] {
  return content.split("\n").flatMap((line, at) => {
    if (/^\s*(?:[#;].*)?$/.test(line)) return [];
    const refuse = (expected: string) => new UserError(`files: ${path}:${at + 1}: expected ${expected}, got ${JSON.stringify(line)}`);
    const [, minus = "", key = "", equals, value = ""] = /^\s*(-?)\s*([^\s=]+)\s*(=?)\s*(.*?)\s*$/.exec(line) ?? [];
    if (equals !== "=" && !(minus === "-" && value === "")) throw refuse("`name = value`");
    if (!isName(dotted(key))) throw refuse("the name of a kernel setting (`net.core.somaxconn`) before `=`");
    // `-name` alone takes a name out of what patterns set.
    if (equals !== "=") return [];
    if (value === "" || value.startsWith("=")) throw refuse(`a value after \`${key} =\``);
    return [[dotted(key), value] as const];
  });
}

const isName = (key: string): boolean => /^[a-z][a-z0-9_]*(?:[./][A-Za-z0-9_*?[\]-][A-Za-z0-9_.*?[\]-]*)+$/.test(key);

/** `net/ipv4/conf/eth0.100/rp_filter` names what has dots in it by slashes; such a name has no form with dots. */
const dotted = (key: string): string => (/^[^.]*\//.test(key) && !key.includes(".") ? key.replaceAll("/", ".") : key);

/** As a resource that is looked at live too; \`undefined\` for what is no sysctl file. */
export function sysctlWant(entry: OverlayEntry, all: readonly OverlayEntry[], own: readonly Declared[] = []): Declared | undefined {
  if (!isSysctl(entry)) return undefined;
  const later = sysctlFiles(all).filter(({ path }) => order(path) > order(entry.path));
  const again = new Set(later.flatMap((each) => Object.keys(settingsIn(each))));
  const settings = Object.fromEntries(Object.entries(settingsIn(entry)).filter(([key]) => !again.has(key)));
  const patterns = patternsIn(entry);
  const roles = own
    .filter(({ address }) => address.startsWith("sysctl["))
    .flatMap(({ want: of }) => Object.keys((of as { settings?: Settings }).settings ?? {}));
  const others = sysctlFiles(all)
    .filter((each) => each !== entry)
    .flatMap((each) => Object.keys(settingsIn(each)));
  const elsewhere = [...new Set([...roles, ...others])].sort();
  const name = entry.path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return want.sysctl({
    name,
    path: entry.path,
    settings,
    text: entry.marked ? entry.content : literal(entry.content),
    ...(Object.keys(patterns).length > 0 && { patterns }),
    ...(elsewhere.length > 0 && { elsewhere }),
  });
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
