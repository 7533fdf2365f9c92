// How a team's folder comes by the product: the package as npm knows it here, or this checkout.
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { checkout, isCheckout } from "../../provisioners/project.ts";
import { version } from "../help.ts";

export const packageName = "contest-fleet";

interface Installed {
  readonly packages?: Readonly<Record<string, { readonly resolved?: string }>>;
}

/** For package.json: a path where it came by one, since no registry need have it; else this version. */
export function dependencyFor(folder: string): string {
  if (isCheckout) return fileDependency(folder, checkout);
  const [root = ""] = checkout.split(`${sep}node_modules${sep}`);
  const lock = join(root, "node_modules", ".package-lock.json");
  const { packages = {} } = existsSync(lock) ? (JSON.parse(readFileSync(lock, "utf8")) as Installed) : {};
  const { resolved = "" } = packages[`node_modules/${packageName}`] ?? {};
  return resolved.startsWith("file:") ? fileDependency(folder, resolve(root, resolved.slice("file:".length))) : version();
}

const fileDependency = (folder: string, path: string): string => `file:${relative(resolve(folder), path)}`;

/** Where the code lies below the folder, once the package is installed. */
export const codeFolder = isCheckout ? `node_modules/${packageName}` : `node_modules/${packageName}/dist`;
