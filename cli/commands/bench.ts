// fleet bench: a benchmark, with what the servers did meanwhile.
import { relative } from "node:path";
import { InvalidArgumentError } from "commander";
import { fleetUp } from "../../operations/fleet-up.ts";
import { textOf } from "../../operations/measure/report/text.ts";
import { numberIn } from "../../operations/measure/score.ts";
import { selectionHelp } from "../../operations/select.ts";
import { behindDashes, stackOption } from "../behind-dashes.ts";
import { benchOf } from "../bench-wish.ts";
import type { Register } from "../command.ts";
import { measuredRun } from "../measured-run.ts";
import { stackInMind } from "../stack-in-mind.ts";

function times(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError("expected a number from 1 to 99");
  return Number(text);
}

function score(text: string): number {
  const value = numberIn(text);
  if (value === undefined) throw new InvalidArgumentError("expected a number");
  return value;
}

export const bench: Register = (program, done) =>
  program
    .command("bench")
    .description("run the benchmark, and say what the servers did meanwhile: requests, queries, processes, and what to look at first")
    .argument("[servers...]", `servers that are measured: ${selectionHelp}`)
    .usage("[options] [servers...] [-- command...]")
    .option(...stackOption)
    .option("--final", "as it counts: logs and samplers off, and they stay off", false)
    .option("--wait", "wait for a benchmark that somebody starts elsewhere", false)
    .option("--repeat <number>", "runs, one after the other: a score alone says little", times, 1)
    .option("--score <number>", "the score, where nothing here prints it", score)
    .option("--note <text>", "a word for the ledger: what was changed")
    .option("-y, --yes", "without a question, where the stack file does not say how to measure", false)
    .option("--json", "score and figures as JSON, a list", false)
    .addHelpText(
      "after",
      `
The stack file's \`bench:\` says how (fleet docs measuring). Without it, and after a question, GET / of the first server for 30 s.

Examples:
  fleet bench                         measured: logs on, samplers on, put back afterwards
  fleet bench --final                 as it counts: both off
  fleet bench --note 'index on note'  with a word for the ledger
  fleet bench --repeat 3              so that fleet score compare knows the noise
  fleet bench -- ./bench -target {isu1}
  fleet bench --wait                  press the button of the portal; the first request begins it

What was measured stays in runs/STACK/N/. Exit codes: 0 passed, 1 failed or without a score.`,
    )
    .action((words: string[], options: Options) => done(run(words, options)));

interface Options {
  readonly stack?: string;
  readonly final: boolean;
  readonly wait: boolean;
  readonly repeat: number;
  readonly score?: number;
  readonly note?: string;
  readonly yes: boolean;
  readonly json: boolean;
}

async function run(words: readonly string[], { stack: named, final, wait, repeat, score, note, yes, json }: Options): Promise<number> {
  const { ours, behind } = behindDashes(words);
  const stack = named ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const command = behind && behind.length > 0 ? behind.join(" ") : undefined;
  const spec = await benchOf(fleet, { yes, ...(wait && { wait }), ...(command !== undefined && { command, wait: false }) });
  const reports = [];
  for (let index = 0; index < repeat; index++) {
    const { report, folder } = await measuredRun({ fleet, spec, servers: ours, final, score, note, quiet: json });
    reports.push(report);
    if (json) continue;
    console.log(`${index > 0 ? "\n" : ""}${textOf(report)}`);
    const own = relative(process.cwd(), folder);
    console.error(`\n${own.startsWith("..") ? folder : own}/report.html shows it all`);
  }
  if (json) console.log(JSON.stringify(reports, null, 2));
  return reports.every(({ entry }) => entry.passed) ? 0 : 1;
}
