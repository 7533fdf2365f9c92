// fleet down: takes a stack away, after a question, and proves that nothing of it is left.

import { targetOf } from "../../components/targets/targets.ts";
import { recorded } from "../../operations/history/history.ts";
import type { Wish } from "../../operations/split/edits.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { planOf } from "../../provisioners/stack.ts";
import { counted } from "../../spec/counted.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { Register } from "../command.ts";
import { takeDown } from "../destroy.ts";
import { forgetOption } from "../forget.ts";
import { runMany } from "../parallel.ts";
import { type ManyChoice, manyOptions, nothingFailed, selected, single } from "../select-stacks.ts";
import { operationsOf } from "../targets/targets.ts";
import { columns, confirm } from "../terminal.ts";

export const down: Register = (program, done) =>
  program
    .command("down")
    .description("destroy a stack: delete the machines that it created, give lent servers back what they had")
    .argument("[stacks...]", "a stack of this checkout; or many, by names and patterns such as 'team-*' and '!team-x'")
    .option("-y, --yes", "do not ask for confirmation", false)
    .option("--verbose", "show all that Pulumi's engine says", false)
    .addOption(forgetOption())
    .option("--take-over <stack>", "the stack that servers belong to, where it is not this one: they are given back all the same")
    .option("--purge", "remove also what people put onto servers that were lent, after a list and a word to type", false)
    .addOption(manyOptions.all())
    .addOption(manyOptions.onlyFailed())
    .addOption(manyOptions.parallel())
    .addHelpText(
      "after",
      "\nExamples:\n  fleet down practice --yes\n  fleet down 'team-*'\n  fleet down --all --only-failed\n  fleet down team-a --purge",
    )
    .action((stacks: string[], options: Options) => done(single(stacks, options) ? run(stacks[0]!, options) : runAll(stacks, options)));

interface Options extends ManyChoice {
  readonly yes: boolean;
  readonly verbose: boolean;
  readonly forget: readonly string[];
  readonly takeOver?: string;
  readonly purge: boolean;
}

/** Asks once for all of them. A stack file with a mistake stops everything before anything is lost. */
async function runAll(patterns: readonly string[], options: Options): Promise<number> {
  if (options.purge || options.takeOver !== undefined)
    throw new UserError("--purge, --take-over: expected one stack, got several; each is asked about by itself");
  const stacks = selected("down", patterns, options);
  if (stacks.length === 0) return nothingFailed("down");
  const plans = stacks.map((stack) => planOf(stack));
  console.log(
    columns(
      plans.flatMap((plan) => [
        [plan.stack, counted(plan.servers.length, "server"), targetOf(plan.spec).fate],
        ...goingWith(plan).map(([name, ...rest]) => [`  ${name}`, ...rest]),
      ]),
    ),
  );
  const servers = plans.reduce((sum, plan) => sum + plan.servers.length, 0);
  for (const plan of plans) await tellSpent(plan);
  await confirm(`down does this to ${counted(servers, "server")} of ${counted(stacks.length, "team")}`, stacks, options.yes);
  return await runMany("down", stacks, options);
}

const goingWith = ({ spec }: FleetPlan) => targetOf(spec).going?.(spec) ?? [];

/** What becomes of each server, a row each. */
export function fatesOf({ spec, servers }: Pick<FleetPlan, "spec" | "servers">, forget: readonly string[]): readonly (readonly string[])[] {
  const { fate } = targetOf(spec);
  const fateOf = (name: string) => (forget.includes(name) ? "is forgotten: what was done there stays there" : fate);
  return servers.map(({ name, view }) => [name, view.privateAddress, fateOf(name)]);
}

async function run(stack: string, { yes, verbose, forget, takeOver, purge }: Options): Promise<number> {
  const plan = planOf(stack);
  console.log(columns([...fatesOf(plan, forget), ...goingWith(plan)]));
  await tellSpent(plan);
  const splits = await splitsOf(plan, forget);
  for (const { role, from, to } of splits)
    console.log(`${role} was moved from ${from} to ${to}: that is taken back first, with what was written since`);
  await confirm(`down does this to ${counted(plan.servers.length, "server")} of ${stack}`, stack, yes);
  return await recorded({ stack, what: "down" }, async (notes) => {
    Object.assign(notes, { servers: plan.servers.map(({ name }) => name), summary: counted(plan.servers.length, "server") });
    for (const each of splits) if (!(await takenBack(stack, each))) return 1;
    return await takeDown(stack, { yes, verbose, forget, takeOver, purge });
  });
}

/** On machines that go, nothing has to go back. */
async function splitsOf(plan: FleetPlan, gone: readonly string[]): Promise<readonly Wish[]> {
  if (!(await operationsOf(plan)).lent) return [];
  const { openSplits } = await import("../../operations/split/split.ts");
  return (await openSplits(plan.stack, gone)).map(({ wish }) => wish);
}

/** What was written to a moved database must not stay behind on a server that is given back. */
async function takenBack(stack: string, { role, from, to }: Wish): Promise<boolean> {
  const { split } = await import("../split.ts");
  const code = await split(stack, undefined, { yes: true, anyway: true, dryRun: false, json: false });
  if (code === 0) return true;
  console.error(
    `down: the split of ${role} from ${from} to ${to} was not taken back, and nothing was taken away; next: ${typed()} split ${stack} --undo`,
  );
  return false;
}

/** What it has cost until now, where it costs. */
async function tellSpent(plan: FleetPlan): Promise<void> {
  const { spent } = await operationsOf(plan);
  if (spent) console.log(await spent(plan));
}
