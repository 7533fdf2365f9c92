// What a look or a converge found, as data. Text, JSON and JUnit are functions of it.
import { counted } from "../../spec/counted.ts";
import type { Address } from "../resources/kind.ts";

export const outcomes = ["unchanged", "changed", "pending", "failed", "skipped", "not-applicable", "not-looked-at"] as const;
export type Outcome = (typeof outcomes)[number];

export interface Result {
  readonly address: Address;
  readonly outcome: Outcome;
  /** The sentences of the steps: done, or (pending) to do. */
  readonly changes: readonly string[];
  /** Why it failed, was skipped, does not apply, or was not looked at. */
  readonly reason?: string;
  /** What to know beside the outcome: parts that do not apply on this server. */
  readonly notes?: readonly string[];
  /** What its steps said that outlives the run: what stays, and how to take it back. */
  readonly said?: readonly string[];
  /** What of others' its undo left there, and how to take it away. */
  readonly stays?: readonly string[];
}

/** How many of its steps hold: not what failed, was rolled back or never began. */
export const held = (results: readonly Result[]): number =>
  results.reduce((sum, { outcome, changes }) => sum + (outcome === "changed" ? changes.length : 0), 0);

/** The last word of a role's steps, for whoever counted them as they began. */
export const heldSentence = (results: readonly Result[]): string => `${counted(held(results), "step")} done for good`;
/** Undefined: it says something else. */
export function heldIn(sentence: string): number | undefined {
  const count = /^(\d+) steps? done for good$/.exec(sentence)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** What a run ends with where roles did without what could not be had: `isu1 base`. Each has said itself what that is. */
export const incompleteSentence = (steps: readonly string[]): string =>
  `not all could be had: ${steps.join(", ")}; see above, the rest is done`;
export const isIncompleteSentence = (text: string): boolean => /(^|: )not all could be had: .*; see above, the rest is done/.test(text);

export interface RoleReport {
  readonly host: string;
  readonly role: string;
  readonly results: readonly Result[];
  /** What to know of the server beside its resources. */
  readonly notes?: readonly string[];
}

const marks: Readonly<Record<Outcome, string>> = {
  unchanged: "=",
  changed: "~",
  pending: "?",
  failed: "!",
  skipped: "-",
  "not-applicable": "/",
  "not-looked-at": "·",
};
export const mark = (outcome: Outcome): string => marks[outcome];
