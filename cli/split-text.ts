// A split in words: what it will do, as a preview has it, and what became of it.

import { structuredPatch } from "diff";
import type { SplitRecord } from "../operations/split/record.ts";
import { mebibytes } from "../operations/split/refuse.ts";
import type { Times } from "../operations/split/runner.ts";
import type { SplitPlan } from "../operations/split/split.ts";
import { typed } from "../spec/typed.ts";
import { columns, styled, wrapped } from "./terminal.ts";

/** Of history, questions and headings. */
export const sentence = ({ wish: { role, from, to, stays }, back }: SplitRecord): string =>
  stays ? `${role} of ${from} on ${to} too` : `${role} from ${from} ${back === undefined ? "to" : "back to"} ${to}`;

/** What became of it, and what to type next. */
export function recap(record: SplitRecord, { seconds, stopped, written }: Times, code: number): string {
  const { stack, wish, back } = record;
  const stop = stopped > 0 ? `, of which nobody could write for ${stopped.toFixed(1)} s` : "";
  return [
    `${styled("bold", stack)}: ${wish.role} is on ${wish.stays ? `${wish.from} and ` : ""}${wish.to}${back === undefined ? "" : " again"}; ${seconds.toFixed(1)} s${stop}`,
    ...nextAfter(record, written, code),
  ].join("\n");
}

export function nextAfter({ stack, wish, back, stackFile }: SplitRecord, written: boolean, code: number): readonly string[] {
  if (!written)
    return [
      `no up was done: the stack file does not say so yet, and an up would go back to ${wish.from}'s; next: write there`,
      ...patch(stackFile).map((line) => `  ${line[0]} ${line.slice(1)}`),
      `and in the team's files what the plan showed, then ${typed()} up ${stack}`,
    ];
  if (code !== 0) return [`what is said above is still to be put right; next: ${typed()} up ${stack}, or ${typed()} split ${stack} --undo`];
  return back === undefined
    ? [`commit the stack file and the team's files for the others; ${typed()} split ${stack} --undo takes it back`]
    : [];
}

/** For scripts. */
export function planData({ record: { stack, wish, seen, clients, back, stackFile }, steps, changes, notes }: SplitPlan) {
  return {
    ...{ stack, ...wish, undo: back !== undefined, data: seen.from.items, kept: keptItems(seen), clients },
    files: changes.map(({ server, path, lines }) => ({ server, path, changes: lines.map(({ before, after }) => ({ before, after })) })),
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
const secondsOf = (bytes: number): number => Math.max(3, Math.ceil(2 + bytes / pace));

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
  const { data: copies, tree } = ground.move;
  const title = tree ? "copied as it stands, by way of this computer" : "data";
  const none = tree ? `  nothing: ${wish.to} has the same, or gets it from the repository` : "  none";
  const data = copies || tree ? [styled("bold", title), ...(items.length > 0 ? [columns(items)] : [none]), ...kept, ...writes] : [];
  const files = changes.flatMap(({ server, path, lines }) => [
    `  ${server}:${path}`,
    ...lines.flatMap(({ before, after }) => [
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
