// fleet env: what a shell needs for Pulumi's own commands to work in this checkout.
import { quote } from "../../provisioners/engine/shell-quote.ts";
import { planOf } from "../../provisioners/stack.ts";
import { environment } from "../../pulumi/command.ts";
import type { Register } from "../command.ts";

export const env: Register = (program, done) =>
  program
    .command("env")
    .description("print what a shell needs to use pulumi itself")
    .argument("[stack]", "for a practice stack, its passphrase too", "practice")
    .addHelpText("after", '\nExample:\n  eval "$(./fleet env)"; pulumi preview --diff -s practice')
    .action((stack: string) => done(run(stack)));

function run(stack: string): number {
  const all = { PATH: process.env.PATH ?? "", ...environment(planOf(stack)) };
  for (const [name, value] of Object.entries(all)) console.log(`export ${name}=${quote(value)}`);
  return 0;
}
