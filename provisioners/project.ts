// Where things are: the product's own code, and the user's part (stack files, state, archives), which may lie elsewhere.
import { existsSync, readdirSync } from "node:fs";
import { dirname, extname, join, resolve, sep } from "node:path";

/** The product's code: a checkout, or the package that was made of one. */
export const checkout = join(import.meta.dirname, "..");

/** TypeScript in a checkout, JavaScript in the package. */
const suffix = extname(import.meta.filename);
export const codeFile = (name: string, root = checkout): string => join(root, `${name}${suffix}`);

export const isCheckout = suffix === ".ts";

/** Code of a package serves the folder that it is called in, as npm's other commands do; that of a checkout its own. */
const isPackage = !isCheckout || process.env.FLEET_AS_PACKAGE === "1";

export const isProject = (folder: string): boolean => existsSync(join(folder, "Pulumi.yaml")) && existsSync(join(folder, "stacks"));

/** The product's own folder, which is no team's project; a package's code lies in its `dist`. */
const own = isCheckout ? checkout : dirname(checkout);
const isOwn = (folder: string): boolean => `${folder}${sep}`.startsWith(`${own}${sep}`);

/** The nearest folder from here upwards that is a project; here, where none is. */
function nearestProject(from: string): string {
  const above = (folder: string): readonly string[] => (dirname(folder) === folder ? [folder] : [folder, ...above(dirname(folder))]);
  return above(from).find((folder) => !isOwn(folder) && isProject(folder)) ?? from;
}

const projectHere = (): string => (isPackage ? nearestProject(process.cwd()) : checkout);

/** The folder that holds `stacks/`, `roles/`, `.fleet/` and `archives/`: what `FLEET_PROJECT` (`fleet --cwd`) names, else the checkout, or where a package is called. */
export const project = process.env.FLEET_PROJECT ? resolve(process.env.FLEET_PROJECT) : projectHere();

export const stacksFolder = join(project, "stacks");

/** A team's own roles lie beside its stack files. */
export const rolesFolder = (stacks = stacksFolder): string => join(dirname(stacks), "roles");

/** The stacks of a folder, by their files. */
export function stackNames(folder = stacksFolder): readonly string[] {
  const names = (existsSync(folder) ? readdirSync(folder) : []).map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1]);
  return names.filter((name) => name !== undefined).sort();
}
