// Was it better? Two groups of runs, and how sure the answer is. Pure.

import { UserError } from "../../../spec/problem.ts";
import { typed } from "../../../spec/typed.ts";
import type { RunEntry } from "../runs.ts";
import { isScore, kindOf, mean, type Noise } from "./noise.ts";
import { studentBelow } from "./student.ts";

export interface Comparison {
  readonly verdict: "better" | "worse" | "not known";
  /** 0.12: twelve percent more. Undefined where one of them has no score. */
  readonly change?: number;
  /** That the second is better, where it looks so, or worse, where that. */
  readonly confidence: number;
  /** Runs of each that would make it known, if the difference is what it looks like. */
  readonly runsWanted?: number;
  readonly why?: string;
}

export const sure = 0.95;
/** Of a difference in deviations, for `sure` on a few runs. */
const needed = 2;
const mostRuns = 100;

export function compared(a: readonly number[], b: readonly number[], { deviation, freedom }: Noise): Comparison {
  if (a.length === 0 || b.length === 0) {
    if (a.length === b.length) return { verdict: "not known", confidence: 0, why: "none of them passed" };
    return {
      verdict: a.length === 0 ? "better" : "worse",
      confidence: 1,
      why: `${a.length === 0 ? "the first" : "the second"} never passed`,
    };
  }
  const by = mean(b.map(Math.log)) - mean(a.map(Math.log));
  const error = deviation * Math.sqrt(1 / a.length + 1 / b.length);
  const confidence = studentBelow(Math.abs(by) / error, freedom);
  const change = Math.exp(by) - 1;
  if (confidence >= sure) return { verdict: by > 0 ? "better" : "worse", change, confidence };
  const runsWanted = Math.max(2, Math.ceil(2 * ((needed * deviation) / Math.max(Math.abs(by), 1e-9)) ** 2));
  return { verdict: "not known", change, confidence, ...(runsWanted <= mostRuns && { runsWanted }) };
}

/** Runs that a word means: `7` and those like it, a commit, `last`, `best`. Throws a UserError for none. */
export function runsOf(word: string, history: readonly RunEntry[]): readonly RunEntry[] {
  const scored = history.filter(isScore);
  const best = scored.reduce<RunEntry | undefined>((a, b) => (a === undefined || b.score! > a.score! ? b : a), undefined);
  const one = word === "last" ? history.at(-1) : word === "best" ? best : history.find(({ run }) => String(run) === word);
  const found = one
    ? history.filter((each) => kindOf(each) === kindOf(one))
    : history.filter(({ commit }) => /^[0-9a-f]{4,}/.test(word) && commitIs(commit, word));
  if (found.length > 0) return found;
  const runs = history.map(({ run }) => run);
  throw new UserError(
    `${word}: expected a run (${runs.length === 0 ? "there is none yet" : `${runs[0]} to ${runs.at(-1)}`}), last, best or a commit that was measured, got neither; next: ${typed()} score`,
  );
}

/** What two words mean. Throws a UserError where that is one thing. */
export function twoOf(a: string, b: string, history: readonly RunEntry[]): readonly [readonly RunEntry[], readonly RunEntry[]] {
  const [before, after] = [runsOf(a, history), runsOf(b, history)];
  if (history.length === 1) throw new UserError(`compare: expected two runs, got one, run ${history[0]!.run}; next: ${typed()} bench`);
  if (!before.some(({ run }) => after.some((each) => each.run === run))) return [before, after];
  const got =
    before.length === 1
      ? `${a} and ${b}, which are both run ${before[0]!.run}`
      : `${a} and ${b}, which have the same commit and configuration`;
  throw new UserError(`compare: expected two different things, got ${got}`);
}

const commitIs = (commit: string | undefined, word: string): boolean =>
  commit !== undefined && !commit.endsWith("+") && (commit.startsWith(word) || word.startsWith(commit));

export const scoresOf = (entries: readonly RunEntry[]): readonly number[] => entries.filter(isScore).map(({ score }) => score!);
