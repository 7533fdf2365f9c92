// The `fleet` command. One file a command; the only place that exits.
import "./cwd.ts"; // First: it says where the project is.

import { Command, CommanderError } from "commander";
import { UserError } from "../spec/problem.ts";
import { check } from "./commands/check.ts";
import { cost } from "./commands/cost.ts";
import { docs } from "./commands/docs.ts";
import { down } from "./commands/down.ts";
import { env } from "./commands/env.ts";
import { preview } from "./commands/preview.ts";
import { reap } from "./commands/reap.ts";
import { ssh } from "./commands/ssh.ts";
import { sweep } from "./commands/sweep.ts";
import { types } from "./commands/types.ts";
import { undelete } from "./commands/undelete.ts";
import { up } from "./commands/up.ts";
import { verify } from "./commands/verify.ts";
import { noProject } from "./cwd.ts";

const program = new Command("fleet")
  .description("The servers of a contest team, from one stack file.")
  .option("--cwd <dir>", "folder with stacks/ and the state; default $FLEET_PROJECT, or this checkout")
  .configureHelp({ showGlobalOptions: true })
  .enablePositionalOptions()
  .showSuggestionAfterError()
  .showHelpAfterError("(fleet --help shows what there is)")
  .exitOverride()
  .addHelpText(
    "after",
    `
Examples:
  fleet up practice          three servers on this computer, with their roles
  fleet preview team-a       what an up would change, line by line
  fleet verify team-a        whether the servers are as the stack file says
  fleet ssh isu1             a shell on a server
  fleet cost team-a          what a stack on AWS costs, before it is there
  fleet down practice        away with it

Pulumi's own commands work as well: eval "$(./fleet env)"; pulumi up -s practice`,
  );

const done = async (code: number | Promise<number>): Promise<void> => {
  process.exitCode = await code;
};
for (const register of [up, preview, verify, check, ssh, down, env, docs, types, cost, sweep, reap, undelete]) register(program, done);

try {
  program.hook("preAction", () => {
    const sentence = noProject();
    if (sentence !== undefined) throw new UserError(sentence);
  });
  await program.parseAsync();
} catch (error) {
  process.exitCode = failed(error);
}

/** A user's mistake is a sentence; anything else is our bug and keeps its stack. */
function failed(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Error && ["UserError", "HostError", "MachineError"].includes(error.name)) {
    console.error(error.message);
    return 2;
  }
  // AWS said no, or nobody told who asks.
  if (error instanceof Error && ("$metadata" in error || error.name === "CredentialsProviderError")) {
    console.error(`AWS: expected an answer, got ${error.name}: ${error.message}`);
    return 2;
  }
  console.error(error);
  return 1;
}
