// A systemd unit, or a drop-in to one, as a file: checked by systemd before it lands, and read by systemd after.
import { z } from "zod";
import { UnitName } from "../../spec/scalars.ts";
import type { PathSeen } from "../engine/probe.ts";
import { type Command, lines, quote, sh } from "../engine/shell-quote.ts";
import { FileWant, file } from "./file.ts";
import { common, defineKind, type Kept } from "./kind.ts";

const DropInName = z
  .string()
  .regex(/^[A-Za-z0-9_@:][A-Za-z0-9_.@:\\-]{0,100}\.conf$/, { error: "expected the name of a drop-in, such as `fleet.conf`" });

export const UnitWant = z.strictObject({
  ...common,
  /** With its suffix: `app.service`. */
  name: UnitName,
  /** Adds to the unit instead of making it: `fleet.conf` becomes /etc/systemd/system/NAME.d/fleet.conf. */
  dropIn: DropInName.optional(),
  content: z.string().min(1),
});
export type UnitWant = z.infer<typeof UnitWant>;

export interface UnitHave {
  readonly file: PathSeen;
  /** The file is newer than what systemd has read. */
  readonly needsReload: boolean;
  /** Of a drop-in: what stands where its folder is to be. */
  readonly folder?: PathSeen | undefined;
}

/** Below a folder of units. */
const place = ({ name, dropIn }: Kept<UnitWant>): string => (dropIn ? `${name}.d/${dropIn}` : name);
const pathOf = (want: Kept<UnitWant>): string => `/etc/systemd/system/${place(want)}`;

/**
 * systemd also complains of what isn't installed yet (a command, another unit), and its exit code does not tell these apart:
 * refused is what it finds in the lines of the very file, or a unit that it calls unfit.
 */
function verifier(want: UnitWant): string {
  const { name, dropIn } = want;
  const instance = name.replace("@.", "@check.");
  const literally = (text: string) => quote(text.replace(/[\\.*^$[]/g, "\\$&"));
  return [
    `check=$(mktemp -d); trap 'rm -rf -- "$check"' EXIT`,
    ...(dropIn ? [`mkdir -- "$check"/${quote(name)}.d`] : []),
    `cp -- %s "$check"/${quote(place(want))}`,
    `! SYSTEMD_UNIT_PATH="$check:" systemd-analyze verify --man=no --recursive-errors=no ${quote(instance)} 2>&1 |`,
    `grep -e "^$check/"${literally(`${place(want)}:`)} -e '^'${literally(`${instance}: `)}'.*Refusing' -e '^'${literally(`Unit ${instance} has a bad unit file setting`)}`,
  ].join("\n");
}

/** For what needs the path alone: the want of a past run, as the server remembers it, has no content. */
const fileAt = (want: Kept<UnitWant>): FileWant => FileWant.parse({ path: pathOf(want), content: "" });
const fileOf = (want: UnitWant): FileWant => FileWant.parse({ path: pathOf(want), content: want.content, validate: verifier(want) });

const reload = sh`systemctl daemon-reload`;
const folderOf = ({ name }: Kept<UnitWant>): string => `/etc/systemd/system/${name}.d`;
const noFolder: Command = sh``;
/** One that is a link is somebody's. */
const dropFolder = (want: Kept<UnitWant>): Command =>
  sh`if [ -d ${folderOf(want)} ] && [ ! -L ${folderOf(want)} ]; then rmdir --ignore-fail-on-non-empty -- ${folderOf(want)}; fi`;

export const unit = defineKind<UnitWant, UnitHave>({
  kind: "unit",
  rank: 130,
  schema: UnitWant,
  address: (want) => `unit[${place(want)}]`,
  touches: (want) => ({ paths: [pathOf(want)], units: [want.name] }),
  path: pathOf,
  standing: ({ file: seen }) => seen,
  read(want, look) {
    const seen = file.read(fileAt(want), look);
    const folder = want.dropIn ? look.path(folderOf(want)) : undefined;
    // systemd knows nothing of a template, only of its instances.
    const state = want.name.includes("@.") ? () => ({ needsReload: false }) : look.unit(want.name);
    return () => ({ file: seen(), needsReload: state().needsReload, ...(folder && { folder: folder() }) });
  },
  plan(want, have, context) {
    const steps = file.plan(fileOf(want), have.file, context);
    const folder = want.dropIn ? sh`mkdir -p -- ${folderOf(want)}` : noFolder;
    if (steps.length > 0) return steps.map((step) => ({ ...step, run: lines([folder, step.run, reload]) }));
    return have.needsReload
      ? [{ change: "have systemd read it again: the file is newer than what systemd knows", property: "content", run: reload }]
      : [];
  },
  seen(want, have) {
    const seen = file.seen(fileOf(want), have.file);
    return seen && { ...want, content: seen.content };
  },
  undo(want, original, have) {
    const steps = file.undo(fileAt(want), original.file, have.file);
    if (typeof steps === "string") return steps;
    const folder = want.dropIn && original.folder?.type !== "directory" ? dropFolder(want) : noFolder;
    // A run that was rolled back, or somebody's hand, took the file alone.
    const left = folder !== noFolder && steps.length === 0 && have.folder?.type === "directory";
    if (left) return [{ change: "remove its folder where nothing else was put into it", run: folder }];
    return steps.map((step) => ({ ...step, run: lines([step.run, folder, reload]) }));
  },
});
