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

type Sentences = Readonly<Record<string, readonly string[]>>;

/** Of what an up would do, what it would end at: the steps' sentences, by address. */
export function refusedOf(foreseen: unknown): Sentences {
  const changes = isMap(foreseen) && isMap(foreseen.changes) ? (foreseen.changes as Sentences) : {};
  return Object.fromEntries(Object.entries(changes).filter(([, sentences]) => sentences.some((each) => each.startsWith(refusing))));
}

/** The same, of a role that is new or is to be otherwise. */
export const refusedIn = (step: PreviewStep): Sentences => ({
  ...refusedOf(foreseenIn(step)),
  ...(isMap(step.newState?.outputs?.refused) && (step.newState.outputs.refused as Sentences)),
});

/** What stands in the place of what is missing, by address. */
export const insteadOf = (foreseen: unknown): Readonly<Record<string, string>> =>
  isMap(foreseen) && isMap(foreseen.instead) ? (foreseen.instead as Readonly<Record<string, string>>) : {};

/** The same, of a role that is new or is to be otherwise. */
export const insteadIn = (step: PreviewStep): Readonly<Record<string, string>> => ({
  ...insteadOf(foreseenIn(step)),
  ...insteadOf({ instead: step.newState?.outputs?.instead }),
});

/** Its resources come from facts of the server, and nobody could ask it. */
export const isUnforeseeable = ({ op, newState }: PreviewStep): boolean =>
  op === "create" && typeof newState?.inputs?.resources === "string";

export const unforeseeable = "what it needs comes from the server's own facts (system, cores, memory), and it could not be looked at";
