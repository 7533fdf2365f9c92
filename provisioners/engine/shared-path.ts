// What was there before anything of ours, where two kinds meet at one path: a whole file (a file of the team's) that takes the place of one
// with a managed block, or the other way round, in one run or over several.
import { missing } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { type Original, type Thing, thingOf } from "./journal.ts";

/** A first change, as it is remembered. */
export interface First {
  readonly original: Original;
  /** Whose copy is the true original: what stands at the path is undone in this run. */
  readonly from?: Original;
  /** Parts of the file that are ours, and no part of its original. */
  readonly parts: readonly Original[];
}

const isShared = ({ address }: Original): boolean => kindOf(address).kind.shared ?? false;
const pathOf = ({ address, want }: Original): string | undefined => kindOf(address).kind.path?.(want);
const typeOf = ({ have }: Original): unknown => (have as { readonly type?: unknown } | undefined)?.type;

/** @param undone what goes back to what it was in the same run, before the first change */
export function firstOf(original: Original, known: readonly Original[], undone: ReadonlySet<Thing>): First {
  const path = pathOf(original);
  const here = path === undefined ? [] : known.filter((each) => pathOf(each) === path);
  if (isShared(original)) {
    const whole = here.find((each) => !isShared(each) && undone.has(thingOf(each.address, each.want)));
    return whole && typeOf(whole) !== undefined
      ? { original: { ...original, have: whole.have }, from: whole, parts: [] }
      : { original, parts: [] };
  }
  const parts = here.filter(isShared);
  return parts.some((part) => typeOf(part) === missing) && isOurs(original.have)
    ? { original: { ...original, have: { type: missing } }, parts: [] }
    : { original, parts };
}

const block = /^# BEGIN fleet .*\n(?:(?!# END fleet ).*\n)*# END fleet .*(?:\n|$)/gm;

/** Nothing stands in it but blocks of ours. */
function isOurs(have: unknown): boolean {
  const { content } = (have ?? {}) as { readonly content?: Buffer };
  return content !== undefined && content.toString("utf8").replace(block, "") === "";
}
