// fleet up: makes it so, and says where it is.
import type { FleetPlan } from "../../provisioners/expand.ts";
import { planOf } from "../../provisioners/stack.ts";
import type { Register } from "../command.ts";
import { prepare, pulumi } from "../pulumi.ts";
import { columns, confirm, isTerminal, styled } from "../terminal.ts";

interface Options {
  readonly yes: boolean;
  readonly refresh: boolean;
}

export const up: Register = (program, done) =>
  program
    .command("up")
    .description("create or change a stack's servers until they are as its file says")
    .argument("<stack>", "a stack: `practice` for stacks/Pulumi.practice.yaml")
    .option("-y, --yes", "without a question", false)
    .addHelpText("after", "\nExamples:\n  fleet up practice\n  fleet up team-a --yes")
    .action((stack: string, options: Options) => done(run(stack, options)));

async function run(stack: string, { yes }: Options): Promise<number> {
  const plan = planOf(stack);
  if (!isTerminal()) await confirm(`up changes the servers of ${stack}`, stack, yes);
  await prepare(plan);
  // One server's failure must not keep the others from being finished.
  const { code } = await pulumi(plan, ["up", "--stack", stack, "--continue-on-error", ...(yes ? ["--yes", "--skip-preview"] : ["--diff"])]);
  if (code === 0) console.log(summary(plan));
  else console.error(`\nup ended with exit code ${code}; what is done stays done, and the next \`./fleet up ${stack}\` goes on from there`);
  return code;
}

/** Where everything is, and what a person wants to type next. */
function summary({ stack, servers, spec }: FleetPlan): string {
  const rows = servers.map(({ name, view }) => [styled("bold", name), view.privateAddress, view.roles.join(" ")]);
  const web = servers.filter(({ view }) => view.ports.includes(80)).map(({ view }) => `http://${view.privateAddress}/`);
  const first = servers[0]?.name ?? "";
  return [
    "",
    columns(rows),
    ...(web.length > 0 ? ["", `${styled("bold", "open")}  ${web.join("  ")}`] : []),
    "",
    "next:",
    columns([
      [`  ./fleet ssh ${first}${spec.team === "practice" ? "" : ` --stack ${stack}`}`, "a shell on a server"],
      [`  ./fleet verify ${stack}`, "is everything as the stack file says?"],
      [`  ./fleet down ${stack}`, "take it all away"],
    ]),
  ].join("\n");
}
