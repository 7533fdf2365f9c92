// fleet score: the ledger of runs, whether one was better than another, and which commit made it worse.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Command } from "commander";
import { fleetUp } from "../../operations/fleet-up.ts";
import { again } from "../../operations/measure/bench.ts";
import { seconds, whole } from "../../operations/measure/report/figures.ts";
import { scoresPage } from "../../operations/measure/report/scores.ts";
import { textOf } from "../../operations/measure/report/text.ts";
import { folderOf, ledger, type RunEntry, runsFolder } from "../../operations/measure/runs.ts";
import { bisect } from "../../operations/measure/score/bisect.ts";
import { type Comparison, compared, runsOf, scoresOf, twoOf } from "../../operations/measure/score/compare.ts";
import { Checkout } from "../../operations/measure/score/git.ts";
import { isScore, type Noise, noiseOf, noiseText } from "../../operations/measure/score/noise.ts";
import { checkout, planOf, project } from "../../provisioners/stack.ts";
import { throwIfInterrupted } from "../../pulumi/interruption.ts";
import { counted } from "../../spec/counted.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { stackOption } from "../behind-dashes.ts";
import { benchOf } from "../bench-wish.ts";
import type { Register } from "../command.ts";
import { measuredRun } from "../measured-run.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { columns } from "../terminal.ts";

