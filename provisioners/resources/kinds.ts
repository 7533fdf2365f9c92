// The kinds, in the order in which a role does them. Each file here that defines one is in the registry.
import type { Address, Common, Kind } from "./kind.ts";
import { registered } from "./registry.ts";

// biome-ignore lint/suspicious/noExplicitAny: a registry of kinds with different wants; `kindOf` is its only reader
export const kinds: readonly Kind<any, any, any>[] = registered.toSorted((one, other) => one.rank - other.rank);

const byName = new Map(kinds.map((kind, rank) => [kind.kind, { kind, rank }]));

/** The kind of an address. An unknown one is our bug, or a state written by a newer version. */
export function kindOf(address: Address): { readonly kind: Kind<Common, unknown, string>; readonly rank: number } {
  const found = byName.get(address.slice(0, address.indexOf("[")));
  if (!found) throw new Error(`unknown resource kind in \`${address}\`; known: ${[...byName.keys()].join(", ")}`);
  return found;
}
