// The roles, by name. One of the product's is its folder, its templates and its cases; a team's own are found beside its stack files.
import { z } from "zod";
import { registered } from "./registry.ts";
import type { Role, Territory } from "./role.ts";
import { type BrokenRole, brokenError, brokenReason, noRoles, type TeamRoles, teamRoles } from "./team-roles.ts";

// biome-ignore lint/suspicious/noExplicitAny: each role has its own parameters; they are checked by its schema before they get here
export const roles: readonly Role<any>[] = registered;

/** What carries the files that no role owns, as if it were one. */
const reserved = ["files"];

/** Of the folder that was looked at last: a process works on one, and a comparison of two commits on one after the other. */
let team: TeamRoles = noRoles;

/** The roles of a team, in its folder `roles/`, join the product's. */
export function useRolesIn(folder: string): void {
  team = teamRoles(folder, [...roles.map(({ name }) => name), ...reserved]);
}

/** While `work` runs, these are the team's. */
export function withRoles<T>(own: readonly Role[], work: () => T): T {
  const before = team;
  team = { roles: own, broken: [] };
  try {
    return work();
  } finally {
    team = before;
  }
}

export const ownRoles = (): readonly Role[] => team.roles;
export const brokenRoles = (): readonly BrokenRole[] => team.broken;

const schemasOf = (all: readonly Role[]): Readonly<Record<string, z.ZodType>> =>
  Object.fromEntries(all.map(({ name, params }) => [name, params]));

/** Of the product's own roles. */
export const roleSchemas = schemasOf(roles);

/** For the stack file's reader: it checks parameters and names what it doesn't know. One that is broken says so where it is used. */
export function allSchemas(): Readonly<Record<string, z.ZodType>> {
  const refusing = (role: BrokenRole) =>
    z
      .unknown()
      .superRefine((_, { addIssue }) => addIssue({ code: "custom", message: `expected a role that works, got ${brokenReason(role)}` }));
  return { ...roleSchemas, ...schemasOf(team.roles), ...Object.fromEntries(team.broken.map((role) => [role.name, refusing(role)])) };
}

export function roleNamed(name: string): Role {
  const broken = team.broken.find((each) => each.name === name);
  if (broken) throw brokenError(broken);
  const all = [...roles, ...team.roles];
  const role = all.find((each) => each.name === name);
  if (!role) throw new Error(`unknown role \`${name}\`; known: ${all.map((each) => each.name).join(", ")}`);
  return role;
}

/** Where the files of a role lie, with these parameters. */
export function territoryOf(name: string, params: unknown): readonly Territory[] {
  const { territory = [] } = roleNamed(name);
  return typeof territory === "function" ? territory(params) : territory;
}

/** Of all roles but these, as they are without parameters; a role that can't do without some has no place yet. */
export const otherTerritory = (names: readonly string[]): readonly Territory[] =>
  [...roles, ...team.roles]
    .filter(({ name }) => !names.includes(name))
    .flatMap(({ name, params }) => {
      const { success, data } = params.safeParse({});
      return success ? territoryOf(name, data) : [];
    });
