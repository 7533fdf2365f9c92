// fleet stop: a stack on AWS over night. Says before what it loses and what goes on costing.

import { counted } from "../../spec/counted.ts";
import { typed } from "../../spec/typed.ts";
import type { Register } from "../command.ts";
import { confirm } from "../terminal.ts";

interface Options {
  readonly yes: boolean;
}

export const stop: Register = (program, done) =>
  program
    .command("stop")
    .description("switch a stack on AWS off: servers and databases stop, pools are emptied; nothing is deleted")
    .argument("<stack>", "a stack of this checkout")
    .option("-y, --yes", "without a question", false)
    .addHelpText(
      "after",
      "\nExamples:\n  fleet stop team-a\n  fleet stop team-a --yes        as .github/workflows/night.yml does every evening",
    )
    .action((stack: string, options: Options) => done(run(stack, options)));

async function run(name: string, { yes }: Options): Promise<number> {
  const [{ awsStacks }, power, { refuseOtherAccount }] = await Promise.all([
    import("../aws/stacks.ts"),
    import("../aws/power.ts"),
    import("../../components/targets/aws/account.ts"),
  ]);
  const stack = awsStacks([name])[0]!;
  await refuseOtherAccount(stack.target);
  const seen = await power.look(stack.target, stack.plan.stack);
  const wanted = power.toStop(seen);
  const sentences = power.stopSentences(seen);
  if (power.isNothing(wanted)) {
    console.log([...sentences, `${name}: nothing to stop`].join("\n"));
    return 0;
  }
  console.log([...sentences, `while it is off its disks cost about ${power.offPrice(stack).toFixed(4)} USD an hour`].join("\n"));
  await confirm(`stop switches ${name} off`, name, yes);
  await power.stop(stack, wanted);
  const off = [
    counted(wanted.servers.length, "server"),
    counted(wanted.pools.length, "pool"),
    counted(wanted.databases.length, "database"),
  ];
  console.log(`${name}: off (${off.join(", ")}); next: ${typed()} start ${name}`);
  return 0;
}
