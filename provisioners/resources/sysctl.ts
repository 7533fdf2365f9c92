// Kernel settings: one file that brings them back at boot, and their live values. What this kernel does not let a server set is told, not done.

import { z } from "zod";
import { counted } from "../../spec/counted.ts";
import { FilePath, Line, OwnName, SysctlKey } from "../../spec/scalars.ts";
import type { Look, PathSeen, SysctlSeen } from "../engine/probe.ts";
import { type Command, lines, sh } from "../engine/shell-quote.ts";
import { attributeSteps } from "./attributes.ts";
import { rootFile, writeRootFile } from "./file.ts";
import { common, defineKind, type Kept, missing, type Step } from "./kind.ts";
import { undoPath } from "./undo-path.ts";

const SysctlPattern = z.string().regex(/^[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_*?[\]-]+)+$/, { error: "expected a sysctl name with `*`" });

export const SysctlWant = z.strictObject({
  ...common,
  /** Tells the sets of settings of one server apart. */
  name: OwnName,
  settings: z.record(SysctlKey, z.union([z.int().transform(String), Line.min(1)])),
  /** The default comes after Debian's `99-sysctl.conf`, which would win otherwise. @default `/etc/sysctl.d/99-zz-fleet-NAME.conf` */
  path: FilePath.optional(),
  /** The file word for word, where somebody wrote it; `settings` are those of it that count. What the kernel refuses does not land. */
  text: z.string().optional(),
  /** `{"net.ipv4.conf.*.rp_filter": "1"}`: whatever matches, but for what `settings` names. */
  patterns: z.record(SysctlPattern, Line.min(1)).optional(),
  /** Names that others set: taken out of the file, they are theirs. */
  elsewhere: z.array(SysctlKey).readonly().optional(),
});
export type SysctlWant = z.infer<typeof SysctlWant>;

/** The file, and the live values. */
export interface SysctlHave extends PathSeen {
  readonly live: Readonly<Record<string, SysctlSeen>>;
  /** By pattern. */
  readonly matches?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Settings that a file which is read later says otherwise. */
  readonly later?: Readonly<Record<string, { readonly file: string; readonly value: string }>>;
}

/** With what its patterns match on this server. */
function whole<Want extends Kept<SysctlWant>>(want: Want, { matches = {} }: Kept<SysctlHave>): Want {
  const matched = Object.entries(want.patterns ?? {}).flatMap(([pattern, value]) =>
    (matches[pattern] ?? []).map((key) => [key, value] as const),
  );
  return matched.length === 0 ? want : { ...want, settings: { ...Object.fromEntries(matched), ...want.settings } };
}

const fileOf = (key: string): string => `/proc/sys/${key.replaceAll(".", "/")}`;

