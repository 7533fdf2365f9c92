// Where things are: the product's own code, and the user's part (stack files, state, archives), which may lie elsewhere.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The product's code. */
export const checkout = join(import.meta.dirname, "..");

/** The folder that holds `stacks/`, `.fleet/` and `archives/`: the checkout itself where `FLEET_PROJECT` (`fleet --cwd`) names none. */
export const project = process.env.FLEET_PROJECT ? resolve(process.env.FLEET_PROJECT) : checkout;

export const stacksFolder = join(project, "stacks");

/** A team's own roles lie beside its stack files. */
export const rolesFolder = (stacks = stacksFolder): string => join(dirname(stacks), "roles");

/** The stacks of a folder, by their files. */
export function stackNames(folder = stacksFolder): readonly string[] {
  const names = (existsSync(folder) ? readdirSync(folder) : []).map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1]);
  return names.filter((name) => name !== undefined).sort();
}
