// fleet verify: are the servers as the stack file says? The same look and plan as a preview, told resource by resource.
import { planOf } from "../../provisioners/stack.ts";
import { UserError } from "../../stacks/problem.ts";
import { choice } from "../../stacks/reasons.ts";
import type { Register } from "../command.ts";
import { printerNames, printers } from "../printers.ts";
import { pulumi } from "../pulumi.ts";
import { reportsOf } from "../reports.ts";
import { prepare } from "../state.ts";

export const verify: Register = (program, done) =>
  program
    .command("verify")
    .description("look at every resource on every server; exit code 7 where one differs")
    .argument("<stack>", "a stack of this checkout")
    .option("--format <format>", printerNames.join(", "), "text")
    .option("--all", "show also what is right", false)
    .addHelpText("after", "\nExamples:\n  fleet verify practice\n  fleet verify team-a --format junit > report.xml")
    .action((stack: string, options: { format: string; all: boolean }) => done(run(stack, options)));

async function run(stack: string, { format, all }: { format: string; all: boolean }): Promise<number> {
  const plan = planOf(stack);
  const printer = printers[format as keyof typeof printers];
  if (!printer) throw new UserError(`--format: expected a format${choice(format, printerNames)}`);
  await prepare(plan);
  const { code, stdout, stderr } = await pulumi(plan, ["preview", "--stack", stack, "--json"], { capture: true });
  if (code !== 0) throw new UserError(`the look ended with exit code ${code}:\n${(stderr || stdout).trim().slice(-4000)}`);
  const reports = reportsOf(JSON.parse(stdout));
  console.log(printer(reports, { all }));
  return reports.some(({ results }) => results.some(({ outcome }) => outcome !== "unchanged")) ? 7 : 0;
}
