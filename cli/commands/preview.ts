// fleet preview: what an up would change, down to the line of a file on a server.
import { planOf } from "../../provisioners/stack.ts";
import type { Register } from "../command.ts";
import { prepare, pulumi } from "../pulumi.ts";

export const preview: Register = (program, done) =>
  program
    .command("preview")
    .description("show what an up would change, against what is on the servers now")
    .argument("<stack>", "a stack of this checkout")
    .option("--json", "Pulumi's own JSON", false)
    .addHelpText("after", "\nExample:\n  fleet preview team-a")
    .action((stack: string, { json }: { json: boolean }) => done(run(stack, json)));

async function run(stack: string, json: boolean): Promise<number> {
  const plan = planOf(stack);
  await prepare(plan);
  return (await pulumi(plan, ["preview", "--stack", stack, json ? "--json" : "--diff"])).code;
}