export const score: Register = (program, done) => {
  const command = program
    .command("score")
    .description("the runs of fleet bench: their scores, whether one was better than another, which commit made it worse")
    .option(...stackOption)
    .option("--json", "the runs as JSON", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet score                    the ledger, and a page with its plot
  fleet score show 7             a run again, as fleet bench told it
  fleet score compare 7 9        was run 9 better than run 7, and how sure is that
  fleet score compare best last
  fleet score bisect 3f2a91c main --deploy 'ssh isu1 deploy {commit}' --repo ../webapp

The ledger is runs/STACK/ledger.jsonl: commit it, and the team shares it.`,
    )
    .action((options: Options) => done(list(options)));
  showCommand(command, done);
  compareCommand(command, done);
  bisectCommand(command, done);
};

interface Options {
  readonly stack?: string;
  readonly json: boolean;
}

type Done = Parameters<Register>[1];

const stackOf = async ({ stack }: Pick<Options, "stack">): Promise<string> => stack ?? (await stackInMind());

const clock = (time: number): string => new Date(time * 1000).toISOString().slice(5, 16).replace("T", " ");

/** Of the best, as a bar that a terminal can draw. */
const bar = (share: number): string => "█".repeat(Math.max(0, Math.round(share * 12)));

function row(entry: RunEntry, best: number): readonly string[] {
  const { run, began, ended, passed, kind, who, commit = "", note, subject = "" } = entry;
  const shown = entry.score === undefined ? "no score" : whole(entry.score);
  const what = note ?? subject;
  return [
    String(run),
    clock(began),
    `${shown}${passed ? "" : " FAILED"}`.padStart(9),
    passed && best > 0 ? bar((entry.score ?? 0) / best).padEnd(12) : " ".repeat(12),
    kind === "final" ? "final" : seconds(ended - began),
    who.split("@")[0]!.slice(0, 10),
    `${commit} ${what.length > 26 ? `${what.slice(0, 25)}…` : what}`.trim(),
  ];
}

async function list(options: Options): Promise<number> {
  const stack = await stackOf(options);
  const folder = runsFolder(stack);
  const all = ledger(folder);
  if (options.json) {
    console.log(JSON.stringify(all, null, 2));
    return 0;
  }
  if (all.length === 0) throw new UserError(`${stack}: expected runs, got none yet; next: ${typed()} bench -s ${stack}`);
  const best = Math.max(0, ...all.filter(isScore).map((each) => each.score!));
  console.log(columns([["run", "when", "    score", "", "took", "who", "what"], ...all.map((each) => row(each, best))]));
  const page = join(folder, "scores.html");
  writeFileSync(
    page,
    scoresPage(stack, all, ({ run, who }) => folderOf(folder, run, who)),
  );
  console.error(`\n${noiseText(noiseOf(all))}\n${shownPath(page)} has the plot`);
  return 0;
}

function shownPath(file: string): string {
  const own = relative(process.cwd(), file);
  return own.startsWith("..") ? file : own;
}

function showCommand(command: Command, done: Done): void {
  command
    .command("show")
    .description("a run again, as fleet bench told it")
    .argument("<run>", "its number, last or best")
    .option(...stackOption)
    .option("--json", "as JSON", false)
    .action((run: string, options: Options, own: Command) => done(show(run, { ...own.optsWithGlobals<Options>(), ...options })));
}

async function show(word: string, options: Options): Promise<number> {
  const stack = await stackOf(options);
  const history = ledger(runsFolder(stack));
  const meant = runsOf(word, history);
  const run =
    history.find((each) => String(each.run) === word) ??
    (word === "last" ? history.at(-1)! : meant.reduce((a, b) => ((b.score ?? 0) > (a.score ?? 0) ? b : a)));
  const report = await again(stack, run);
  console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report));
  return 0;
}

function compareCommand(command: Command, done: Done): void {
  command
    .command("compare")
    .description("whether the second was better: better, worse or not known, with how sure that is")
    .argument("<a>", "a run, last, best, or a commit that was measured; runs of the same commit and configuration count with it")
    .argument("<b>", "the same")
    .option(...stackOption)
    .option("--json", "as JSON", false)
    .addHelpText("after", "\nExit codes: 0 better, 7 worse, 4 not known.")
    .action((a: string, b: string, options: Options, own: Command) =>
      done(compare(a, b, { ...own.optsWithGlobals<Options>(), ...options })),
    );
}

const codes: Readonly<Record<Comparison["verdict"], number>> = { better: 0, worse: 7, "not known": 4 };

async function compare(a: string, b: string, options: Options): Promise<number> {
  const history = ledger(runsFolder(await stackOf(options)));
  const [before, after] = twoOf(a, b, history);
  const noise = noiseOf(history);
  const found = compared(scoresOf(before), scoresOf(after), noise);
  if (options.json) console.log(JSON.stringify({ a: before, b: after, noise, ...found }, null, 2));
  else console.log(verdictText({ a: before, b: after }, found, noise));
  return codes[found.verdict];
}

function verdictText({ a, b }: Readonly<Record<"a" | "b", readonly RunEntry[]>>, found: Comparison, noise: Noise): string {
  const by = found.change === undefined ? (found.why ?? "") : `${found.change >= 0 ? "+" : ""}${(found.change * 100).toFixed(1)} %`;
  const runs = (all: readonly RunEntry[]) =>
    all
      .map(({ run, score: value, passed }) => `run ${run}: ${value === undefined ? "no score" : whole(value)}${passed ? "" : " failed"}`)
      .join(", ");
  const more =
    found.runsWanted === undefined
      ? ""
      : `; ${counted(found.runsWanted, "run")} of each would tell: ${typed()} bench --repeat ${Math.max(1, found.runsWanted - b.length)}`;
  const sureOf =
    found.verdict === "not known"
      ? `${(found.confidence * 100).toFixed(0)} % sure`
      : `${Math.min(99.9, found.confidence * 100).toFixed(found.confidence > 0.99 ? 1 : 0)} % sure`;
  return [`${found.verdict} (${by}, ${sureOf})${more}`, `  a: ${runs(a)}`, `  b: ${runs(b)}`, `  ${noiseText(noise)}`].join("\n");
}

interface BisectWish extends Options {
  readonly repo: string;
  readonly deploy?: string;
  readonly yes: boolean;
}

function bisectCommand(command: Command, done: Done): void {
  command
    .command("bisect")
    .description("which commit made it worse: deploys and measures between a good and a bad one, each as often as it takes to be sure")
    .argument("<good>", "a commit, branch or tag")
    .argument("<bad>", "a later one")
    .option(...stackOption)
    .option("--repo <dir>", "whose commits; default the checkout of the stack files", project)
    .option("--deploy <command>", "brings `{commit}` onto the servers; default: the stack's files as of that commit, and fleet up")
    .option("-y, --yes", "without a question, where the stack file does not say how to measure", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet score bisect HEAD~8 HEAD                        a setting: each commit's stack files, by fleet up
  fleet score bisect v1 main --repo ../webapp --deploy 'fleet deploy -s team-a {commit} --anyway bisect'

The last deploy is of the bad one again, so that all is as it was. Ctrl-C does not deploy it.
Exit codes: 0 found, 4 no difference that stands out from the noise.`,
    )
    .action((good: string, bad: string, options: BisectWish, own: Command) =>
      done(bisected(good, bad, { ...own.optsWithGlobals<BisectWish>(), ...options })),
    );
}

