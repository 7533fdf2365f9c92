// fleet rollback: what ran before the last deploy, or before some more.
import { InvalidArgumentError } from "commander";
import type { Register } from "../command.ts";
import { brought, type DeployOptions } from "../deploy.ts";
import { withCommon } from "./deploy.ts";

export const rollback: Register = (program, done) =>
  withCommon(
    program
      .command("rollback")
      .description("back to what ran before the last deploy, built, restarted and asked in turn as a deploy is")
      .argument("[n]", "deploys to go back", count, 1),
  )
    .addHelpText(
      "after",
      `
Examples:
  fleet rollback
  fleet rollback 3
  fleet rollback --to isu1

Twice goes back twice. What is on record is on the servers, whoever deployed it; fleet deploy goes forward again, to the newest of the branch.
The stack file gets the commit, and keeps the branch beside it (app.git.follows): the next up changes nothing.
Exit codes: as of fleet deploy.`,
    )
    .action((steps: number, options: DeployOptions) => done(brought("rollback", options, () => ({ what: "rollback", steps }))));

function count(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a number of deploys");
}
