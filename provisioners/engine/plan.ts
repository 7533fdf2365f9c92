// Decides: desired × current → changes, each step with its own sentence. Pure; previews, refresh, verify and up all use it.

import type { Address, Step } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { type Thing, thingOf } from "./journal.ts";
import type { Observation, Removed } from "./observe.ts";
import { edges, inOrder, type Wants } from "./order.ts";
import { storeKey } from "./prelude.ts";
import type { Result } from "./report.ts";
import { type Command, sh } from "./shell-quote.ts";

export interface Change {
  readonly address: Address;
  readonly steps: readonly Step[];
  /** The path that the resource lives at, where it has one. */
  readonly path?: string | undefined;
  /** Brings back what was there before the role came. */
  readonly undo: boolean;
  /** What went back before it, and stays remembered where it fails: the next run tries again. */
  readonly owes?: readonly Address[];
}

export interface RolePlan {
  readonly changes: readonly Change[];
  /** A result for every resource: `pending` where a change stands, before it is made. */
  readonly results: readonly Result[];
  /** No longer wanted and, after the changes, as they were: nothing of them needs to be remembered. */
  readonly forgotten: readonly Forgotten[];
}

export interface Forgotten {
  readonly address: Address;
  readonly thing: Thing;
}

/** What the role wants now, against what is there; what it changed once and no longer wants goes back to its original. */
export function plan(wants: Wants, seen: Observation): RolePlan {
  const undone = planUndo(seen.removed, seen.bereft);
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
  return {
    changes: [...undone.changes, ...together(changes, wants)],
    results: [...undone.results, ...results],
    forgotten: undone.forgotten,
  };
}

/**
 * Of what is to be done, what only follows from the rest (a reload, one more check): with nothing else changed or gone it is as it should be.
 * No server differs by it.
 */
export function followers(wants: Wants, { haves, pending, removed, bereft }: Observation, todo: readonly Result[]): readonly Address[] {
  const alone = { changed: new Set<Address>(), gone: [] };
  const isIdle = (address: Address) =>
    kindOf(address).kind.plan(wants[address]!, haves.get(address), { ...alone, pending: pending.has(address) }).length === 0;
  const undone = new Set(removed.map(({ address }) => address));
  const heard = new Set(bereft.map(({ address }) => address).filter((address) => !undone.has(address)));
  const follows = (address: Address) => (address in wants ? isIdle(address) : heard.has(address));
  return todo.filter(({ outcome, address }) => outcome === "pending" && follows(address)).map(({ address }) => address);
}

/**
 * The first of several neighbours that can be done at once does it for all; the others keep their sentences. They come after the same changes:
 * where one of those is left, so are they all, and nobody waits for a leader that never had its turn.
 */
function together(changes: readonly Change[], wants: Wants = {}): readonly Change[] {
  const planned = new Set(changes.map(({ address }) => address));
  const afterOf = ({ address }: Change): string =>
    (wants[address] ? edges(address, wants[address]) : [])
      .filter((each) => planned.has(each))
      .sort()
      .join();
  const howOf = (change: Change | undefined) => (change?.steps.length === 1 ? change.steps[0]?.together?.how : undefined);
  const isWith = (change: Change, other: Change | undefined): boolean =>
    other !== undefined && howOf(change) === howOf(other) && afterOf(change) === afterOf(other);
  const argumentsFrom = (first: number): string[] => {
    const after = changes.findIndex((change, index) => index > first && !isWith(change, changes[first]));
    return changes.slice(first, after < 0 ? undefined : after).map(({ steps }) => steps[0]!.together!.argument);
  };
  let leader = changes[0]!;
  return changes.map((change, index) => {
    const how = howOf(change);
    if (!how) return change;
    const follows = isWith(change, changes[index - 1]);
    if (!follows) leader = change;
    const run = follows ? withLeader(change, leader) : how(argumentsFrom(index));
    return { ...change, steps: [{ ...change.steps[0]!, run }] };
  });
}

/** A change that fails ends the run, but for an undo: there those that it was to do too hear of it. */
function withLeader({ undo, steps: [step] }: Change, { address }: Change): Command {
  const { after, argument } = step!.together!;
  if (!undo) return after?.(argument) ?? sh`:`;
  return sh`case "$fleet_left " in *${` ${storeKey(address)} `}*) printf 'failed together with %s\\n' ${address}; exit 1 ;; esac`;
}

/** In the reverse order of doing, but for what has to wait until the files are back (`late`). */
export function planUndo(all: readonly Removed[], bereft: readonly Removed[] = []): RolePlan {
  const early: Change[] = [];
  const late: Change[] = [];
  const results: Result[] = [];
  const forgotten: Forgotten[] = [];
  const removed = new Map(all.map((each) => [each.address, each]));
  for (const address of innerFirst(inOrder(Object.fromEntries(all.map((each) => [each.address, each.want]))).toReversed(), removed)) {
    const { want, have, now: current, right } = removed.get(address)!;
    const { kind } = kindOf(address);
    // What no run has changed is not put back: whatever became of it is somebody's own doing.
    const steps = right ? [] : kind.undo(want, have, current);
    if (typeof steps === "string") {
      results.push({ address, outcome: "skipped", changes: [], reason: `can't be undone: ${steps}` });
      continue;
    }
    forgotten.push({ address, thing: thingOf(address, want) });
    const [now, then] = [steps.filter((step) => !step.late), steps.filter((step) => step.late)];
    const of = { address, path: kind.path?.(want), undo: true };
    if (now.length > 0) early.push({ ...of, steps: now });
    if (then.length > 0) late.push({ ...of, steps: then });
    results.push({ address, outcome: steps.length > 0 ? "pending" : "unchanged", changes: steps.map(({ change }) => change) });
  }
  const heard = hear(
    bereft,
    forgotten.filter(
      ({ address }) => !removed.get(address)!.right && kindOf(address).kind.path?.(removed.get(address)!.want) !== undefined,
    ),
  );
  const told = heard.map(({ address, steps }): Result => ({ address, outcome: "pending", changes: steps.map(({ change }) => change) }));
  return { changes: together([...early, ...late, ...heard]), results: [...results, ...told], forgotten };
}

/** Where a folder took the place of a link, what lies in it goes before the folder: by their kinds, links would go first. */
function innerFirst(order: readonly Address[], removed: ReadonlyMap<Address, Removed>): readonly Address[] {
  const pathOf = (address: Address) => kindOf(address).kind.path?.(removed.get(address)!.want);
  const folders = order.filter((address) => {
    const { kind } = kindOf(address);
    return kind.kind === "link" && kind.standing?.(removed.get(address)!.now).type === "directory";
  });
  const isInner = (address: Address) => folders.some((folder) => pathOf(address)?.startsWith(`${pathOf(folder)}/`));
  return folders.length === 0 ? order : [...order.filter(isInner), ...order.filter((address) => !isInner(address))];
}

/** What another role still wants is not undone, but reads files that are: also where an earlier run put them back, and was cut short. */
function hear(bereft: readonly Removed[], undone: readonly Forgotten[]): readonly Change[] {
  const owes = undone.map(({ address }) => address);
  const all = bereft.map(({ address, want, now }) => ({ address, steps: kindOf(address).kind.heard?.(want, now, owes) ?? [] }));
  return all.filter(({ steps }) => steps.length > 0).map((each) => ({ ...each, undo: true, owes }));
}