async function bisected(good: string, bad: string, { repo, deploy, yes, ...options }: BisectWish): Promise<number> {
  const stack = await stackOf(options);
  const repository = new Checkout(repo);
  const commits = repository.between(good, bad);
  const bring = deployer(stack, repository, deploy);
  const history = ledger(runsFolder(stack));
  const last = commits.at(-1)!;
  let there = "";
  let agreed = yes;
  const measureOne = async (commit: string): Promise<number> => {
    throwIfInterrupted();
    if (there !== commit) bring(commit);
    there = commit;
    const fleet = await fleetUp(stack);
    const spec = await benchOf(fleet, { yes: agreed });
    agreed = true;
    const { report } = await measuredRun({ fleet, spec, quiet: true, commit, note: `bisect: ${repository.subject(commit)}` });
    console.error(`${commit}  ${report.entry.passed ? whole(report.entry.score!) : "failed"}  ${repository.subject(commit)}`);
    return report.entry.passed ? report.entry.score! : 0;
  };
  console.error(`bisect: ${counted(commits.length, "commit")}, about ${counted(Math.ceil(Math.log2(commits.length)) * 2 + 4, "run")}`);
  const found = await bisect({ commits, measure: measureOne, deviation: noiseOf(history).deviation, tell: (text) => console.error(text) });
  if (there !== last) bring(last);
  if (found.found === undefined) {
    console.log(`not known: ${found.why}`);
    return 4;
  }
  console.log(
    `${found.found} ${repository.subject(found.found)}\n  is the first bad one (${(found.confidence * 100).toFixed(0)} % sure); ${found.before} before it was good`,
  );
  return 0;
}

/** By the stack's own files, or by a command of the team's. Throws a UserError where it did not work. */
function deployer(stack: string, repository: Checkout, command: string | undefined): (commit: string) => void {
  const ended = (what: string, status: number | null, said: string) => {
    if (status !== 0)
      throw new UserError(`bisect: ${what} ended with exit code ${status}: ${said.trim().split("\n").slice(-3).join("; ")}`);
  };
  if (command !== undefined)
    return (commit) => {
      const { status, stdout, stderr } = spawnSync("sh", ["-c", command.replaceAll("{commit}", commit)], {
        cwd: project,
        encoding: "utf8",
      });
      ended(command.replaceAll("{commit}", commit), status, `${stdout}${stderr}`);
    };
  const files = planOf(stack).spec.files;
  const paths = [`stacks/Pulumi.${stack}.yaml`, `stacks/${files}`];
  repository.refuseChanges(paths);
  return (commit) => {
    repository.restore(commit, paths);
    const { status, stdout, stderr } = spawnSync(join(checkout, "fleet"), ["up", stack, "--yes"], { cwd: project, encoding: "utf8" });
    ended(`fleet up ${stack} of ${commit}`, status, `${stdout}${stderr}`);
  };
}
