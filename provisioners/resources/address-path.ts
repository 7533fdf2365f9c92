// Where a resource lies, by its address alone: what a role no longer wants is known by nothing else.
import type { Address } from "./kind.ts";

/** Of kinds whose address is no path, their bracket. */
export function pathOfAddress(address: Address): string {
  const [kind, name] = [address.slice(0, address.indexOf("[")), address.slice(address.indexOf("[") + 1, -1)];
  return kind === "unit" ? `/etc/systemd/system/${name}` : name;
}

/** The path itself, or what lies below it. */
export const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
