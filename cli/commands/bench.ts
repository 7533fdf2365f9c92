// fleet bench: a benchmark, with what the servers did meanwhile.
import { relative } from "node:path";
import { createInterface } from "node:readline/promises";
import { fleetUp } from "../../operations/fleet-up.ts";
import { kept } from "../../operations/measure/bench.ts";
import { textOf } from "../../operations/measure/report/text.ts";
import { measure } from "../../operations/measure/run/measure.ts";
import { middleFor } from "../../operations/measure/run/middle.ts";
import { newRun, runsFolder } from "../../operations/measure/runs.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { planOf } from "../../provisioners/stack.ts";
import { changes } from "../../pulumi/interruption.ts";
import { BenchSpec } from "../../spec/bench.ts";
import { secondsOf } from "../../spec/scalars.ts";
import { behindDashes, stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { waiting } from "../progress.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { isTerminal } from "../terminal.ts";

export const bench: Register = (program, done) =>
  program
    .command("bench")
    .description("run the benchmark, and say what the servers did meanwhile: requests, queries, processes, and what to look at first")
    .argument("[servers...]", `servers that are measured: ${selectionHelp}`)
    .usage("[options] [servers...] [-- command...]")
    .option(...stackOption)
    .option("--final", "as it counts: logs and samplers off, and they stay off", false)
    .option("--wait", "wait for a benchmark that somebody starts elsewhere", false)
    .option("--score <number>", "the score, where nothing here prints it", Number)
    .option("--note <text>", "a word for the ledger: what was changed")
    .option("--json", "score and figures as JSON", false)
    .addHelpText(
      "after",
      `
The stack file's \`bench:\` says how (fleet docs measuring); without it, GET / of the first server for 30 s.

Examples:
  fleet bench                         measured: logs on, samplers on, put back afterwards
  fleet bench --final                 as it counts: both off
  fleet bench --note 'index on note'  with a word for the ledger
  fleet bench -- ./bench -target 10.0.0.11
  fleet bench --wait                  press the button of the portal; the first request begins it

What was measured stays in runs/STACK/N/. Exit codes: 0 passed, 1 failed or without a score.`,
    )
    .action((words: string[], options: Options) => done(run(words, options)));

interface Options {
  readonly stack?: string;
  readonly final: boolean;
  readonly wait: boolean;
  readonly score?: number;
  readonly note?: string;
  readonly json: boolean;
}

async function run(words: readonly string[], options: Options): Promise<number> {
  const { ours, behind } = behindDashes(words);
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const servers = select(fleet.servers, ours);
  const written = planOf(stack).spec.bench ?? BenchSpec.parse({});
  const spec = {
    ...written,
    ...(options.wait && { wait: true }),
    ...(behind && behind.length > 0 && { command: behind.join(" "), wait: false }),
  };
  const middle = middleFor(spec, fleet, { score: options.score, ask: askScore, hear: (line) => console.error(`  ${line}`) });
  const { run: number, folder } = newRun(runsFolder(stack));
  const phases = { now: "makes the servers ready" };
  changes();
  const measured = await waiting(
    () => `bench: ${phases.now}`,
    () =>
      measure({
        servers,
        folder,
        final: options.final,
        restart: spec.restart,
        limit: Math.ceil(secondsOf(spec.timeout)) + 120,
        what: `fleet bench ${stack}`,
        tell: (phase) => {
          phases.now = phase;
        },
        onWait: (server, why) => console.error(`${server}: ${why}`),
        middle: (open) => middle(open, servers),
      }),
  );
  const report = await kept({
    stack,
    run: number,
    folder,
    measured,
    servers,
    final: options.final,
    uris: spec.uris,
    ...(options.note !== undefined && { note: options.note }),
  });
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else console.log(textOf(report));
  const own = relative(process.cwd(), folder);
  console.error(`\n${own.startsWith("..") ? folder : own}/ keeps it all`);
  return measured.passed ? 0 : 1;
}

/** Of the portal. Without a terminal, and without a number, there is none. */
async function askScore(): Promise<number | undefined> {
  if (!isTerminal()) return undefined;
  const questions = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await questions.question("The score that the portal shows (nothing where it failed): ");
  questions.close();
  const score = Number(answer.replaceAll(",", "").trim());
  return answer.trim() === "" || !Number.isFinite(score) ? undefined : score;
}
