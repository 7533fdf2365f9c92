// fleet verify: are the servers as the stack file says? The same look and plan as a preview, told resource by resource.

import type { RoleReport } from "../../provisioners/engine/report.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { prepare } from "../../pulumi/state.ts";
import { didYouMean, ticked } from "../../spec/messages.ts";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { printerNames, printers } from "../printers.ts";
import { allRight, engineOption } from "../quick/quick.ts";
import { settling } from "../quick/settled.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { operationsOf } from "../targets/targets.ts";

export const verify: Register = (program, done) =>
  program
    .command("verify")
    .description("look at every resource on every server, on AWS around them too, and at a contest's rules; exit code 7 where one differs")
    .argument("[stack]", "the stack; default FLEET_STACK, else the only one that is up")
    .option("--format <format>", printerNames.join(", "), "text")
    .option("--all", "show also what is right", false)
    .addOption(engineOption())
    .addHelpText("after", "\nExamples:\n  fleet verify practice\n  fleet verify team-a --format junit > report.xml")
    .action((stack: string | undefined, options: Options) => done(run(stack, options)));

interface Options {
  readonly format: string;
  readonly all: boolean;
  readonly engine: boolean;
}

async function run(named: string | undefined, { format, all, engine }: Options): Promise<number> {
  const printer = printers[format as keyof typeof printers];
  if (!printer)
    throw new UserError(`--format: expected one of ${ticked(printerNames)}, got \`${format}\`${didYouMean(format, printerNames)}`);
  const stack = named ?? (await stackInMind());
  const reports = (await allRight(stack, { engine }))?.reports ?? (await byEngine(stack));
  console.log(printer(reports, { all }));
  return reports.some(({ results }) => results.some(({ outcome }) => outcome !== "unchanged")) ? 7 : 0;
}

async function byEngine(stack: string): Promise<readonly RoleReport[]> {
  // Only now: all of it costs more than a whole look without the engine.
  const [{ planOf }, { refuseByState }, { factsIn, failureOf, look, nothingFound }, { aroundReports, inStackOrder, reportsOf }] =
    await Promise.all([
      import("../../provisioners/stack.ts"),
      import("../../pulumi/known-names.ts"),
      import("../preview/events.ts"),
      import("../reports.ts"),
    ]);
  const plan = planOf(stack);
  await refuseByState(plan);
  await prepare(plan);
  const settle = settling(plan);
  const { digest, code, stderr } = await look(plan);
  if (code !== 0) throw new UserError(`the look ended with exit code ${code}:\n${failureOf(digest, stderr)}`);
  if (nothingFound(digest)) settle(factsIn(digest));
  const reports = [...aroundReports(digest), ...(await aroundThem(plan)), ...reportsOf(digest)];
  return inStackOrder(
    reports,
    plan.servers.map(({ name }) => name),
  );
}

/** What the target's own check says of what is around the servers: a contest's, where it is the stack's rule. */
async function aroundThem(plan: FleetPlan): Promise<readonly RoleReport[]> {
  const report = await (await operationsOf(plan)).report?.(plan);
  return report ? [report] : [];
}
