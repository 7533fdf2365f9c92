// A package of the distribution, by apt or dnf. Those that a role wants together are installed by one command, and removed by one.
import { z } from "zod";
import { PackageName, PackageVersion, Sha256, Url } from "../../spec/scalars.ts";
import { memoryDirectory } from "../engine/prelude.ts";
import { halfDone, provided } from "../engine/probe.ts";
import { sh } from "../engine/shell-quote.ts";
import { installDeb } from "./apt.ts";
import { common, defineKind, missing, type Step } from "./kind.ts";
import { apt, dnf, type PackageManager, refused } from "./managers.ts";

export const PackageWant = z
  .strictObject({
    ...common,
    name: PackageName,
    /** Whose package it is: the server's facts say. @default apt's */
    manager: z.literal("dnf").optional(),
    /** Exactly this version, also where it is an older one. @default whatever is there; where nothing is, the newest */
    version: PackageVersion.optional(),
    /** Installs what it merely recommends too. */
    recommends: z.boolean().default(false),
    /** The .deb itself, where no repository has it; its version tells whether it is installed. */
    url: Url.optional(),
    sha256: Sha256.optional(),
  })
  .refine(({ version, url, sha256 }) => (url === undefined ? sha256 === undefined : version !== undefined && sha256 !== undefined), {
    path: ["url"],
    error: "expected `url`, `sha256` and `version` together",
  })
  .refine(({ manager, url }) => manager === undefined || url === undefined, {
    path: ["url"],
    error: "expected a server with apt for a .deb",
  });
export type PackageWant = z.infer<typeof PackageWant>;

const managerOf = ({ manager }: Pick<PackageWant, "manager">): PackageManager => (manager === "dnf" ? dnf : apt);

function install(want: PackageWant, change: string): Step {
  const { name, version, recommends, url, sha256 } = want;
  if (url !== undefined) {
    const run = installDeb({ name, version: version ?? "", url, sha256: sha256 ?? "" });
    return { change: `${change} from \`${url}\``, property: "version", run };
  }
  const { installFull, installLean } = managerOf(want);
  const [how, spec] = [recommends ? installFull : installLean, version === undefined ? name : `${name}=${version}`];
  return {
    change,
    property: version === undefined ? "name" : "version",
    run: how([spec]),
    together: { how, argument: spec, after: refused },
  };
}

/** It is gone, but not all that came with it: a removal was cut short, or somebody's own took the package alone. Seen before an undo only. */
const leftBehind = "(left behind)";

const anyLeft = (name: string, manager: PackageManager) => sh`cd ${memoryDirectory} || exit 1
for each in */originals/packages.before; do [ ! -e "$each" ] || exit 0; done
# One that never came has left nothing.
cat -- */originals/packages.added 2>/dev/null | grep -qxF -e ${name} || exit 1
cat -- */originals/packages.added 2>/dev/null | sort -u | ${manager.anyInstalled}`;

/**
 * What came with an install of ours that was killed behind its packages: triggers may be owed still, and what others bring later would count as ours.
 * Costs nothing where each came to its end.
 */
const unended = (manager: PackageManager) => sh`for each in ${memoryDirectory}/*/originals/packages.before; do
  [ ! -e "$each" ] || ${manager.installed} | comm -13 "$each" -
done`;

/** The installed version, or `missing`. */
export const packageKind = defineKind<PackageWant, string>({
  kind: "package",
  rank: 40,
  schema: PackageWant,
  failsAlone: true,
  address: ({ name }) => `package[${name}]`,
  touches: () => ({}),
  read(want, look, undo) {
    const [{ name }, manager] = [want, managerOf(want)];
    const [version, aside] = [look.package(name, want.manager), look.command(undo ? anyLeft(name, manager) : unended(manager))];
    return () => {
      const [now, { code, stdout }] = [version(), aside()];
      if (undo) return now === missing && code === 0 ? leftBehind : now;
      return now !== missing && !now.endsWith(halfDone) && stdout.split("\n").includes(name) ? `${now} ${halfDone}` : now;
    };
  },
  plan(want, have) {
    if (have.endsWith(halfDone)) return [install(want, "finish its installation, which was cut short")];
    if (have === missing) return [install(want, want.version === undefined ? "install" : `install version \`${want.version}\``)];
    return want.version === undefined || want.version === have ? [] : [install(want, `version \`${have}\` → \`${want.version}\``)];
  },
  seen: (want, have) =>
    have === missing || have.endsWith(halfDone) ? undefined : { ...want, ...(want.version !== undefined && { version: have }) },
  undo(want, original, have) {
    if (original === have) return [];
    if (original === provided || have === provided) return original === missing ? [removal(want)] : [];
    if (original !== missing && !original.endsWith(halfDone))
      return [install({ ...want, url: undefined, version: original }, `version \`${have}\` → \`${original}\``)];
    return [removal(want)];
  },
});

const removal = (want: Pick<PackageWant, "name" | "manager">): Step => {
  const [{ name }, { purge }] = [want, managerOf(want)];
  return { change: "remove, with what it alone brought along", run: purge([name]), together: { how: purge, argument: name } };
};
