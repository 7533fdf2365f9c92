// Files that systemd reads as units of the administrator's.
import { unit } from "../resources/unit.ts";

export const unitFolder = "/etc/systemd/system";

export interface UnitPlace {
  readonly name: string;
  readonly dropIn?: string;
}

/** `undefined` for what is no unit and no drop-in of one: a link in `multi-user.target.wants`, a file of another name. */
export function unitPlace(path: string): UnitPlace | undefined {
  if (!path.startsWith(`${unitFolder}/`)) return undefined;
  const [name = "", dropIn, ...deeper] = path.slice(unitFolder.length + 1).split("/");
  const place = dropIn === undefined ? { name } : { name: name.replace(/\.d$/, ""), dropIn };
  if (deeper.length > 0 || (dropIn !== undefined && !name.endsWith(".d"))) return undefined;
  return unit.schema.safeParse({ ...place, content: "x" }).success ? place : undefined;
}

/** What runs by itself, and so can be started again; of a template only instances do. */
export const canRestart = (name: string): boolean => /\.(?:service|timer|socket)$/.test(name) && !name.includes("@.");
