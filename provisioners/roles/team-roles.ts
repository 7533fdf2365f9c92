// A team's own roles: `roles/<name>/role.ts` beside `stacks/`. Found by their folders; one that can't be used is a sentence for whoever
// asks for it, and nobody else's concern.
import { readdirSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Problem, refusal, UserError } from "../../spec/problem.ts";
import { RoleName } from "../../spec/scalars.ts";
import { placeIn } from "./fault.ts";
import { roleFolder } from "./own-imports.ts";
import { ownRole } from "./own-role.ts";
import type { Role } from "./role.ts";

export interface BrokenRole {
  readonly name: string;
  readonly problems: readonly Problem[];
}

export interface TeamRoles {
  readonly roles: readonly Role[];
  readonly broken: readonly BrokenRole[];
}

export const noRoles: TeamRoles = { roles: [], broken: [] };

const cache = new Map<string, TeamRoles>();

/** Loads them once a process, as soon as there are any. @param taken names that are not free */
export function teamRoles(folder: string, taken: readonly string[]): TeamRoles {
  const known = cache.get(folder) ?? load(folder, taken);
  if (known.roles.length + known.broken.length > 0) cache.set(folder, known);
  return known;
}

function load(folder: string, taken: readonly string[]): TeamRoles {
  const found = roleNames(folder).map((name) => loaded(folder, name, taken));
  return {
    roles: found.filter((each): each is Role => "resources" in each),
    broken: found.filter((each): each is BrokenRole => "problems" in each),
  };
}

/** Folders that hold a role.ts. What else lies there (helpers, a README) is the team's own affair. */
function roleNames(folder: string): readonly string[] {
  const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  try {
    return readdirSync(folder)
      .filter((name) => isFile(join(folder, name, "role.ts")))
      .sort();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function loaded(folder: string, name: string, taken: readonly string[]): Role | BrokenRole {
  const home = realpathSync(join(folder, name));
  const refused = (at: string, reason: string): BrokenRole => ({ name, problems: [{ at, path: name, reason }] });
  if (!RoleName.safeParse(name).success)
    return refused(placeIn(home, undefined), `expected a folder with the name of a role, such as \`image-cache\`, got \`${name}\``);
  if (taken.includes(name))
    return refused(placeIn(home, undefined), `expected a name that is free, got \`${name}\`, which the fleet has; rename the folder`);
  try {
    roleFolder(realpathSync(folder));
    roleFolder(home);
    const module = createRequire(join(home, "role.ts"))("./role.ts") as { readonly default?: unknown };
    return ownRole(name, home, module.default);
  } catch (error) {
    if (error instanceof UserError) return { name, problems: error.problems };
    return refused(placeIn(home, error), `expected a module that can be loaded, got ${saidOf(error)}`);
  }
}

/** The first line that says something. Of a syntax error the trace begins with the place. */
function saidOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ERR_REQUIRE_ASYNC_MODULE") return "an `await` outside a function; put it in none, or do without";
  return `${error.name}: ${error.message.split("\n").find((line) => line.trim() !== "") ?? code}`;
}

/** Refuses every use of it, with what is wrong. */
export const brokenReason = ({ problems }: BrokenRole): string =>
  problems.map(({ at, path, reason }) => `${at} ${path}: ${reason}`).join("; ");

export const brokenError = ({ name, problems }: BrokenRole): UserError => refusal(`role \`${name}\``, problems);
