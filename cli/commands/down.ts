// fleet down: takes a stack away, and proves that nothing of it is left on this computer.
import { leftovers } from "../../provisioners/machines/sweep.ts";
import { planOf } from "../../provisioners/stack.ts";
import type { Register } from "../command.ts";
import { ask, exists, prepare, pulumi } from "../pulumi.ts";
import { columns, confirm } from "../terminal.ts";

export const down: Register = (program, done) =>
  program
    .command("down")
    .description("destroy a stack: machines that it made go, servers that were lent get back what they had")
    .argument("<stack>", "a stack of this checkout")
    .option("-y, --yes", "without a question", false)
    .addHelpText("after", "\nExample:\n  fleet down practice --yes")
    .action((stack: string, { yes }: { yes: boolean }) => done(run(stack, yes)));

const fates = {
  practice: "destroyed with everything on it",
  inventory: "gets back what it had",
  aws: "terminated with everything on it",
} as const;

async function run(stack: string, yes: boolean): Promise<number> {
  const plan = planOf(stack);
  const fate = fates[plan.spec.target.kind];
  console.log(columns(plan.servers.map(({ name, view }) => [name, view.privateAddress, fate])));
  await confirm(`down takes away ${plan.servers.length} servers of ${plan.spec.team}`, `${plan.spec.team} ${plan.servers.length}`, yes);
  if (exists(stack)) {
    await prepare(plan);
    const { code } = await pulumi(plan, ["destroy", "--stack", stack, "--yes", "--skip-preview", "--continue-on-error"]);
    if (code !== 0) return code;
    await ask(plan, ["stack", "rm", stack, "--yes", "--preserve-config"]);
  }
  if (plan.spec.target.kind !== "practice") return 0;
  const left = await leftovers(stack);
  console.log(
    left.length === 0 ? "nothing is left on this computer" : `left on this computer:\n${left.map((each) => `  ${each}`).join("\n")}`,
  );
  return left.length === 0 ? 0 : 1;
}
