// The targets that there are. One more is a folder here, a line in each of the three registries (its contract, its supplier, its part in
// the commands), and nothing else.

import type { TargetSettings } from "../../spec/targets.ts";
import { aws } from "./aws/target.ts";
import type { Target } from "./contract.ts";
import { inventory } from "./inventory/target.ts";
import { practice } from "./practice/target.ts";

export const targets = [practice, inventory, aws] as readonly Target[];

/** Of a fleet that was parsed, and so is on one. */
export function targetOf({ target: { kind } }: { readonly target: TargetSettings }): Target {
  const found = targets.find((target) => target.kind === kind);
  if (!found) throw new TypeError(`${kind}: no such target`);
  return found;
}
