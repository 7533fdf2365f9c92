// Kernel settings: one file that brings them back at boot, and their live values. What this kernel does not let a server set is told, not done.
import { z } from "zod";
import { AbsolutePath, Line, OwnName, SysctlKey } from "../../spec/scalars.ts";
import type { PathSeen, SysctlSeen } from "../engine/probe.ts";
import { type Command, sh } from "../engine/shell-quote.ts";
import { attributeSteps, rootFile, writeRootFile } from "./file.ts";
import { common, defineKind, missing, type Step } from "./kind.ts";
import { undoPath } from "./undo-path.ts";

export const SysctlWant = z.strictObject({
  ...common,
  /** Tells the sets of settings of one server apart. */
  name: OwnName,
  settings: z.record(SysctlKey, z.union([z.int().transform(String), Line.min(1)])),
  /** The default comes after Debian's `99-sysctl.conf`, which would win otherwise. @default `/etc/sysctl.d/99-zz-fleet-NAME.conf` */
  path: AbsolutePath.optional(),
});
export type SysctlWant = z.infer<typeof SysctlWant>;

/** The file, and the live values. */
export interface SysctlHave extends PathSeen {
  readonly live: Readonly<Record<string, SysctlSeen>>;
}

const pathOf = ({ name, path }: SysctlWant): string => path ?? `/etc/sysctl.d/99-zz-fleet-${name}.conf`;
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

const inFile = ({ content }: SysctlHave): Record<string, string> => settingsIn(content?.toString("utf8") ?? "");

/**
 * Without `sysctl`, which a small image lacks. The kernel may round or clamp: what it took is read again. Where nobody has looked before, the
 * server itself finds out whether the setting applies to it.
 */
const setLive = (key: string, value: string): Command => sh`if [ ! -w ${`/proc/sys/${key.replaceAll(".", "/")}`} ]; then
  printf 'not applicable: this kernel, or this container, does not let %s be set\\n' ${key}
  exit 0
fi
printf '%s\\n' ${value} > ${`/proc/sys/${key.replaceAll(".", "/")}`}
took=$(tr -s '[:space:]' ' ' < ${`/proc/sys/${key.replaceAll(".", "/")}`})
if [ "\${took% }" != ${value} ]; then
  printf 'expected the kernel to take %s for %s, got %s; want that value instead\\n' ${value} ${key} "\${took% }"
  exit 1
fi`;

function fileStep(want: SysctlWant, have: SysctlHave): Step | undefined {
  const [next, now] = [applicable(want, have), inFile(have)];
  const changed = next.filter(([key, value]) => now[key] !== value).map(([key, value]) => `\`${key}\` = \`${value}\``);
  const dropped = Object.keys(now)
    .filter((key) => !next.some(([each]) => each === key))
    .map((key) => `drop \`${key}\` (a live value stays until a reboot)`);
  if (have.type === "file" && changed.length + dropped.length === 0) return undefined;
  const text = next.map(([key, value]) => `${key} = ${value}\n`).join("");
  const change =
    have.type === missing ? `create the file with ${next.length} settings` : `in the file: ${[...changed, ...dropped].join(", ")}`;
  return { change, property: "settings", run: writeRootFile(pathOf(want), text) };
}

export const sysctl = defineKind<SysctlWant, SysctlHave>({
  kind: "sysctl",
  schema: SysctlWant,
  address: ({ name }) => `sysctl[${name}]`,
  touches: (want) => ({ paths: [pathOf(want)] }),
  path: pathOf,
  read(want, look) {
    const file = look.path(pathOf(want), { content: true });
    const live = Object.keys(want.settings).map((key) => [key, look.sysctl(key)] as const);
    return () => ({ ...file(), live: Object.fromEntries(live.map(([key, answer]) => [key, answer()])) });
  },
  plan(want, have) {
    const land = fileStep(want, have);
    const steps = land ? [land] : attributeSteps({ path: pathOf(want), ...rootFile }, have);
    const live = applicable(want, have).filter(([key, value]) => have.live[key]?.value !== value);
    return [...steps, ...live.map(([key, value]) => liveStep(key, have.live[key]!.value, value))];
  },
  seen(want, have) {
    if (have.type !== "file") return undefined;
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
    ];
  },
  notApplicable(want, have) {
    if (Object.keys(want.settings).length === 0 || applicable(want, have).length > 0) return undefined;
    return settingsOf(want)
      .map(([key]) => refusal(key, have))
      .join("; ");
  },
  notes: (want, have) => settingsOf(want).flatMap(([key]) => refusal(key, have) ?? []),
});

const liveStep = (key: string, from: string, to: string): Step => ({
  change: `live \`${key}\` \`${from}\` → \`${to}\``,
  property: `settings["${key}"]`,
  run: setLive(key, to),
});
