// fleet up: makes it so, and says where it is.

import { InvalidArgumentError, Option } from "commander";
import { type RunNotes, recorded } from "../../operations/history/history.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { looking, parallelFor, policed, pulumi } from "../../pulumi/command.ts";
import { prepare } from "../../pulumi/state.ts";
import { counted } from "../../spec/counted.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { Register } from "../command.ts";
import { forgetOption, left } from "../forget.ts";
import { allowUnheard, noTableOption } from "../no-table.ts";
import { runMany } from "../parallel.ts";
import { allRight, engineOption, nothingToDo } from "../quick/quick.ts";
import { settling } from "../quick/settled.ts";
import type { Told } from "../run/run-up.ts";
import { type ManyChoice, manyOptions, nothingFailed, selected, single } from "../select-stacks.ts";
import { type Exported, exportedBy } from "../stack-outputs.ts";
import { operationsOf } from "../targets/targets.ts";
import { columns, confirm, isTerminal, styled } from "../terminal.ts";

interface Options extends ManyChoice {
  readonly yes: boolean;
  readonly engine: boolean;
  readonly verbose: boolean;
  readonly forget: readonly string[];
  readonly takeOver?: string;
  /** Seconds. */
  readonly connectTimeout?: string;
  /** URNs; empty for all. */
  readonly target: readonly string[];
}

export const up: Register = (program, done) =>
  program
    .command("up")
    .description("create or change a stack's servers until they are as its file says")
    .argument(
      "[stacks...]",
      "a stack: `practice` for stacks/Pulumi.practice.yaml; or many, by names and patterns such as 'team-*' and '!team-x'",
    )
    .option("-y, --yes", "do not ask for confirmation", false)
    .addOption(engineOption())
    .addOption(noTableOption())
    .option("--verbose", "show all that Pulumi's engine says", false)
    .addOption(forgetOption())
    .option("--take-over <stack>", "take servers over from this stack, which manages them until now")
    .option(
      "--connect-timeout <seconds>",
      "how long a server that does not answer is waited for while the others go on: 0 not at all; 120 without, or 30 for one that answered before",
      seconds,
    )
    .addOption(
      new Option("--target <urn>", "this resource alone; may be given more than once")
        .argParser((urn: string, all: readonly string[]) => [...all, urn])
        .default([])
        .hideHelp(),
    )
    .addOption(manyOptions.all())
    .addOption(manyOptions.onlyFailed())
    .addOption(manyOptions.parallel())
    .addHelpText(
      "after",
      "\nExamples:\n  fleet up practice\n  fleet up team-a --yes\n  fleet up team-a --connect-timeout 0   isu3 is off, and the others do not wait for it\n  fleet up 'team-*'\n  fleet up --all --only-failed",
    )
    .action((stacks: string[], options: Options & { readonly table: boolean }) => {
      allowUnheard(options.table);
      // The provider hears of it, below the engine, and so does each of many.
      if (options.connectTimeout !== undefined) process.env.FLEET_CONNECT_TIMEOUT = options.connectTimeout;
      return done(single(stacks, options) ? runOne(stacks[0]!, options) : runAll(stacks, options));
    });

function seconds(text: string): string {
  if (/^\d{1,5}$/.test(text)) return text;
  throw new InvalidArgumentError("expected whole seconds");
}

/** Failures of single teams are told at the end; the others are finished. */
async function runAll(patterns: readonly string[], options: Options): Promise<number> {
  const stacks = selected("up", patterns, options);
  if (stacks.length === 0) return nothingFailed("up");
  console.log(`up: ${counted(stacks.length, "team")}, ${options.parallel} at once: ${stacks.join(", ")}`);
  await confirm(`up changes the servers of ${counted(stacks.length, "team")}`, stacks, options.yes);
  return await runMany("up", stacks, options);
}

/** An ordinary up of one stack, as another command's last step: what to type next is for that one to say. */
export const upOne = (stack: string, { yes }: Pick<Options, "yes">): Promise<number> =>
  runOne(stack, { yes, engine: false, verbose: false, forget: [], target: [], within: true });

const runOne = (stack: string, options: RunOptions): Promise<number> =>
  recorded({ stack, what: "up" }, (notes) => run(stack, options, notes));

type RunOptions = Omit<Options, keyof ManyChoice> & { readonly within?: boolean };

async function run(
  stack: string,
  { yes, engine, forget, verbose, takeOver, target, within }: RunOptions,
  notes: RunNotes,
): Promise<number> {
  // The provider hears of it, below the engine.
  if (takeOver !== undefined) process.env.FLEET_TAKE_OVER = takeOver;
  const right = await allRight(stack, { engine: engine || forget.length > 0 || takeOver !== undefined || target.length > 0 });
  if (right) {
    console.log(nothingToDo(right));
    return 0;
  }
  // Only now: it costs more than the whole look.
  const [{ planOf }, { refuseUnheard }, { refuseByState }, { forgetServers }] = await Promise.all([
    import("../../provisioners/stack.ts"),
    import("../unheard.ts"),
    import("../../pulumi/known-names.ts"),
    import("../../pulumi/forget.ts"),
  ]);
  const plan = planOf(stack);
  refuseUnheard(plan);
  await refuseByState(plan);
  if (!isTerminal()) await confirm(`up changes the servers of ${stack}`, stack, yes);
  await prepare(plan);
  await forgetServers(plan, left(plan, forget));
  if (!yes) await agreed(stack);
  await (await operationsOf(plan)).prepare?.(plan);
  const settle = settling(plan);
  const args = [...argumentsOf(plan, target), ...unasked];
  const { code, changed, sum, did } = verbose ? await inPulumisWords(plan, args) : await inOurWords(plan, args);
  Object.assign(notes, { nothing: !changed, summary: sum ?? "", detail: did, servers: did?.servers.map(({ name }) => name) ?? [] });
  // Of the rest nobody knows.
  if (code === 0 && target.length === 0) settle();
  if (code === 0 && changed && !within) console.log(await whereItIs(plan));
  if (code !== 0)
    console.error(`\nup ended with exit code ${code}; what is done stays done, and the next \`${typed()} up ${stack}\` goes on from there`);
  return code;
}

