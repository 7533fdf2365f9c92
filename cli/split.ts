// What `fleet split` shows before, says while it goes, and tells at its end.
import { structuredPatch } from "diff";
import { maskOf } from "../operations/fleet-up.ts";
import { type RunNotes, recorded } from "../operations/history/history.ts";
import { RunRecord } from "../operations/record.ts";
import type { Wish } from "../operations/split/edits.ts";
import type { SplitRecord } from "../operations/split/record.ts";
import { SplitFailed, type Times } from "../operations/split/runner.ts";
import { mebibytes, type SplitPlan, Splits } from "../operations/split/split.ts";
import { interrupted, throwIfInterrupted } from "../pulumi/interruption.ts";
import { UserError } from "../spec/problem.ts";
import { waiting } from "./progress.ts";
import { labels } from "./server-lines.ts";
import { columns, confirm, isTerminal, styled, wrapped } from "./terminal.ts";

export interface SplitOptions {
  readonly dryRun: boolean;
  readonly health?: string;
  readonly anyway: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** A move, or without one the way back of the last. */
export async function split(stack: string, wish: Wish | undefined, options: SplitOptions): Promise<number> {
  if (!options.dryRun && !options.yes && !isTerminal())
    throw new UserError("split: expected a terminal, to ask on, got none; next: add --yes, or --dry-run for the plan alone");
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
    const mask = maskOf(plan.fleet);
    if (!options.json) console.log(mask(planText(plan)));
    if (options.dryRun) {
      if (options.json) console.log(mask(JSON.stringify({ ...planData(plan), result: "planned" }, null, 2)));
      return 0;
    }
    const { role, from, to } = plan.record.wish;
    await confirm(`split changes the servers of ${stack}: ${role} from ${from} to ${to}, as shown above`, stack, options.yes);
    throwIfInterrupted();
    return await recorded({ stack, what: "split" }, (notes) => done(splits, plan, options, notes));
  } finally {
    await splits.close();
  }
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
  for (const each of times.late) console.error(mask(styled("red", `split: ${each}`)));
  // Its lines are no JSON.
  const up = await agreed(stack, options.json);
  const code = up === 0 && times.late.length > 0 ? 1 : up;
  if (options.json)
    console.log(mask(JSON.stringify({ ...planData(plan), result: back === undefined ? "moved" : "back", ...times, up }, null, 2)));
  else console.log(mask(recap(plan.record, times, code)));
  return code;
}

/** The state learns of it by an ordinary up, which finds everything in its place. */
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
          `next: put right what they say, then ./fleet split ${stack} --undo`,
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
        const code = await agreed(stack, options.json);
        await splits.again();
        console.error(`${stack}: ${wish.role} was on ${wish.to} already, with what was written since: it was done to its end`);
        isDone = code === 0 && record.back === undefined;
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

const sentence = ({ wish: { role, from, to }, back }: SplitRecord): string =>
  `${role} from ${from} ${back === undefined ? "to" : "back to"} ${to}`;

function recap({ stack, wish: { role, to }, back }: SplitRecord, { seconds, stopped }: Times, code: number): string {
  const stop = stopped > 0 ? `, of which nobody could write for ${stopped.toFixed(1)} s` : "";
  const next =
    code !== 0
      ? [`what is said above is still to be put right; next: ./fleet up ${stack}, or ./fleet split ${stack} --undo`]
      : back === undefined
        ? [`commit the stack file and the team's files for the others; ./fleet split ${stack} --undo takes it back`]
        : [];
  return [
    `${styled("bold", stack)}: ${role} is on ${to}${back === undefined ? "" : " again"}; ${seconds.toFixed(1)} s${stop}`,
    ...next,
  ].join("\n");
}

function planData({ record: { stack, wish, seen, clients, back, stackFile }, steps, changes, notes }: SplitPlan) {
  return {
    ...{ stack, ...wish, undo: back !== undefined, data: seen.from.items, kept: keptItems(seen), clients },
    files: changes.map(({ server, path, lines }) => ({ server, path, changes: lines.map(([before, after]) => ({ before, after })) })),
    stackFile: patch(stackFile),
    steps: steps.map(({ at, what, writes }) => ({ at, what, ...(writes && { writes }) })),
    notes,
  };
}

const keptItems = ({ from, to }: SplitRecord["seen"]) => to.items.filter(({ name }) => from.items.some((each) => each.name === name));

const patch = ({ before, after }: SplitRecord["stackFile"]): readonly string[] =>
  structuredPatch("", "", before, after, "", "", { context: 0 }).hunks.flatMap(({ lines }) => lines.filter((line) => /^[+-]/.test(line)));

/** Bytes a second that a dump takes to be read, sent, loaded and summed, on a small server. */
const pace = 12 * 2 ** 20;
export const secondsOf = (bytes: number): number => Math.max(3, Math.ceil(2 + bytes / pace));

/** As a preview has it. */
export function planText({ record, steps, changes, notes, ground }: SplitPlan): string {
  const { stack, wish, seen, stackFile, back } = record;
  const bytes = seen.from.items.reduce((sum, each) => sum + each.bytes, 0);
  const head = `${styled("bold", stack)}: ${sentence(record)}${back === undefined || !ground.move.data ? "" : ", with what was written since"}`;
  const items = seen.from.items.map(({ name, bytes: size, detail }) => [`  ${name}`, mebibytes(size), detail]);
  const kept =
    back === undefined
      ? keptItems(seen).map(
          ({ name, bytes: size }) => `  ${wish.to} has ${name} (${mebibytes(size)}) of its own: kept there, until the split is taken back`,
        )
      : [];
  const writes = steps.some((each) => each.writes === "stop")
    ? [
        wrapped(
          `writes stop for about ${secondsOf(bytes)} s${steps.some(({ what }) => what === "stops writes") ? "; whoever reads goes on" : ", and so do the programs that use it"}; these start again once`,
          "  ",
        ),
      ]
    : [];
  const data = ground.move.data ? [styled("bold", "data"), ...(items.length > 0 ? [columns(items)] : ["  none"]), ...kept, ...writes] : [];
  const files = changes.flatMap(({ server, path, lines }) => [
    `  ${server}:${path}`,
    ...lines.flatMap(([before, after]) => [
      ...(before === "" ? [] : [styled("red", `    - ${before}`)]),
      ...(after === "" ? [] : [styled("green", `    + ${after}`)]),
    ]),
  ]);
  const text = patch(stackFile).map((line) => styled(line.startsWith("+") ? "green" : "red", `  ${line[0]} ${line.slice(1)}`));
  const order = columns(steps.map(({ at, what }, index) => [`  ${String(index + 1).padStart(2)}`, at, what]));
  const more = notes.map((note) => `${styled("yellow", "note")}\n${wrapped(note, "  ")}`);
  const section = (title: string, lines: readonly string[]) => (lines.length > 0 ? [`${styled("bold", title)}\n${lines.join("\n")}`] : []);
  return [
    head,
    ...(data.length > 0 ? [data.join("\n")] : []),
    ...section("files", files),
    ...section("stack file", text),
    ...section("steps", [order]),
    ...more,
  ].join("\n\n");
}
