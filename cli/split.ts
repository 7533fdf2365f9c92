// `fleet split` from its question to its exit code.

import { maskOf } from "../operations/fleet-up.ts";
import { type RunNotes, recorded } from "../operations/history/history.ts";
import { RunRecord } from "../operations/record.ts";
import type { Wish } from "../operations/split/edits.ts";
import type { SplitRecord } from "../operations/split/record.ts";
import { SplitFailed, type Times } from "../operations/split/runner.ts";
import { type SplitPlan, Splits } from "../operations/split/split.ts";
import { needed } from "../operations/unreachable.ts";
import { isUnreachable } from "../provisioners/engine/shell.ts";
import { interrupted, throwIfInterrupted } from "../pulumi/interruption.ts";
import { UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";
import { waiting } from "./progress.ts";
import { labels } from "./server-lines.ts";
import { nextAfter, planData, planText, recap, sentence } from "./split-text.ts";
import { confirm, isTerminal, styled } from "./terminal.ts";

export interface SplitOptions {
  readonly dryRun: boolean;
  readonly health?: string;
  readonly anyway: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** A move, or without one the way back of the last. */
export async function split(stack: string, wish: Wish | undefined, options: SplitOptions): Promise<number> {
  const splits = new Splits(stack);
  try {
    if (!wish) {
      const [newest] = await waiting(
        () => "looks at the servers",
        () => splits.records(),
      );
      if (newest?.state === "under-way") {
        const code = await mended(splits, newest, options);
        if (code !== finished) return code;
      }
    }
    const how = { anyway: options.anyway, ...(options.health !== undefined && { health: options.health }) };
    const plan = await waiting(
      () => "looks at the servers",
      () => (wish ? splits.plan(wish, how) : splits.planBack(how)),
    );
    refuseUnasked(options);
    const mask = maskOf(plan.fleet);
    if (!options.json) console.log(mask(planText(plan)));
    if (options.dryRun) {
      if (options.json) console.log(mask(JSON.stringify({ ...planData(plan), result: "planned" }, null, 2)));
      return 0;
    }
    await confirm(`split changes the servers of ${stack}: ${sentence(plan.record)}, as shown above`, stack, options.yes);
    throwIfInterrupted();
    return await recorded({ stack, what: "split" }, (notes) => done(splits, plan, options, notes));
  } catch (error) {
    throw isUnreachable(error) ? needed(error, stack) : error;
  } finally {
    await splits.close();
  }
}

/** Nobody can be asked; a wrong name is said before. */
function refuseUnasked({ dryRun, yes }: SplitOptions): void {
  if (!dryRun && !yes && !isTerminal())
    throw new UserError("split: expected a terminal, to ask on, got none; next: add --yes, or --dry-run for the plan alone");
}

/** What is said while it goes, and kept. */
function voice(names: readonly string[], mask: (text: string) => string, record: RunRecord) {
  const label = labels(names, process.stderr);
  const begun = performance.now();
  const time = () => `${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s`;
  const said = (server: string, line: string) => {
    record.line(server, mask(`${time()}  ${line}`));
    console.error(`${styled("dim", time())}  ${label(server)} ${mask(line)}`);
  };
  return {
    onOutput: (server: string, line: string) => record.line(server, mask(line)),
    onStep: ({ at, what }: { readonly at: string; readonly what: string }, how: "begins" | "undone" | "not-undone") =>
      said(at, how === "begins" ? what : how === "undone" ? `taken back: ${what}` : `NOT taken back: ${what}`),
  };
}

async function done(splits: Splits, plan: SplitPlan, options: SplitOptions, notes: RunNotes): Promise<number> {
  const { stack, wish, clients, back } = plan.record;
  const mask = maskOf(plan.fleet);
  const record = new RunRecord("split", stack);
  Object.assign(notes, { mask, servers: [...new Set([wish.from, wish.to, ...clients])], summary: sentence(plan.record) });
  const names = [...plan.fleet.servers.map(({ name }) => name), "here"];
  let times: Times;
  try {
    times = await splits.run(plan, voice(names, mask, record));
  } catch (error) {
    if (!(error instanceof SplitFailed)) throw error;
    return failed(plan, error, { ...options, mask, kept: record.shown });
  }
  notes.detail = { ...times, files: plan.changes.map(({ server, path }) => `${server}:${path}`) };
  record.summary({ wish, ...times });
  const { up, code } = await ended(stack, times, mask, options);
  if (options.json)
    console.log(mask(JSON.stringify({ ...planData(plan), result: back === undefined ? "moved" : "back", ...times, up }, null, 2)));
  else console.log(mask(recap(plan.record, times, code)));
  return code;
}

/** What failed once there was no way back is told, and tried once more by the up; without the files that one would go all the way back. */
async function ended(
  stack: string,
  { late, written }: Times,
  mask: (text: string) => string,
  { json }: SplitOptions,
): Promise<{ readonly up: number | undefined; readonly code: number }> {
  for (const each of late) console.error(mask(styled("red", `split: ${each}`)));
  const up = written ? await agreed(stack, json) : undefined;
  return { up, code: up === undefined || (up === 0 && late.length > 0) ? 1 : up };
}

/** The state learns of it by an ordinary up, which finds everything in its place. Its lines are no JSON. */
async function agreed(stack: string, quiet: boolean): Promise<number> {
  const { upOne } = await import("./commands/up.ts");
  const { log } = console;
  if (quiet) console.log = console.error;
  try {
    return await upOne(stack, { yes: true });
  } finally {
    console.log = log;
  }
}

function failed(
  { record }: SplitPlan,
  error: SplitFailed,
  { json, mask, kept }: SplitOptions & { readonly mask: (text: string) => string; readonly kept: string },
): number {
  const { stack } = record;
  const next =
    error.left.length > 0
      ? [
          `NOT taken back wholly:`,
          ...error.left.map((each) => `  ${each}`),
          `next: put right what they say, then ${typed()} split ${stack} --undo`,
        ]
      : ["taken back: everything is as it was before"];
  if (json)
    console.log(
      mask(
        JSON.stringify(
          {
            stack,
            ...record.wish,
            result: error.left.length > 0 ? "not-back" : "taken-back",
            reason: error.message,
            left: error.left,
            kept,
          },
          null,
          2,
        ),
      ),
    );
  console.error(mask([styled("red", `split: ${error.message}`), ...next, `kept in ${kept}`].join("\n")));
  return 1;
}

/** No exit code: a killed run's split was done to its end, and is one to be taken back now. */
const finished = -1;

/** What a killed run left. */
async function mended(splits: Splits, record: SplitRecord, options: SplitOptions): Promise<number> {
  const { stack, wish, at, who, begun } = record;
  console.error(`split: that of ${sentence(record)}, begun ${at} by ${who}, was cut short in step ${begun}`);
  if (options.dryRun) return 0;
  refuseUnasked(options);
  await confirm(`split puts in order what it left on the servers of ${stack}`, stack, options.yes);
  let isDone = false;
  const code = await recorded({ stack, what: "split" }, async (notes) => {
    const fleet = await splits.fleet();
    const mask = maskOf(fleet);
    Object.assign(notes, { mask, servers: [wish.from, wish.to], summary: `puts in order what was left of: ${sentence(record)}` });
    const kept = new RunRecord("split", stack);
    try {
      const done = await splits.mend(record, voice([...fleet.servers.map(({ name }) => name), "here"], mask, kept));
      if (done !== "back") {
        const { up, code } = await ended(stack, done, mask, options);
        await splits.again();
        isDone = code === 0 && record.back === undefined;
        const was = `${stack}: ${wish.role} was on ${wish.to} already, with what was written since: it was done to its end`;
        console.error(mask([was, ...(code === 0 ? [] : nextAfter(record, done.written, code))].join("\n")));
        if (options.json && !isDone)
          console.log(mask(JSON.stringify({ stack, ...wish, result: record.back === undefined ? "moved" : "back", ...done, up })));
        return code;
      }
    } catch (error) {
      if (!(error instanceof SplitFailed)) throw error;
      const lines = [
        error.message,
        ...error.left.map((each) => `  ${each}`),
        `next: put right what they say, then the same again; kept in ${kept.shown}`,
      ];
      console.error(mask(lines.join("\n")));
      return 1;
    }
    console.log(
      options.json ? JSON.stringify({ stack, ...wish, result: "taken-back" }) : `${stack}: taken back; everything is as it was before`,
    );
    return interrupted() ? 130 : 0;
  });
  return isDone ? finished : code;
}
