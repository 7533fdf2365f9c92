// What the preview of a role says of its server: what an up would find there and do, by the up's own plan, or why nobody can know yet.
import type { Foreseen } from "../provisioners/provider/role-look.ts";
import { refusing } from "../provisioners/resources/kind.ts";
import { isMap } from "../spec/path.ts";
import type { PreviewStep } from "./reports.ts";

/** Undefined where the server was not looked at. */
export function foreseenIn({ op, newState }: PreviewStep): Foreseen | undefined {
  const foreseen = newState?.outputs?.foreseen;
  return (op === "create" || op === "update") && isMap(foreseen) ? (foreseen as unknown as Foreseen) : undefined;
}

/** What a step's sentences say an up would end at. */
export const isRefused = (sentences: readonly string[] = []): boolean => sentences.some((each) => each.startsWith(refusing));

/** Its resources come from facts of the server, and nobody could ask it. */
export const isUnforeseeable = ({ op, newState }: PreviewStep): boolean =>
  op === "create" && typeof newState?.inputs?.resources === "string";

export const unforeseeable = "what it needs comes from the server's own facts (system, cores, memory), and it could not be looked at";
