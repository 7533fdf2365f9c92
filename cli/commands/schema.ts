// fleet schema: what editors check stack files with.

import { rolesFolder } from "../../provisioners/project.ts";
import { useRolesIn } from "../../provisioners/roles/roles.ts";
import { choices } from "../../provisioners/stack.ts";
import { schemaText } from "../../spec/schema.ts";
import type { Register } from "../command.ts";
import { schemaName, writeSchema } from "../schema-file.ts";

export const schema: Register = (program, done) =>
  program
    .command("schema")
    .description("write stacks/fleet.schema.json, by which editors know every parameter, those of your own roles among them")
    .option("--stdout", "print it instead", false)
    .addHelpText("after", "\nExamples:\n  fleet schema\n  fleet schema --stdout | jq .")
    .action(({ stdout }: { stdout: boolean }) => done(run(stdout)));

function run(stdout: boolean): number {
  if (stdout) {
    useRolesIn(rolesFolder());
    process.stdout.write(schemaText(choices));
    return 0;
  }
  console.log(`${schemaName()}: ${writeSchema() ? "written" : "right already"}`);
  return 0;
}
