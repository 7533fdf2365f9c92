// Whether a stack survives its retest, and why not. Pure.
import type { Finding } from "../doctor/finding.ts";

export interface Rebooted {
  readonly server: string;
  /** Seconds until it did its work again; undefined where it did not come back in time. */
  readonly seconds?: number;
  /** What does not do its work any more. */
  readonly dead: readonly string[];
  /** What differs from the stack file, and did not before. */
  readonly drift: readonly string[];
  readonly marks: number;
  /** What was written before the reboot and is not there. */
  readonly lost: readonly string[];
  /** Why it could not be looked at. */
  readonly error?: string;
}

export interface Retest {
  readonly stack: string;
  /** Of each server, what lives only at run time there. */
  readonly faults: readonly Finding[];
  /** In the order of their reboots; undefined where nothing was rebooted. */
  readonly rebooted?: readonly Rebooted[];
  /** Of measured runs, where they were wanted: the one before, and those after until one was good enough. */
  readonly scores?: { readonly before?: number; readonly after: readonly (number | undefined)[] };
}

export interface Verdict {
  readonly passed: boolean;
  /** Why not, a sentence each; the first is the one to begin with. */
  readonly reasons: readonly string[];
}

/** Of the score before, that a run after the reboot must reach; and how often it may try. */
export const floor = 0.75;
export const tries = 3;

export const isGoodEnough = (before: number, after: number | undefined): boolean => after !== undefined && after > before * floor;

export function verdictOf({ faults, rebooted, scores }: Retest): Verdict {
  const found = rebooted
    ? rebooted.flatMap(serverReasons)
    : faults.filter(({ state }) => state === "failure").map(({ of, what, text }) => `${of}: ${what}: ${text}`);
  const reasons = [...found, ...(scores ? scoreReasons(scores) : [])];
  return { passed: reasons.length === 0, reasons };
}

function serverReasons({ server, seconds, dead, drift, lost, error }: Rebooted): readonly string[] {
  if (error !== undefined) return [`${server}: ${error}`];
  if (seconds === undefined) return [`${server}: did not come back`];
  return [...lost.map((each) => `${each} is gone`), ...dead, ...drift].map((each) => `${server}: ${each}`);
}

function scoreReasons({ before, after }: NonNullable<Retest["scores"]>): readonly string[] {
  if (before === undefined) return ["the run before the reboot failed, or had no score"];
  if (after.length === 0) return ["no run after the reboot"];
  if (after.some((each) => isGoodEnough(before, each))) return [];
  const all = after.map((each) => each ?? "failed").join(", ");
  return [`after the reboot: ${all}; expected more than ${Math.round(before * floor)}, which is ${floor * 100} % of ${before}`];
}
