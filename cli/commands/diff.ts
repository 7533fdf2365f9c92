// fleet diff: what a run changed, line by line, as a preview shows it beforehand.
import type { HistoryEntry } from "../../operations/history/entry.ts";
import { runOf } from "../../operations/history/history.ts";
import { isMap } from "../../spec/path.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import type { StackPreview } from "../preview/model.ts";
import { text } from "../preview/text.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { styled } from "../terminal.ts";
import { when } from "./history.ts";

export const diff: Register = (program, done) =>
  program
    .command("diff")
    .description("what a run changed, line by line")
    .argument("[run]", "a run of fleet history, by its id or a part of it; default the newest that is no `run` or `retest`")
    .option(...stackOption)
    .option("--full", "show new files in full, not only how many lines they have", false)
    .option("--json", "the run as JSON", false)
    .addHelpText("after", "\nExamples:\n  fleet diff\n  fleet diff 3f2a\n  fleet diff 20261129T1005 -s team-a")
    .action((run: string | undefined, options: Options) => done(show(run, options)));

interface Options {
  readonly stack?: string;
  readonly full: boolean;
  readonly json: boolean;
}

async function show(id: string | undefined, { stack: named, full, json }: Options): Promise<number> {
  const run = await runOf(named ?? (await stackInMind()), id);
  console.log(json ? JSON.stringify(run, null, 2) : told(run, full));
  return 0;
}

const isPreview = (detail: unknown): detail is StackPreview => isMap(detail) && Array.isArray(detail.servers) && isMap(detail.counts);

export function told(run: HistoryEntry, full = false): string {
  const { at, who, command, result, seconds, summary, servers, commit, detail } = run;
  const head = [
    `${styled("bold", run.id)}  ${result}`,
    `${when(at)}, ${seconds} s, ${who}${commit === undefined ? "" : `, at ${commit}`}`,
    command,
  ];
  const where = servers.length > 0 ? [`on ${servers.join(", ")}`] : [];
  const lines = Array.isArray(detail) ? detail.map(String) : [];
  // Its last paragraph says what is to be done.
  const body = isPreview(detail)
    ? [...text(detail, { full }).split("\n\n").slice(0, -1), summary].join("\n\n")
    : [summary, ...where, ...lines].filter(Boolean).join("\n");
  return `${head.join("\n")}\n\n${body}`;
}
