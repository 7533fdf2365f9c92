// Which stacks a command is for: names and patterns of this checkout's.

import { availableParallelism } from "node:os";
import { InvalidArgumentError, Option } from "commander";
import { stackNames } from "../provisioners/project.ts";
import { didYouMean } from "../spec/messages.ts";
import { UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";
import { failedBefore, type ManyCommand } from "./parallel.ts";

const isPattern = (text: string): boolean => /[*?]/.test(text);

const matcher = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );

/**
 * The stacks that any of the patterns names, in the order of their names; those behind a `!` are left out. Without a pattern that takes
 * something in: all. A name or pattern that is no stack's is an error: a typing mistake must not leave a team out.
 */
export function chosen(patterns: readonly string[], names: readonly string[] = stackNames()): readonly string[] {
  const matching = (pattern: string): readonly string[] => {
    const found = names.filter((name) => matcher(pattern).test(name));
    if (found.length > 0) return found;
    const next = isPattern(pattern) ? "" : didYouMean(pattern, names);
    throw new UserError(`${pattern}: expected stacks of this checkout (${names.join(", ") || "there is none yet"}), got none${next}`);
  };
  const out = new Set(patterns.filter((pattern) => pattern.startsWith("!")).flatMap((pattern) => matching(pattern.slice(1))));
  const into = patterns.filter((pattern) => !pattern.startsWith("!"));
  const taken = new Set(into.length > 0 ? into.flatMap(matching) : names);
  return names.filter((name) => taken.has(name) && !out.has(name));
}

/** Where nothing is typed, the one that FLEET_STACK names, as every command that is for one stack takes it. */
export const meantBy = (patterns: readonly string[], named = process.env.FLEET_STACK): readonly string[] =>
  patterns.length === 0 && named ? [named] : patterns;

/** A run costs about one core for its first seconds and waits for servers afterwards. */
export const parallelDefault = (): number => Math.max(2, availableParallelism() * 2);

export interface ManyChoice {
  readonly all: boolean;
  readonly onlyFailed: boolean;
  readonly parallel: number;
}

function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 64) throw new InvalidArgumentError("expected a number from 1 to 64");
  return number;
}

export const manyOptions = {
  all: () => new Option("--all", "all stacks of this checkout, except those behind a `!`").default(false),
  onlyFailed: () => new Option("--only-failed", "of them, only those whose last run failed").default(false),
  parallel: () => new Option("--parallel <number>", "how many teams at once").argParser(count).default(parallelDefault()),
};

/** One name, and nothing that asks for more. */
export const single = (patterns: readonly string[], { all, onlyFailed }: ManyChoice): boolean =>
  patterns.length === 1 && !all && !onlyFailed && !isPattern(patterns[0]!) && !patterns[0]!.startsWith("!");

/** Nothing is for all stacks by accident: that takes `--all`. */
export function selected(command: ManyCommand, patterns: readonly string[], { all, onlyFailed }: ManyChoice): readonly string[] {
  const names = patterns.filter((pattern) => !pattern.startsWith("!"));
  if (all && names.length > 0)
    throw new UserError(`--all: expected no stacks beside it, got \`${names.join(" ")}\`; leave out one of the two`);
  if (!all && !onlyFailed && names.length === 0)
    throw new UserError(
      `${command}: expected a stack, a pattern or --all, got none; next: ${typed()} ${command} ${meantBy([])[0] ?? "STACK"}`,
    );
  const stacks = chosen(patterns);
  return onlyFailed ? failedBefore(command, stacks) : stacks;
}

export function nothingFailed(command: ManyCommand): number {
  console.log(`${command}: none of these teams failed the last time`);
  return 0;
}