/** The names, and their values; not of an interface with a dot in its name, which has no name with dots. */
function askPattern(pattern: string, look: Look): () => Readonly<Record<string, SysctlSeen>> {
  const file = fileOf(pattern).replace(/[^A-Za-z0-9_/*?[\]-]/g, "");
  const answer = look.command({
    text: `for each in ${file}; do
  [ -f "$each" ] || continue
  key=\${each#/proc/sys/}
  case $key in *.*) continue ;; esac
  if [ -w "$each" ]; then writable=1; else writable=0; fi
  printf '%s %s %s\n' "$(printf '%s' "$key" | tr / .)" "$writable" "$(tr -s '[:space:]' ' ' < "$each")"
done`,
    masked: `look at ${pattern}`,
  });
  return () => {
    const rows = answer().stdout.split("\n").filter(Boolean);
    return Object.fromEntries(
      rows.map((row) => {
        const [key = "", writable, ...value] = row.split(" ");
        return [key, { value: normal(value.join(" ")), writable: writable === "1" }];
      }),
    );
  };
}

/** Debian's `99-sysctl.conf` is a link to it. */
const nameAtBoot = (path: string): string => (path === "/etc/sysctl.conf" ? "99-sysctl.conf" : nameOf(path));
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/**
 * What the files say of these settings that systemd reads after this one at a boot: by name, whichever folder they lie in, and of one name the
 * first folder's. Prints the setting, the file's own name, the file that it leads to and the value, a tab between. One process where they say nothing.
 */
const saidLater = (path: string, keys: readonly string[]): Command => sh`set --
seen=/
for each in /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf; do
  name=\${each##*/}
  [ "$name" \\> ${nameAtBoot(path)} ] || continue
  case $seen in *"/$name/"*) continue ;; esac
  if [ -f "$each" ] && [ -r "$each" ]; then set -- "$@" "$each"; elif [ ! -L "$each" ]; then continue; fi
  seen=$seen$name/
done
[ "$#" != 0 ] || exit 0
said=$(awk -F = -v wanted=${` ${keys.join(" ")} `} '/^[[:space:]]*[^#;[:space:]]/ && NF > 1 {
  key = $1; gsub(/^[[:space:]]*-?[[:space:]]*|[[:space:]]*$/, "", key); if (key !~ /^[^.]*\\./) gsub("/", ".", key)
  value = substr($0, index($0, "=") + 1); gsub(/^[[:space:]]+|[[:space:]]+$/, "", value)
  if (index(wanted, " " key " ")) print key "\\t" FILENAME "\\t" value
}' "$@")
[ -n "$said" ] || exit 0
printf '%s\\n' "$said" | while IFS='\t' read -r key file value; do printf '%s\\t%s\\t%s\\t%s\\n' "$key" "\${file##*/}" "$(readlink -f -- "$file")" "$value"; done`;

function askLater(want: Kept<SysctlWant>, look: Look): () => SysctlHave["later"] {
  const answer = look.command(saidLater(pathOf(want), Object.keys(want.settings)));
  return () => {
    const rows = answer()
      .stdout.split("\n")
      .filter(Boolean)
      .map((row) => row.split("\t"))
      .sort(([, a = ""], [, b = ""]) => (a < b ? -1 : Number(a > b)));
    const said = rows.map(([key = "", , file = "", ...value]) => [key, { file, value: normal(value.join(" ")) }] as const);
    const other = [...new Map(said)].filter(([key, { file, value }]) => file !== pathOf(want) && value !== normal(want.settings[key]!));
    return other.length > 0 ? Object.fromEntries(other) : undefined;
  };
}

const pathOf = ({ name, path }: Pick<SysctlWant, "name" | "path">): string => path ?? `/etc/sysctl.d/99-zz-fleet-${name}.conf`;
const normal = (value: string): string => value.trim().replace(/\s+/g, " ");

/** Sorted, since a map that went through the engine has no order. */
const settingsOf = ({ settings }: SysctlWant): [string, string][] =>
  Object.entries(settings)
    .map(([key, value]): [string, string] => [key, normal(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Why a setting can't be made on this server. */
function refusal(key: string, { live }: SysctlHave): string | undefined {
  const { value, writable } = live[key] ?? { value: missing, writable: false };
  if (value === missing) return `\`${key}\`: this kernel, or this container, has no such setting; its module may have to be loaded first`;
  return writable ? undefined : `\`${key}\`: belongs to the host's kernel, which a container may not set; it is \`${value}\` there`;
}

const applicable = (want: SysctlWant, have: SysctlHave): [string, string][] =>
  settingsOf(want).filter(([key]) => refusal(key, have) === undefined);

/** What a file sets; a line that is no setting shows as one without a value. */
function settingsIn(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => /^\s*[^\s#;]/.test(line));
  return Object.fromEntries(lines.map((line) => [normal(line.split("=")[0]!), normal(line.split("=").slice(1).join("="))]));
}

/** A `-` before a name: it may be missing. */
const mayBeMissing = ({ text = "" }: SysctlWant): ReadonlySet<string> =>
  new Set(Object.keys(settingsIn(text)).flatMap((name) => (name.startsWith("-") ? [named(name)] : [])));
const named = (name: string): string => name.replace(/^-\s*/, "").replace(/^([^.]*)$/, (plain) => plain.replaceAll("/", "."));

/** What the file on the server sets and no one does any more. */
function droppedFrom(want: SysctlWant, have: SysctlHave): readonly string[] {
  const kept = new Set([...Object.keys(settingsIn(want.text ?? "")).map(named), ...(want.elsewhere ?? [])]);
  return Object.keys(inFile(have))
    .map(named)
    .filter((name) => !kept.has(name) && isName(name));
}

const inFile = ({ content }: SysctlHave): Record<string, string> => settingsIn(content?.toString("utf8") ?? "");

/**
 * What is live before a first change, or goes with the next boot since the file no longer says it: it comes back with the undo. Where another set of
 * this server keeps the name already, that is the older word: after a boot in between, what is live is the kernel's own.
 */
function keepLive(names: readonly string[]): Command {
  const known = names.filter((name) => !/[*?[]/.test(name));
  if (known.length === 0) return sh`:`;
  return sh`kept="$state/originals/$key.live"
for name in ${known}; do
  file=/proc/sys/$(printf '%s' "$name" | tr . /)
  if [ ! -r "$file" ] || grep -sq "^$name " "$kept"; then continue; fi
  { grep -sh "^$name " "\${state%/*}"/*/originals/*.live || printf '%s %s\\n' "$name" "$(tr -s '[:space:]' ' ' < "$file")"; } | head -n 1 >> "$kept"
done`;
}

/**
 * Without `sysctl`, which a small image lacks. The kernel may round or clamp: what it took is read again. Where nobody has looked before, the
 * server itself finds out whether the setting applies to it.
 */
const setLive = (key: string, value: string): Command => sh`if [ ! -w ${`/proc/sys/${key.replaceAll(".", "/")}`} ]; then
  printf 'not applicable: this kernel, or this container, does not let %s be set\\n' ${key}
  exit 0
fi
${keepLive([key])}
printf '%s\\n' ${value} > ${`/proc/sys/${key.replaceAll(".", "/")}`}
took=$(tr -s '[:space:]' ' ' < ${`/proc/sys/${key.replaceAll(".", "/")}`})
if [ "\${took% }" != ${value} ]; then
  printf 'expected the kernel to take %s for %s, got %s; want that value instead\\n' ${value} ${key} "\${took% }"
  exit 1
fi`;

/** Of a file that somebody may have edited: what is no name is none of ours. */
const isName = (key: string): boolean => /^[a-z][\w.*?[\]-]*$/.test(key);
function casePattern(keys: readonly string[] | undefined): Command {
  const names = keys?.filter(isName) ?? ["*"];
  const text = names.length > 0 ? names.join("|") : "''";
  return { text, masked: text };
}

/** What was live before the first change of each setting is kept beside the originals: a preset that follows another brings others along. */
const liveBack = (keys?: readonly string[]): Command => sh`kept="$state/originals/$key.live"
if [ -e "$kept" ]; then
  while read -r name value; do
    case $name in ${casePattern(keys)}) ;; *) continue ;; esac
    file=/proc/sys/$(printf '%s' "$name" | tr . /)
    if [ -w "$file" ]; then printf '%s\\n' "\${value% }" > "$file"; fi
  done < "$kept"
fi`;

/** All live or none, then the file. A name that is not there is a mistake, but in a container, which has not all of its host's. */
function landText(want: SysctlWant, have: SysctlHave): Command {
  const unknown = unknownIn(want, have);
  const known =
    unknown.length === 0
      ? sh``
      : sh`if systemd-detect-virt -q --container; then
  tell note ${`${unknown.join(", ")}: this container's kernel has no such name; is it spelt right? Nothing is set for it`}
fi
systemd-detect-virt -q --container ||
  { printf 'expected names that this kernel has, got %s; a \`-\` before a name lets it be missing\n' ${unknown.join(", ")}; exit 1; }
`;
  const changed = applicable(want, have).filter(([key, value]) => have.live[key]?.value !== value);
  const sets = changed.map(
    ([key, value]) => sh`( ${setLive(key, value)}
) || exit 1
`,
  );
  const back = changed.map(
    ([key]) => sh`printf '%s\n' ${have.live[key]!.value} > ${`/proc/sys/${key.replaceAll(".", "/")}`} || :
`,
  );
  const dropped = droppedFrom(want, have);
  const write = lines([writeRootFile(pathOf(want), want.text ?? ""), ...(dropped.length > 0 ? [liveBack(dropped)] : [])]);
  return lines([
    keepLive(dropped),
    known,
    sh`if ! (
${lines(sets)}
:
); then
${lines(back)}
exit 1
fi`,
    write,
  ]);
}

const unknownIn = (want: SysctlWant, { live }: SysctlHave): readonly string[] =>
  Object.keys(want.settings)
    .filter((key) => live[key]?.value === missing && !mayBeMissing(want).has(key))
    .sort();

function textSteps(want: SysctlWant, have: SysctlHave, again: boolean): Step[] {
  const live = applicable(want, have).filter(([key, value]) => again || have.live[key]?.value !== value);
  if (have.type === "file" && have.content?.toString("utf8") === want.text)
    return [
      ...attributeSteps({ path: pathOf(want), ...rootFile }, have),
      ...live.map(([key, value]) => liveStep(key, have.live[key]!.value, value)),
    ];
  const said = live.map(([key, value]) => `live \`${key}\` \`${have.live[key]!.value}\` → \`${value}\``);
  const dropped = droppedFrom(want, have).map((key) => `drop \`${key}\`, back to what was live before`);
  const unknown = unknownIn(want, have).map((key) => `\`${key}\` is no name that this kernel has`);
  const change = [have.type === missing ? "create the file" : "change the file", ...said, ...dropped, ...unknown].join(", ");
  return [{ change, property: "text", run: landText(want, have) }];
}

/** With the values that count, as they are live. */
function seenText(want: SysctlWant, have: SysctlHave): SysctlWant {
  const live = settingsOf(want).map(([key, value]) => {
    const now = have.live[key]?.value;
    return [key, refusal(key, have) !== undefined || now === value ? want.settings[key]! : now!] as const;
  });
  const patterns = Object.entries(want.patterns ?? {}).map(([pattern, value]) => {
    const others = (have.matches?.[pattern] ?? []).filter((key) => !(key in want.settings) && refusal(key, have) === undefined);
    return [pattern, others.map((key) => have.live[key]!.value).find((now) => now !== normal(value)) ?? value] as const;
  });
  const text = have.content?.toString("utf8") ?? "";
  return { ...want, text, settings: Object.fromEntries(live), ...(want.patterns && { patterns: Object.fromEntries(patterns) }) };
}

function fileStep(want: SysctlWant, have: SysctlHave): Step | undefined {
  const [next, now] = [applicable(want, have), inFile(have)];
  const changed = next.filter(([key, value]) => now[key] !== value).map(([key, value]) => `\`${key}\` = \`${value}\``);
  const gone = Object.keys(now).filter((key) => !next.some(([each]) => each === key));
  const dropped = gone.map((key) => `drop \`${key}\`, back to what was live before`);
  if (have.type === "file" && changed.length + dropped.length === 0) return undefined;
  const text = next.map(([key, value]) => `${key} = ${value}\n`).join("");
  const change =
    have.type === missing
      ? `create the file with ${counted(next.length, "setting")}`
      : `in the file: ${[...changed, ...dropped].join(", ")}`;
  const land = writeRootFile(pathOf(want), text);
  return { change, property: "settings", run: gone.length > 0 ? lines([keepLive(gone.filter(isName)), land, liveBack(gone)]) : land };
}

export const sysctl = defineKind<SysctlWant, SysctlHave>({
  kind: "sysctl",
  rank: 110,
  schema: SysctlWant,
  address: ({ name }) => `sysctl[${name}]`,
  touches: (want) => ({ paths: [pathOf(want)] }),
  path: pathOf,
  standing: (have) => have,
  read(want, look, undo) {
    const file = look.path(pathOf(want), { content: true });
    const live = Object.keys(want.settings).map((key) => [key, look.sysctl(key)] as const);
    const matched = Object.keys(want.patterns ?? {}).map((pattern) => [pattern, askPattern(pattern, look)] as const);
    const later = undo ? () => undefined : askLater(want, look);
    return () => {
      const overruled = later();
      const found = matched.map(([pattern, answer]) => [pattern, answer()] as const);
      const named = Object.fromEntries(live.map(([key, answer]) => [key, answer()]));
      return {
        ...file(),
        ...(overruled && { later: overruled }),
        live: Object.assign({}, ...found.map(([, values]) => values), named) as SysctlHave["live"],
        ...(found.length > 0 && { matches: Object.fromEntries(found.map(([pattern, values]) => [pattern, Object.keys(values)])) }),
      };
    };
  },
  plan(given, have, { gone, changed }) {
    const want = whole(given, have);
    // What others of this run give back may be what this one sets, to the same value.
    const again = [...gone, ...changed].some((address) => address.startsWith("sysctl["));
    if (want.text !== undefined) return textSteps(want, have, again);
    const land = fileStep(want, have);
    const steps = land ? [land] : attributeSteps({ path: pathOf(want), ...rootFile }, have);
    const live = applicable(want, have).filter(([key, value]) => again || have.live[key]?.value !== value);
    return [...steps, ...live.map(([key, value]) => liveStep(key, have.live[key]!.value, value))];
  },
  seen(want, have) {
    if (have.type !== "file") return undefined;
    if (want.text !== undefined) return seenText(want, have);
    const now = inFile(have);
    const ours = settingsOf(want).flatMap(([key, value]): [string, string][] => {
      const wanted = want.settings[key]!;
      if (refusal(key, have) !== undefined) return [[key, wanted]];
      const live = have.live[key]!.value;
      const told = live === value ? now[key] : live;
      return told === undefined ? [] : [[key, told === value ? wanted : told]];
    });
    const others = Object.entries(now).filter(([key]) => !(key in want.settings));
    return { ...want, settings: Object.fromEntries([...ours, ...others]) };
  },
  undo(want, original, have) {
    const back = Object.entries(original.live).filter(
      ([key, { value }]) => value !== missing && have.live[key]?.writable && have.live[key].value !== value,
    );
    return [
      ...undoPath("file", pathOf(want), original, have),
      ...back.map(([key, { value }]) => liveStep(key, have.live[key]!.value, value)),
      { change: "live settings back to what they were", property: "settings", run: sh`${liveBack()}\nrm -f -- "$kept"` },
    ];
  },
  notApplicable(want, have) {
    // Its file is somebody's own, and lands whatever of it applies.
    if (want.text !== undefined) return undefined;
    if (Object.keys(want.settings).length === 0 || applicable(want, have).length > 0) return undefined;
    return settingsOf(want)
      .map(([key]) => refusal(key, have))
      .join("; ");
  },
  notes: (want, have) => [
    ...settingsOf(want).flatMap(([key]) => refusal(key, have) ?? []),
    ...Object.entries(have.later ?? {}).map(
      ([key, { file, value }]) => `\`${key}\`: ${file} is read later and says \`${value}\`, which counts from the next boot on`,
    ),
  ],
});

const liveStep = (key: string, from: string, to: string): Step => ({
  change: from === to ? `live \`${key}\` stays \`${to}\`, whatever of others goes back` : `live \`${key}\` \`${from}\` → \`${to}\``,
  property: `settings["${key}"]`,
  run: setLive(key, to),
});
