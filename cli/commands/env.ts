// fleet env: what a shell needs for Pulumi's own commands to work in this checkout.
import { quote } from "../../provisioners/engine/shell-quote.ts";
import { aimedAt } from "../../provisioners/stack.ts";
import { environment, ofFleetAlone, ofSomeRuns, reasons } from "../../pulumi/command.ts";
import { makeStateFolder } from "../../pulumi/folder.ts";
import type { Register } from "../command.ts";
import { columns } from "../terminal.ts";

export const env: Register = (program, done) =>
  program
    .command("env")
    .description("print what a shell needs to use pulumi itself")
    .argument("[stack]", "for a practice stack, its passphrase too", "practice")
    .option("--why", "show instead which of the engine's settings `fleet` changes, and why", false)
    .addHelpText("after", '\nExample:\n  eval "$(fleet env)"; pulumi preview --diff -s practice')
    .action((stack: string, { why }: { why: boolean }) => done(why ? explain(stack) : run(stack)));

/** Those of this computer and shell, as the engine would get them now. */
function explain(stack: string): number {
  const all = Object.keys({ ...environment(aimedAt(stack)), ...ofFleetAlone() });
  console.log(columns([...all, ...ofSomeRuns].map((name) => [name, reasons[name] ?? ""])));
  return 0;
}

function run(stack: string): number {
  // Pulumi itself expects the folder of its backend to be there.
  makeStateFolder();
  const all = { PATH: process.env.PATH ?? "", ...environment(aimedAt(stack)) };
  for (const [name, value] of Object.entries(all)) console.log(`export ${name}=${quote(value)}`);
  return 0;
}
