// A file or link that must not be there: the distribution's default site, an old drop-in. Undoing the role puts it back.
import { z } from "zod";
import { FilePath } from "../../spec/scalars.ts";
import type { PathSeen } from "../engine/probe.ts";
import { sh } from "../engine/shell-quote.ts";
import { AddressSchema, common, defineKind, missing } from "./kind.ts";
import { removeFile, undoPath } from "./undo-path.ts";

export const AbsentWant = z.strictObject({
  ...common,
  path: FilePath,
  /** The package that would bring it: installed in the same run, it brings what the look could not see. */
  broughtBy: AddressSchema.optional(),
  /** What is there, where something is: only seen, never wanted. */
  found: z.literal("nothing").default("nothing"),
});
export type AbsentWant = z.infer<typeof AbsentWant>;

export const absent = defineKind<AbsentWant, PathSeen>({
  kind: "absent",
  rank: 80,
  schema: AbsentWant,
  address: ({ path }) => `absent[${path}]`,
  after: ({ broughtBy }) => (broughtBy ? [broughtBy] : []),
  touches: ({ path }) => ({ paths: [path] }),
  path: ({ path }) => path,
  standing: (have) => have,
  read: ({ path }, look) => look.path(path, { content: true }),
  plan({ path, broughtBy }, have, { changed }) {
    const coming = broughtBy !== undefined && changed.has(broughtBy);
    if (have.type === missing)
      return coming ? [{ change: `remove what ${broughtBy} brings`, property: "found", run: removeFile(path) }] : [];
    // A folder may hold what nobody asked to lose.
    const run = have.type === "directory" ? sh`fleet_at ${path} rmdir --` : removeFile(path);
    return [{ change: `remove the ${have.type}`, property: "found", run }];
  },
  seen: (want, have) => (have.type === missing ? want : ({ ...want, found: have.type } as unknown as AbsentWant)),
  undo: ({ path }, original, have) => undoPath("file", path, original, have),
});
