// fleet start: a stack on AWS that was switched off.

import { counted } from "../../spec/counted.ts";
import { typed } from "../../spec/typed.ts";
import type { Register } from "../command.ts";

export const start: Register = (program, done) =>
  program
    .command("start")
    .description("switch a stack on AWS on again, as fleet stop has left it")
    .argument("<stack>", "a stack of this checkout")
    .addHelpText("after", "\nExamples:\n  fleet start team-a && fleet up team-a --yes")
    .action((stack: string) => done(run(stack)));

async function run(name: string): Promise<number> {
  const [{ awsStacks }, power, { refuseOtherAccount }] = await Promise.all([
    import("../aws/stacks.ts"),
    import("../aws/power.ts"),
    import("../../components/targets/aws/account.ts"),
  ]);
  const stack = awsStacks([name])[0]!;
  await refuseOtherAccount(stack.target);
  const wanted = power.toStart(await power.look(stack.target, stack.plan.stack));
  if (power.isNothing(wanted)) {
    console.log(`${name}: nothing to start`);
    return 0;
  }
  await power.start(stack, wanted);
  const on = [counted(wanted.servers.length, "server"), counted(wanted.pools.length, "pool"), counted(wanted.databases.length, "database")];
  console.log(
    `${name}: on (${on.join(", ")}); next: ${typed()} up ${name}, which learns the new addresses and waits until all of it serves`,
  );
  return 0;
}
