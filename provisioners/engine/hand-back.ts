// A server that no state knows any more says itself what was done to it, and for which stack.
import type { ApplyOptions } from "./apply.ts";
import { giveBack, ownerBeside } from "./converge.ts";
import { type Comer, foreignOwner, type Owner } from "./journal.ts";
import { observeAll } from "./observe.ts";
import type { RoleReport } from "./report.ts";
import type { LockingShell } from "./shell.ts";

export type HandedBack =
  | { readonly found: "nothing" }
  /** Not the comer's to give back. */
  | { readonly found: "another's"; readonly owner: Owner }
  | { readonly found: "ours"; readonly report: RoleReport };

/**
 * Whatever it remembers goes back, but where that is another stack's. Changes nothing, and takes no lock, on a server that remembers
 * nothing. `takeOver` names another stack whose server it may be. Throws HostError; what could not go back is in the report.
 */
export async function handBack(
  shell: LockingShell,
  comer: Comer,
  lock: () => Promise<void>,
  { takeOver, ...options }: ApplyOptions & { readonly takeOver?: string | undefined } = {},
): Promise<HandedBack> {
  const { memory, removed, ways } = await observeAll(shell, options);
  if (memory.size === 0 && removed.length + ways.length === 0) return { found: "nothing" };
  const owner = foreignOwner(memory, comer);
  if (owner && owner.stack !== takeOver) return { found: "another's", owner };
  await lock();
  // Who held the lock until now may have taken the server.
  const later = await ownerBeside(shell, comer, options);
  return later && later.stack !== takeOver
    ? { found: "another's", owner: later }
    : { found: "ours", report: await giveBack(shell, options) };
}
