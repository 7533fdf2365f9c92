// The order inside a role: explicit edges, then the kind's rank, then the address. Deterministic, and the same in every report.
import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";

export type Wants = Readonly<Record<Address, Common>>;

/** What must come before `address`: what it says itself, and what its kind reads out of it. */
export function edges(address: Address, want: Common): readonly Address[] {
  return [...(want.after ?? []), ...(kindOf(address).kind.after?.(want) ?? [])];
}

/** A dependency that the role does not have is ignored here: `problemsIn` has refused it already. Throws on a cycle. */
export function inOrder(wants: Wants): readonly Address[] {
  // Without their last bracket, so that a folder comes before what lies in it.
  const key = (address: Address) => address.slice(0, -1);
  const addresses = (Object.keys(wants) as Address[]).sort((a, b) => kindOf(a).rank - kindOf(b).rank || (key(a) < key(b) ? -1 : 1));
  const placed = new Set<Address>();
  const order: Address[] = [];
  const place = (address: Address, path: readonly Address[]): void => {
    if (placed.has(address)) return;
    if (path.includes(address)) throw new Error(`a cycle of \`after\`: ${[...path.slice(path.indexOf(address)), address].join(" → ")}`);
    const want = wants[address];
    if (!want) return;
    for (const before of [...edges(address, want)].sort()) place(before, [...path, address]);
    placed.add(address);
    order.push(address);
  };
  for (const address of addresses) place(address, []);
  return order;
}
