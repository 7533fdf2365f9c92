// A sequence of what happens to a fleet in its life, made from a seed. Plain data: a failing one is shrunk, kept as a case, and run again.
import { byHand, crosses, files, operations, options } from "./menu.ts";
import { troubles } from "./troubles.ts";

/**
 * What happens to a running command, in milliseconds after its start: kill -9 of everything; the cable out for `cut` of them; or from the
 * start on: the disk full but for `kib`, or one of the troubles.
 */
export interface Mishap {
  readonly killed?: number;
  readonly cut?: number;
  readonly at?: number;
  readonly kib?: number;
  readonly under?: string;
}

export type Step =
  /** The stack file says it, or says it no more. */
  | { readonly edit: string; readonly on: boolean }
  /** The `variant`-th content of the path; without one the file goes from the overlay. */
  | { readonly lay: string; readonly variant?: number }
  | { readonly rename: "team" | "server" }
  | ({ readonly up: true } & Mishap)
  | ({ readonly down: true } & Mishap)
  | { readonly reboot: true }
  /** The operator's computer is another one, which knows the stack file alone. */
  | { readonly lost: "state" }
  | { readonly hand: string }
  /** A command beside the roles; `killed` as with an `up`. */
  | { readonly operate: string; readonly killed?: number };

export type Random = () => number;

/** mulberry32 */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

function edits(random: Random, count: number): readonly Step[] {
  return Array.from({ length: count }, (): Step => {
    if (random() < 0.5) return { edit: pick(random, Object.keys(options)), on: random() < 0.7 };
    const path = pick(random, Object.keys(files));
    return random() < 0.7 ? { lay: path, variant: Math.floor(random() * files[path]!.length) } : { lay: path };
  });
}

/** Of a command that takes some `length` milliseconds, where it is on its own. */
function mishap(random: Random, length: number): Mishap {
  const chance = random();
  const at = 1000 + Math.floor(random() * length);
  if (chance < 0.35) return { killed: at };
  if (chance < 0.55) return { at, cut: 2000 + Math.floor(random() * 8000) };
  if (chance < 0.75) return { kib: Math.floor(random() * random() * 4096) };
  return { under: pick(random, Object.keys(troubles)) };
}

const up = (random: Random): Step => ({ up: true, ...(random() < 0.45 && mishap(random, 9000)) });
const down = (random: Random): Step => ({ down: true, ...(random() < 0.5 && mishap(random, 6000)) });

function afterwards(random: Random): readonly Step[] {
  const chance = random();
  if (chance < 0.35) return [{ hand: pick(random, Object.keys(byHand)) }];
  if (chance < 0.48) return [{ reboot: true }];
  if (chance < 0.58) return [{ rename: random() < 0.5 ? "team" : "server" }];
  if (chance < 0.72) return [down(random)];
  if (chance < 0.77) return [{ lost: "state" }];
  if (chance < 0.87) return [{ operate: pick(random, Object.keys(operations)) }];
  if (chance < 0.91) return [{ operate: pick(random, Object.keys(operations)), killed: 500 + Math.floor(random() * 2500) }];
  return [];
}

/** Begins with a fresh server; a last `down` is not in it. */
export function sequenceOf(seed: number): readonly Step[] {
  const random = randomOf(seed);
  const rounds = 2 + Math.floor(random() * 3);
  return Array.from({ length: rounds }, () => [...edits(random, 2 + Math.floor(random() * 6)), up(random), ...afterwards(random)]).flat();
}

/** What a sequence means up to a step, for the stack file and the overlay. Of two that can't both be there the later counts. */
export interface Draft {
  readonly options: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

export function draftOf(steps: readonly Step[]): Draft {
  const chosen = new Set<string>();
  const laid = new Map<string, string>();
  for (const step of steps) {
    if ("edit" in step) step.on ? chosen.add(step.edit) : chosen.delete(step.edit);
    if (!("lay" in step)) continue;
    laid.delete(step.lay);
    if (step.variant === undefined) continue;
    for (const other of laid.keys()) if (crosses(step.lay, other)) laid.delete(other);
    laid.set(step.lay, files[step.lay]![step.variant]!);
  }
  return { options: Object.keys(options).filter((each) => chosen.has(each)), files: Object.fromEntries(laid) };
}

/** The fewest steps that still fail, as far as dropping whole stretches finds them; each try costs a run. */
export async function shrunk(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
  tries = 40,
): Promise<readonly Step[]> {
  let [best, left] = [steps, tries];
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.length && left > 0; ) {
      const without = [...best.slice(0, from), ...best.slice(from + size)];
      left--;
      if (await fails(without)) best = without;
      else from += size;
    }
  }
  return best;
}
