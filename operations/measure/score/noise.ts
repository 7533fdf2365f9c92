// How much a score moves by itself: from runs of the same commit and configuration, over all of the history. Pure.
import { typed } from "../../../spec/typed.ts";
import type { RunEntry } from "../runs.ts";

export interface Noise {
  /** Of a score's logarithm: 0.03 is about 3 %. */
  readonly deviation: number;
  /** Degrees of freedom behind it. */
  readonly freedom: number;
}

/** What is taken for the noise while nobody knows: it weighs as much as three runs of one kind. */
const assumed = { deviation: 0.05, freedom: 2 } as const;

/** As a sentence: nobody takes what is assumed for what was measured. */
export function noiseText({ deviation, freedom }: Noise): string {
  const part = `${(deviation * 100).toFixed(1)} %`;
  return freedom > assumed.freedom
    ? `a score moves by ${part} by itself`
    : `a score is assumed to move by ${part} by itself, until runs are repeated: ${typed()} bench --repeat 3`;
}

export const isScore = ({ passed, score }: RunEntry): boolean => passed && score !== undefined && score > 0;

/** Digits of a commit in the oldest ledgers: git's own choice. */
const shortest = 7;

/** Runs that differ by nothing that is known. What was not committed may be anything: such a run is like none but itself. */
export const kindOf = ({ commit, digest = "", kind, run }: RunEntry): string =>
  commit === undefined || commit.endsWith("+") ? `run ${run}` : [commit.slice(0, shortest), digest, kind].join(" ");

export const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;

export function noiseOf(history: readonly RunEntry[]): Noise {
  const groups = new Map<string, number[]>();
  for (const entry of history.filter(isScore)) groups.set(kindOf(entry), [...(groups.get(kindOf(entry)) ?? []), Math.log(entry.score!)]);
  let squares = assumed.freedom * assumed.deviation ** 2;
  let freedom: number = assumed.freedom;
  for (const values of groups.values()) {
    const middle = mean(values);
    squares += values.reduce((sum, each) => sum + (each - middle) ** 2, 0);
    freedom += values.length - 1;
  }
  return { deviation: Math.sqrt(squares / freedom), freedom };
}
