// A systemd unit, or a drop-in to one, as a file: checked by systemd before it lands, and read by systemd after.
import { z } from "zod";
import { AbsolutePath, UnitName } from "../../stacks/scalars.ts";
import { type Command, lines, sh } from "../host/command.ts";
import type { PathSeen, UnitSeen } from "../host/look.ts";
import { file, FileWant } from "./file.ts";
import { common, defineKind, type Step } from "./kind.ts";

const DropInName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}\.conf$/, { error: "expected the name of a drop-in, such as `fleet.conf`" });

export const UnitWant = z.strictObject({
  ...common,
  /** With its suffix: `app.service`. */
  name: UnitName,
  /** Adds to the unit instead of making it: `fleet.conf` becomes /etc/systemd/system/NAME.d/fleet.conf. */
  dropIn: DropInName.optional(),
  content: z.string().min(1),
});
export type UnitWant = z.infer<typeof UnitWant>;

interface Have {
  readonly file: PathSeen;
  readonly needsReload: boolean;
}

const pathOf = ({ name, dropIn }: UnitWant): string => AbsolutePath.parse(`/etc/systemd/system/${name}${dropIn ? `.d/${dropIn}` : ""}`);

/**
 * systemd-analyze also complains of what isn't installed yet (a command, another unit), and its exit code does not tell the two apart:
 * refused is what it finds in the very file, by line, or a unit that it calls unfit. The unit needs its own name to be checked.
 */
const verifier = ({ name, dropIn }: UnitWant): Command => {
  const target = dropIn ? `${name}.d/${dropIn}` : name;
  return sh`check=$(mktemp -d)
trap 'rm -rf -- "$check"' EXIT
mkdir -p -- "$check"/${target.includes("/") ? `${name}.d` : ""}
cp -- %s "$check"/${target}
if said=$(SYSTEMD_UNIT_PATH="$check:" systemd-analyze verify --man=no --recursive-errors=no ${name.replace("@.", "@check.")} 2>&1); then exit 0; fi
bad=$(printf '%s\n' "$said" | grep -F -e "$check"/${target}: -e 'bad unit file setting' -e 'Refusing.') || exit 0
printf '%s\n' "$bad"
exit 1`;
};

const fileOf = (want: UnitWant): FileWant =>
  FileWant.parse({ path: pathOf(want), content: want.content, validate: verifier(want).text.replaceAll("printf '%s", "printf '%b") });

const reload = sh`systemctl daemon-reload`;
const thenReload = (step: Step): Step => ({ ...step, run: lines([step.run, reload]) });

export const unit = defineKind<UnitWant, Have>({
  kind: "unit",
  schema: UnitWant,
  address: ({ name, dropIn }) => `unit[${name}${dropIn ? `/${dropIn}` : ""}]`,
  touches: (want) => ({ paths: [pathOf(want)], units: [want.name] }),
  path: pathOf,
  read(want, look) {
    const seen = file.read(fileOf(want), look);
    // systemd has no state of a template, only of its instances.
    const state = want.name.includes("@.") ? () => ({ needsReload: false }) satisfies Partial<UnitSeen> : look.unit(want.name);
    return () => ({ file: seen(), needsReload: state().needsReload });
  },
  plan(want, have, context) {
    const steps = file.plan(fileOf(want), have.file, context);
    if (steps.length > 0) return [...(want.dropIn ? [makeFolder(want)] : []), ...steps.map(thenReload)];
    return have.needsReload ? [{ change: "have systemd read the unit again: its file is newer than what runs", property: "content", run: reload }] : [];
  },
  seen(want, have) {
    const seen = file.seen(fileOf(want), have.file);
    return seen && { ...want, content: seen.content };
  },
  undo(want, original, have) {
    const steps = file.undo(fileOf(want), original.file, have.file);
    return typeof steps === "string" ? steps : steps.map(thenReload);
  },
});
