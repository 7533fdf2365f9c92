// fleet split: a role to another server, with its data and everything that names it; and back.

import { InvalidArgumentError, Option } from "commander";
import type { Wish } from "../../operations/split/edits.ts";
import { movable } from "../../operations/split/refuse.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { stackArgument } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { type SplitOptions, split as splitting } from "../split.ts";
import { stackInMind } from "../stack-in-mind.ts";

export const split: Register = (program, done) =>
  program
    .command("split")
    .description("move a role to another server: its data, what names it, the old service; all of it, or nothing")
    .argument(...stackArgument)
    .addOption(
      new Option(
        "--move <role:from:to>",
        `mysql:isu1:isu3, or 'mysql:isu1→isu3'; may be given more than once, in this order; of ${movable().join(", ")}`,
      )
        .argParser((text: string, before: readonly Wish[]) => wish(text, before))
        .default([], "none"),
    )
    .addOption(
      new Option("--add <role:from:to>", "app:isu1:isu2: on a second server too, with what the first one has, and balanced over both")
        .argParser((text: string, before: readonly Wish[]) => wish(text, before, { stays: true }))
        .default([], "none"),
    )
    .option("--undo", "take the last split back, with all that was written since; or what a killed one left", false)
    .option("--dry-run", "show the plan, and change nothing", false)
    .option("--health <path>", "asked on each server whose programs use the role, beside the roles' checks: /path, or a URL", health)
    .option("--anyway", "also where the checks of these servers do not hold before", false)
    .option("-y, --yes", "do not ask for confirmation", false)
    .option("--json", "the plan, and what became of it, as JSON", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet split team-a --move mysql:isu1:isu3 --dry-run
  fleet split team-a --move mysql:isu1:isu3 --health /api/status
  fleet split team-a --move redis:isu1:isu2 --move mysql:isu1:isu3 --yes
  fleet split team-a --move app:isu1:isu2
  fleet split team-a --add app:isu1:isu2
  fleet split team-a --undo

Shows first what it will do. Then step by step, each one taken back if a later one fails: the new server is made ready and keeps what it had; writes stop; the data is copied from server to server, counted and summed on both; environment files, upstreams and units that require the old service are changed; the old service is stopped and disabled. An application comes with its units, its environment file and, where no repository has it, its folder as it stands, by way of this computer; what it names by loopback stays where it is, lets the new server in, and is named by address. The stack file and the team's files say so then, and an up finds nothing to change.
Ctrl-C takes back what was begun. A fleet down takes splits back first.
Exit codes: 0; 1 where it failed and was taken back; 2 where it was refused, with nothing changed.`,
    )
    .action((stack: string | undefined, options: Options) => done(run(stack, options)));

interface Options extends SplitOptions {
  readonly move: readonly Wish[];
  readonly add: readonly Wish[];
  readonly undo: boolean;
}

async function run(named: string | undefined, { move, add, undo, ...options }: Options): Promise<number> {
  const wishes = [...move, ...add];
  if (undo === wishes.length > 0)
    throw new UserError(
      `split: expected either --move, --add or --undo, got ${undo ? "two of them" : "none"}; next: ${typed()} split --help`,
    );
  const stack = named ?? (await stackInMind());
  if (undo) return await splitting(stack, undefined, options);
  for (const each of wishes) {
    const code = await splitting(stack, each, options);
    if (code !== 0) return code;
  }
  return 0;
}

const form = /^([a-z][a-z0-9-]*):([\w.-]*[\w])(?:→|->|=>|:|,)([\w.-]+)$/;

/** In a shell an unquoted `->` writes a file. */
function wish(text: string, before: readonly Wish[], more: Pick<Wish, "stays"> = {}): readonly Wish[] {
  const [, role, from, to] = form.exec(text) ?? [];
  if (role !== undefined && from !== undefined && to !== undefined) return [...before, { role, from, to, ...more }];
  const hint = /-$/.test(text) ? "; the shell took `>` for itself: quote it, or write mysql:isu1:isu3" : "";
  throw new InvalidArgumentError(`expected a role and two servers, mysql:isu1:isu3${hint}`);
}

function health(text: string): string {
  if (/^(?:\/|https?:\/\/)\S*$/.test(text)) return text;
  throw new InvalidArgumentError("expected a path (/health) or a URL");
}
