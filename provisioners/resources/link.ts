// A symbolic link and where it points.
import { dirname } from "node:path";
import { z } from "zod";
import { FilePath, LinkTarget } from "../../spec/scalars.ts";
import type { PathSeen } from "../engine/probe.ts";
import { sh } from "../engine/shell-quote.ts";
import { common, defineKind, missing } from "./kind.ts";
import { placeOf, undoPath } from "./undo-path.ts";

export const LinkWant = z.strictObject({
  ...common,
  path: FilePath,
  target: LinkTarget,
  /** The target must be there: a time zone that is not leaves the clock on UTC in silence. One with the same in it will do. @default false */
  existing: z.boolean().optional(),
});
export type LinkWant = z.infer<typeof LinkWant>;

export interface LinkHave extends PathSeen {
  /** Whether its target is there, where that counts. */
  readonly dangles?: boolean;
  /** Leads to another file with the same in it: `Etc/UTC` is `UTC`. */
  readonly alike?: boolean | undefined;
}

const leads = ({ target }: Pick<LinkWant, "target">, have: LinkHave): boolean =>
  have.type === "link" && (have.target === target || have.alike === true);

export const link = defineKind<LinkWant, LinkHave>({
  kind: "link",
  rank: 70,
  schema: LinkWant,
  address: ({ path }) => `link[${path}]`,
  touches: ({ path }) => ({ paths: [path] }),
  path: ({ path }) => path,
  leans: ({ path, target, existing }) => ({ paths: [dirname(path), ...(existing ? [target] : [])] }),
  standing: (have) => have,
  read({ path, target, existing }, look, undo) {
    const seen = look.path(path);
    if (!existing || undo) return seen;
    const [there, alike] = [look.path(target), look.command(sh`cmp -s -- ${path} ${target}`)];
    return () => ({ ...seen(), dangles: there().type === missing, ...(alike().code === 0 && { alike: true }) });
  },
  plan({ path, target, existing }, have) {
    if (leads({ target }, have) && !have.dangles) return [];
    const changes: Readonly<Record<string, string>> = {
      [missing]: `create to \`${target}\``,
      link: have.target === target ? `its target \`${target}\` is not there` : `target \`${have.target}\` → \`${target}\``,
    };
    const [folder, name] = placeOf(path);
    const clear = have.type === "directory" ? sh`rmdir -- ${name}\n` : sh``;
    // Renamed into place where something stands there, so that at no moment there is nothing.
    const replace = sh`${clear}ln -sT -- ${target} ${name}.fleet-"$run"\nmv -fT -- ${name}.fleet-"$run" ${name}`;
    // A package of the same run may have brought something since the look.
    const must = sh`if [ ! -e ${target} ]; then printf 'expected %s to be there, got nothing: is the name right?\n' ${target}; exit 1; fi\n`;
    const make = have.type === missing ? sh`if ! ln -sT -- ${target} ${name} 2>/dev/null; then\n${replace}\nfi` : replace;
    const run = sh`${existing ? must : sh``}fleet_enter ${folder}\n${make}`;
    return [
      { change: changes[have.type] ?? `replace the ${have.type} with a link to \`${target}\``, property: "target", brief: true, run },
    ];
  },
  seen: (want, have) =>
    have.type === "link" && !have.dangles ? { ...want, target: leads(want, have) ? want.target : have.target } : undefined,
  undo: ({ path }, original, have) => undoPath("link", path, original, have),
});
