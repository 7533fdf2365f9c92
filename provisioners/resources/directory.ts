// A directory: mode and owner. What lies in it is other resources' business, and so are the directories above it.
import { z } from "zod";
import { FilePath, Mode, Owner } from "../../spec/scalars.ts";
import type { PathSeen } from "../engine/probe.ts";
import { lines, sh } from "../engine/shell-quote.ts";
import { attributeSteps } from "./attributes.ts";
import { common, defineKind, missing, purgeFolder, refusing, type Step } from "./kind.ts";
import { makeFolder, removeFile, removeTree, undoPath } from "./undo-path.ts";

export const DirectoryWant = z.strictObject({
  ...common,
  path: FilePath,
  mode: Mode.default("0755"),
  owner: Owner.default("root"),
  group: Owner.default("root"),
  /** A directory that is there keeps its mode and owner, and so does one that a link leads to; a missing one is made. @default false */
  keep: z.boolean().optional(),
});
export type DirectoryWant = z.infer<typeof DirectoryWant>;

/** Somebody's link is theirs: it is followed, and never taken away. */
function refuseDangling(path: string, target: string): Step {
  const sentence = `${path}: expected a directory, or a link to one, got a link to \`${target}\`, where there is none; make it there, or take the link away`;
  return {
    change: `${refusing}the link to \`${target}\` leads to no directory`,
    property: "path",
    run: sh`printf '%s\n' ${sentence}\nexit 1`,
  };
}

/** The path itself, and whether a directory is reached by it: through a link, too. */
export interface DirectoryHave extends PathSeen {
  readonly leads?: boolean;
  /** A link that the stack file wanted there, and no longer wants. */
  readonly own?: boolean;
}

export const directory = defineKind<DirectoryWant, DirectoryHave>({
  kind: "directory",
  rank: 50,
  schema: DirectoryWant,
  address: ({ path }) => `directory[${path}]`,
  touches: ({ path }) => ({ paths: [path] }),
  path: ({ path }) => path,
  leans: ({ owner, group }) => ({ users: [owner], groups: [group] }),
  standing: (have) => have,
  read({ path }, look) {
    const [own, through] = [look.path(path), look.path(`${path}/.`)];
    return () => ({ ...own(), ...(own().type === "link" && { leads: through().type === "directory" }) });
  },
  plan(want, have) {
    const { path, mode, owner, group, keep } = want;
    if (keep && have.type === "link" && !have.own) return have.leads ? [] : [refuseDangling(path, have.target)];
    if (have.type === "directory") return keep ? [] : attributeSteps(want, have);
    const make = makeFolder(want);
    if (have.type === missing) {
      // A package of the same run may have brought it since the look.
      const right = keep ? sh`:` : sh`fleet_at ${path} chown -h ${`${owner}:${group}`} -- && fleet_mode ${mode} ${path}`;
      const run = sh`if [ -d ${path} ] && [ ! -L ${path} ]; then ${right}; else ${make}\nfi`;
      return [{ change: `create with mode \`${mode}\`, owner \`${owner}:${group}\``, property: "path", brief: true, run }];
    }
    const what = have.type === "link" ? `the link to \`${have.target}\`` : `the ${have.type}`;
    return [{ change: `replace ${what} with an empty directory`, property: "path", run: lines([removeFile(path), make]) }];
  },
  seen(want, have) {
    if (want.keep && have.leads && !have.own) return want;
    if (have.type !== "directory") return undefined;
    return want.keep ? want : { ...want, mode: have.mode, owner: have.owner, group: have.group };
  },
  purge: ({ path }, original, have) =>
    original.type === missing && have.type === "directory" ? purgeFolder(path, removeTree(path)) : undefined,
  undo: ({ path }, original, have) => undoPath("directory", path, original, have),
});
