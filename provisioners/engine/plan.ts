// Decides: desired × current → changes, each step with its own sentence. Pure; previews, refresh, verify and up all use it.

import type { Address, Step } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import type { Observation } from "./observe.ts";
import { inOrder, type Wants } from "./order.ts";
import type { Result } from "./report.ts";
import { sh } from "./shell-quote.ts";

export interface Change {
  readonly address: Address;
  readonly steps: readonly Step[];
  /** The path that the resource lives at, where it has one. */
  readonly path?: string | undefined;
  /** Brings back what was there before the role came. */
  readonly undo: boolean;
}

export interface RolePlan {
  readonly changes: readonly Change[];
  /** A result for every resource: `pending` where a change stands, before it is made. */
  readonly results: readonly Result[];
  /** No longer wanted and, after the changes, as they were: nothing of them needs to be remembered. */
  readonly forgotten: readonly Address[];
}

/** What the role wants now, against what is there; what it changed once and no longer wants goes back to its original. */
export function plan(wants: Wants, seen: Observation): RolePlan {
  const undone = planUndo(seen);
  const gone = undone.changes.filter(({ path }) => path !== undefined).map(({ address }) => address);
  const changed = new Set<Address>();
  const changes: Change[] = [];
  const results: Result[] = [];
  for (const address of inOrder(wants)) {
    const want = wants[address]!;
    const { kind } = kindOf(address);
    const have = seen.haves.get(address);
    const reason = kind.notApplicable?.(want, have);
    const steps = reason === undefined ? kind.plan(want, have, { changed, gone, pending: seen.pending.has(address) }) : [];
    if (steps.length > 0) {
      changed.add(address);
      changes.push({ address, steps, path: kind.path?.(want), undo: false });
    }
    const outcome = reason !== undefined ? "not-applicable" : steps.length > 0 ? "pending" : "unchanged";
    const notes = reason === undefined ? (kind.notes?.(want, have) ?? []) : [];
    const said = { ...(reason !== undefined && { reason }), ...(notes.length > 0 && { notes }) };
    results.push({ address, outcome, changes: steps.map(({ change }) => change), ...said });
  }
  return { changes: together([...undone.changes, ...changes]), results: [...undone.results, ...results], forgotten: undone.forgotten };
}

/** The first of several neighbours that can be done at once does it for all; the others keep their sentences. */
function together(changes: readonly Change[]): readonly Change[] {
  const howOf = (change: Change | undefined) => (change?.steps.length === 1 ? change.steps[0]?.together?.how : undefined);
  const argumentsFrom = (first: number, how: unknown): string[] => {
    const after = changes.findIndex((change, index) => index > first && howOf(change) !== how);
    return changes.slice(first, after < 0 ? undefined : after).map(({ steps }) => steps[0]!.together!.argument);
  };
  return changes.map((change, index) => {
    const how = howOf(change);
    if (!how) return change;
    const run = how === howOf(changes[index - 1]) ? sh`:` : how(argumentsFrom(index, how));
    return { ...change, steps: [{ ...change.steps[0]!, run }] };
  });
}

/** In the reverse order of doing, but for what has to wait until the files are back (`late`). */
function planUndo({ removed, originals, haves }: Observation): RolePlan {
  const early: Change[] = [];
  const late: Change[] = [];
  const results: Result[] = [];
  const forgotten: Address[] = [];
  for (const address of inOrder(removed).toReversed()) {
    const { kind } = kindOf(address);
    const steps = kind.undo(removed[address]!, originals.get(address)?.have, haves.get(address));
    if (typeof steps === "string") {
      results.push({ address, outcome: "skipped", changes: [], reason: `can't be undone: ${steps}` });
      continue;
    }
    forgotten.push(address);
    const [now, then] = [steps.filter((step) => !step.late), steps.filter((step) => step.late)];
    const of = { address, path: kind.path?.(removed[address]!), undo: true };
    if (now.length > 0) early.push({ ...of, steps: now });
    if (then.length > 0) late.push({ ...of, steps: then });
    results.push({ address, outcome: steps.length > 0 ? "pending" : "unchanged", changes: steps.map(({ change }) => change) });
  }
  return { changes: [...early, ...late], results, forgotten };
}
