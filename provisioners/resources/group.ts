// A group. Its members are the users' own business (`groups` of a user).
import { z } from "zod";
import { Owner } from "../../spec/scalars.ts";
import { type Command, sh } from "../engine/shell-quote.ts";
import { common, defineKind, type Step } from "./kind.ts";

export const GroupWant = z.strictObject({
  ...common,
  name: Owner,
  /** @default the next free one */
  gid: z.int().min(1).max(4294967293).optional(),
  /** Takes the number from the system's range; matters at creation alone. @default false */
  system: z.boolean().optional(),
});
export type GroupWant = z.infer<typeof GroupWant>;

export interface GroupHave {
  readonly gid: number;
}

const renumber = (name: string, from: number, to: number): Step => ({
  change: `gid ${from} → ${to}`,
  property: "gid",
  run: sh`groupmod -g ${to} -- ${name}`,
});

/** A package of the same run may have brought it since the look. */
const make = (name: string, flags: readonly (string | number)[]): Command =>
  sh`if ! getent group ${name} > /dev/null; then groupadd ${flags} -- ${name}; fi`;

/** The group of a user's own name goes with the user. */
const drop = (name: string): Command => sh`if getent group ${name} > /dev/null; then groupdel -- ${name}; fi`;

export const group = defineKind<GroupWant, GroupHave | undefined>({
  kind: "group",
  rank: 10,
  schema: GroupWant,
  address: ({ name }) => `group[${name}]`,
  touches: () => ({}),
  read({ name }, look) {
    const answer = look.group(name);
    return () => {
      const seen = answer();
      return seen && { gid: seen.gid };
    };
  },
  plan({ name, gid, system }, have) {
    if (!have) {
      const flags = [...(system ? ["-r"] : []), ...(gid === undefined ? [] : ["-g", gid])];
      return [{ change: gid === undefined ? "create" : `create with gid ${gid}`, property: "name", run: make(name, flags) }];
    }
    return gid === undefined || gid === have.gid ? [] : [renumber(name, have.gid, gid)];
  },
  seen: (want, have) => have && { ...want, ...(want.gid !== undefined && { gid: have.gid }) },
  undo({ name }, original, have) {
    if (!have)
      return original ? [{ change: `create again with gid ${original.gid}`, run: sh`groupadd -g ${original.gid} -- ${name}` }] : [];
    if (!original) return [{ change: "remove the group", run: drop(name) }];
    return original.gid === have.gid ? [] : [renumber(name, have.gid, original.gid)];
  },
});
