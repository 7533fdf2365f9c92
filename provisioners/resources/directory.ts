// A directory: mode and owner. What lies in it is other resources' business, and so are the directories above it.
import { z } from "zod";
import { AbsolutePath, Mode, Owner } from "../../stacks/scalars.ts";
import { sh } from "../host/command.ts";
import type { PathSeen } from "../host/look.ts";
import { attributeSteps } from "./file.ts";
import { common, defineKind, missing } from "./kind.ts";
import { undoPath } from "./undo-path.ts";

export const DirectoryWant = z.strictObject({
  ...common,
  path: AbsolutePath,
  mode: Mode.default("0755"),
  owner: Owner.default("root"),
  group: Owner.default("root"),
});
export type DirectoryWant = z.infer<typeof DirectoryWant>;

export const directory = defineKind<DirectoryWant, PathSeen>({
  kind: "directory",
  schema: DirectoryWant,
  address: ({ path }) => `directory[${path}]`,
  touches: ({ path }) => ({ paths: [path] }),
  path: ({ path }) => path,
  read: ({ path }, look) => look.path(path),
  plan(want, have) {
    if (have.type === "directory") return attributeSteps(want, have);
    const { path, mode, owner, group } = want;
    const make = sh`mkdir -- ${path}\nchown ${`${owner}:${group}`} ${path}\nchmod ${mode} ${path}`;
    if (have.type === missing)
      return [{ change: `create with mode \`${mode}\`, owner \`${owner}:${group}\``, property: "path", run: make }];
    const what = have.type === "link" ? `the link to \`${have.target}\`` : `the ${have.type}`;
    return [{ change: `replace ${what} with an empty directory`, property: "path", run: sh`rm -f -- ${path}\n${make}` }];
  },
  seen: (want, have) => (have.type === "directory" ? { ...want, mode: have.mode, owner: have.owner, group: have.group } : undefined),
  undo({ path }, original, have) {
    if (original.type === "directory" && have.type === "directory") return attributeSteps({ ...original, path }, have);
    const steps = undoPath("directory", path, original, have);
    const [first, ...rest] = steps;
    if (!first || original.type === missing || have.type !== "directory") return steps;
    return [{ ...first, run: sh`rmdir -- ${path}\n${first.run}` }, ...rest];
  },
});
