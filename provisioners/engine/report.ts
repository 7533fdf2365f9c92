// What a look or a converge found, as data. Text, JSON and JUnit are functions of it.
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