/** What `fleet preview` shows, and the question; none where nothing is to be changed. */
async function agreed(stack: string): Promise<void> {
  const [{ previewByEngine }, { text }, { changes }] = await Promise.all([
    import("../preview/by-engine.ts"),
    import("../preview/text.ts"),
    import("../preview/model.ts"),
  ]);
  const preview = await previewByEngine(stack);
  if (preview.failure !== undefined) throw new UserError(text(preview));
  console.log(text(preview, { full: false }));
  if (changes(preview)) await confirm(`up changes the servers of ${stack}, as shown above`, stack, false);
}

/** One server's failure must not keep the others from being finished. */
const argumentsOf = (plan: FleetPlan, target: readonly string[]): readonly string[] => [
  "up",
  "--stack",
  plan.stack,
  "--continue-on-error",
  ...looking(plan),
  ...parallelFor(plan),
  ...policed(plan),
  ...target.flatMap((urn) => ["--target", urn]),
];
const unasked = ["--yes", "--skip-preview"];

async function inPulumisWords(plan: FleetPlan, args: readonly string[]): Promise<Told> {
  const { code } = await pulumi(plan, args, { env: await environmentOf(plan) });
  return { code, changed: true };
}

async function inOurWords(plan: FleetPlan, args: readonly string[]): Promise<Told> {
  const { toldRun } = await import("../run/run-up.ts");
  return await toldRun(plan, args, await environmentOf(plan));
}

async function environmentOf(plan: FleetPlan): Promise<Readonly<Record<string, string>>> {
  const [{ namesCompared }, { stateWrites }] = await Promise.all([
    import("../../pulumi/known-names.ts"),
    import("../../pulumi/state-writes.ts"),
  ]);
  return { ...namesCompared(plan), ...(await stateWrites(plan)) };
}

/** By which address this computer reaches each server. */
function reached({ spec, servers }: FleetPlan, exported: Exported | undefined): Readonly<Record<string, string | undefined>> {
  const known = exported ? (exported.servers ?? {}) : spec.servers;
  const place = ({ address, port = 22 }: { address?: string | undefined; port?: number }) =>
    address === undefined || port === 22 ? address : `${address}:${port}`;
  return Object.fromEntries(servers.map(({ name, view }) => [name, place(known[name] ?? {}) ?? view.privateAddress]));
}

/** Asks the engine only where the stack file can't tell. */
async function whereItIs(plan: FleetPlan): Promise<string> {
  const { by, ports } = (await import("../../components/targets/targets.ts")).targetOf(plan.spec).reached(plan.spec);
  const exported = by === "state" ? await exportedBy(plan) : undefined;
  const work = exported?.aws ? (await import("../aws/work.ts")).rowsOf(exported.aws) : [];
  const where = summary(plan, ports, reached(plan, exported), work);
  return exported?.expiresAt === undefined ? where : `${where}\n\n${endOf(exported.expiresAt)}`;
}

/** What costs by the hour has an end. */
const endOf = (expiresAt: string): string =>
  expiresAt === "never"
    ? "it goes on, and costs, until `fleet down`: `expiresAt` is never"
    : `it may go at ${expiresAt}, and \`fleet reap\` takes it then; \`target.expiresAt\` in the stack file moves that, \`never\` lifts it`;

/** Where everything is, and what a person wants to type next. */
function summary(
  { stack, servers }: FleetPlan,
  ports: "all" | "ssh",
  addresses: Readonly<Record<string, string | undefined>>,
  work: readonly (readonly string[])[],
): string {
  const rows = servers.map(({ name, view }) => [styled("bold", name), addresses[name] ?? "", view.roles.join(" ")]);
  const web = servers.filter(({ view }) => view.ports.includes(80)).map(({ name }) => `http://${addresses[name]}/`);
  const [first] = servers;
  const ssh = `${typed()} ssh ${first?.name}${stack === "practice" ? "" : ` --stack ${stack}`}`;
  const way = ports === "ssh" ? [[`  ${ssh} -L 8080:127.0.0.1:80`, "its port 80 as http://127.0.0.1:8080/"]] : [];
  return [
    ...[rows, work].flatMap((each) => (each.length > 0 ? ["", columns(each)] : [])),
    ...(web.length > 0 && way.length === 0 ? ["", `${styled("bold", "open")}  ${web.join("  ")}`] : []),
    "",
    "next:",
    columns([
      ...(first ? [[`  ${ssh}`, "a shell on a server"], ...way] : []),
      [`  ${typed()} verify ${stack}`, "is everything as the stack file says?"],
      [`  ${typed()} down ${stack}`, "take it all away"],
    ]),
  ].join("\n");
}
