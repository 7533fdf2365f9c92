// What is run, and in which order. Pure.

/** Each case once a round, one after the other, so that whatever drifts (a neighbour, a cache, a burst's credits) drifts for all. */
export function inTurn<T>(cases: readonly T[], rounds: number): readonly { readonly each: T; readonly round: number }[] {
  return Array.from({ length: rounds }, (_, index) => {
    // Whoever was first in one round is last in the next.
    const turn = index % 2 === 0 ? cases : cases.toReversed();
    return turn.map((each) => ({ each, round: index + 1 }));
  }).flat();
}

/** Seconds that it will take, the making of data left out. */
export const estimate = (passes: number, { time, ramp }: { readonly time: number; readonly ramp: number }): number =>
  passes * (time + ramp + 1);

/** Of one row of sysbench's table, its index among it. */
export const rowBytes = 240;
/** The write-up that this follows had 50,000,000 rows, 12 GB, on servers of 60 and 244 GB. */
const mostRows = 50_000_000;
const fewestRows = 10_000;

/** Half of the memory, as of the server that has least: a table that is another one on each server compares nothing. */
export function rowsFor(memories: readonly number[]): number {
  const half = Math.floor(Math.min(...memories) / 2 / rowBytes);
  return Math.max(fewestRows, Math.min(mostRows, Number(half.toPrecision(2))));
}

/** Of the file that a disk is tried with: no more than the memory or a quarter of what is free, since each server writes it whole. */
export function fileBytes(memories: readonly number[], free: readonly number[]): number {
  const most = Math.min(4 * 1024 ** 3, ...memories, ...free.map((each) => each / 4));
  return Math.max(16, Math.floor(most / 1024 ** 2)) * 1024 ** 2;
}
