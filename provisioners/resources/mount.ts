// A mount as a systemd unit of its own: now, at every boot, and never in the way of the boot.
import { z } from "zod";
import { AbsolutePath, Line } from "../../spec/scalars.ts";
import type { PathSeen, UnitSeen } from "../engine/probe.ts";
import { type Command, lines, sh } from "../engine/shell-quote.ts";
import { mountUnit } from "../engine/unit-path.ts";
import { attributeSteps } from "./attributes.ts";
import { rootFile, writeRootFile } from "./file.ts";
import { common, defineKind, missing, type Step } from "./kind.ts";
import { removeFolder, undoPath } from "./undo-path.ts";

const Word = Line.regex(/^[^\s%"'\\]+$/, { error: "expected one word without quotes, backslashes or `%`" });

export const MountWant = z.strictObject({
  ...common,
  /** Made with its parents where it is not there. */
  where: AbsolutePath,
  /** A device, `UUID=…`, `server:/export`, or a file system's own word (`tmpfs`). */
  what: Word,
  type: Word,
  /** As mount(8) has them, with commas between: `noatime,logbufs=8`. */
  options: Word.default("defaults"),
  /** At every boot; a boot goes on without it. */
  enabled: z.boolean().default(true),
  mounted: z.boolean().default(true),
});
export type MountWant = z.infer<typeof MountWant>;

/** The unit's file, the unit, and what stands at the mount point. */
export interface MountHave extends PathSeen {
  readonly point: PathSeen["type"];
  readonly unit: UnitSeen;
}

const pathOf = ({ where }: MountWant): string => `/etc/systemd/system/${mountUnit(where)}`;

const textOf = ({ where, what, type, options }: MountWant): string => `[Unit]
Description=${where}
Before=local-fs.target

[Mount]
What=${what}
Where=${where}
Type=${type}
Options=${options}

[Install]
WantedBy=local-fs.target
`;

const isMounted = ({ unit }: MountHave): boolean => unit.active === "active";
const isEnabled = ({ unit }: MountHave): boolean => unit.enabled === "enabled";
const textIn = ({ content }: MountHave): string => content?.toString("utf8") ?? "";
const setting = (text: string, name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";

function fileSteps(want: MountWant, have: MountHave): Step[] {
  const [path, unit] = [pathOf(want), mountUnit(want.where)];
  if (have.type === "file" && textIn(have) === textOf(want)) {
    const reload = have.unit.needsReload ? [{ change: "let systemd read the unit again", run: sh`systemctl daemon-reload` }] : [];
    return [...attributeSteps({ path, ...rootFile }, have), ...reload];
  }
  // systemd makes the mount point, and what is missing above it.
  const write = lines([sh`fleet_parents ${want.where}`, writeRootFile(path, textOf(want))]);
  const again = isMounted(have) ? remount(want, have, unit) : sh``;
  const change =
    have.type === missing ? `create the unit for \`${want.what}\` (${want.type}, ${want.options})` : changeOf(want, textIn(have));
  return [{ change, property: "what", run: sh`${write}\nsystemctl daemon-reload\n${again}` }];
}

function changeOf(want: MountWant, text: string): string {
  const pairs = (["What", "Type", "Options"] as const).map(
    (name) => [name, setting(text, name), want[name.toLowerCase() as "what" | "type" | "options"]] as const,
  );
  const changed = pairs
    .filter(([, now, next]) => now !== next)
    .map(([name, now, next]) => `${name.toLowerCase()} \`${now}\` → \`${next}\``);
  return changed.join(", ") || "write the unit again";
}

/** Other options alone need no unmount. */
function remount(want: MountWant, have: MountHave, unit: string): Command {
  const same = setting(textIn(have), "What") === want.what && setting(textIn(have), "Type") === want.type;
  return same ? sh`systemctl reload -- ${unit}` : sh`systemctl restart -- ${unit}`;
}

/** `systemctl VERB UNIT`, with its sentence. */
const turn = (verb: string, unit: string, change: string, property?: string): Step => ({
  change,
  ...(property && { property }),
  run: sh`systemctl ${verb} -- ${unit}`,
});

function stateSteps(unit: string, to: { enabled: boolean; mounted: boolean }, from: { enabled: boolean; mounted: boolean }): Step[] {
  return [
    ...(to.enabled === from.enabled
      ? []
      : [to.enabled ? turn("enable", unit, "enable at boot", "enabled") : turn("disable", unit, "disable at boot", "enabled")]),
    ...(to.mounted === from.mounted
      ? []
      : [to.mounted ? turn("start", unit, "mount", "mounted") : turn("stop", unit, "unmount", "mounted")]),
  ];
}

const stateOf = (have: MountHave) => ({ enabled: isEnabled(have), mounted: isMounted(have) });

const removePoint = (where: string): Step => ({
  change: "remove the mount point where it is empty",
  run: removeFolder(where),
});

export const mount = defineKind<MountWant, MountHave>({
  kind: "mount",
  rank: 120,
  schema: MountWant,
  address: ({ where }) => `mount[${where}]`,
  touches: (want) => ({ paths: [want.where, pathOf(want)], units: [mountUnit(want.where)] }),
  path: pathOf,
  parents: ({ where }) => where,
  standing: (have) => have,
  read(want, look) {
    const [file, unit] = [look.path(pathOf(want), { content: true }), look.unit(mountUnit(want.where))];
    const point = look.path(want.where);
    return () => ({ ...file(), point: point().type, unit: unit() });
  },
  plan: (want, have) => [...fileSteps(want, have), ...stateSteps(mountUnit(want.where), want, stateOf(have))],
  seen(want, have) {
    if (have.type !== "file") return undefined;
    const text = textIn(have);
    return { ...want, what: setting(text, "What"), type: setting(text, "Type"), options: setting(text, "Options"), ...stateOf(have) };
  },
  undo(want, original, have) {
    const [unit, was] = [mountUnit(want.where), stateOf(original)];
    const off = stateSteps(unit, { enabled: false, mounted: false }, stateOf(have));
    const files = undoPath("unit", pathOf(want), original, have);
    const on = original.type === missing ? [] : stateSteps(unit, was, { enabled: false, mounted: false });
    const read: Step[] = files.length > 0 ? [{ change: "let systemd forget what was changed", run: sh`systemctl daemon-reload` }] : [];
    return [
      ...off,
      ...files,
      ...read,
      ...on,
      ...(original.point === missing && have.point === "directory" ? [removePoint(want.where)] : []),
    ];
  },
});
