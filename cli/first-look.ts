// What the preview of a role that is new to its server says of it: what an up would find there and do, or why nobody can know yet.
import type { Foreseen } from "../provisioners/provider/role-look.ts";
import { isMap } from "../spec/path.ts";
import type { PreviewStep } from "./reports.ts";

/** Undefined where the server was not looked at, or there is nothing to foresee: the role was there before. */
export function foreseenIn({ op, newState }: PreviewStep): Foreseen | undefined {
  const foreseen = newState?.outputs?.foreseen;
  return op === "create" && isMap(foreseen) ? (foreseen as unknown as Foreseen) : undefined;
}

/** Its resources come from facts of the server, and nobody could ask it. */
export const isUnforeseeable = ({ op, newState }: PreviewStep): boolean =>
  op === "create" && typeof newState?.inputs?.resources === "string";

export const unforeseeable = "what it needs comes from the server's own facts (system, cores, memory), and it could not be looked at";
