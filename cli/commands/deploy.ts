// fleet deploy: the team's code onto the servers, one after the other.

import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { buildHere } from "../../operations/deploy/build-here.ts";
import { followedBy } from "../../operations/deploy/decide.ts";
import type { Wish } from "../../operations/deploy/deploy.ts";
import { LocalRepository } from "../../operations/deploy/local.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { brought, type DeployOptions, type Known } from "../deploy.ts";
import { waiting } from "../progress.ts";

export const deploy: Register = (program, done) =>
  withCommon(
    program
      .command("deploy")
      .description("bring the team's code onto the servers: built, restarted and asked in turn; back by itself where it does not answer")
      .argument("[ref]", "branch, tag or commit; what the stack file follows without it (with --from: HEAD)")
      .option("--from <dir>", "the commit comes from the clone here, pushed or not, in place of the team's repository"),
  )
    .option("--anyway <reason>", "also what takes away commits that run, or leaves changes here behind; the reason is kept", reason)
    .addHelpText(
      "after",
      `
Examples:
  fleet deploy                        the newest of what the stack file follows
  fleet deploy 3f2a91c --to isu1      a commit, on one server first
  fleet deploy --from ../webapp       HEAD of the clone here, pushed or not
  fleet deploy --health /api/status   asked on each server, beside the role's own checks
  fleet deploy v1 --anyway 'as it was before lunch'

Each server is built and restarted as app.build and app.services say, out of nginx and haproxy that balance over it meanwhile. The first that fails or does not answer is the last: it goes back, and so do those before it.
What app.deploy says is done beside: \`build\` here, once an architecture, with --from; \`before\` (a migration) once, before the first server has the commit; \`after\` once, when all have it. Where \`before\` fails nothing was begun, where \`after\` fails all go back; what either did stays.
Where something else runs than app.git.ref would bring, the stack file gets the commit: the next up changes nothing.
Exit codes: 0; 1 where it went back, or a server's outcome is not known; 2 where it was refused, with nothing changed.`,
    )
    .action((ref: string | undefined, options: Options) => done(brought("deploy", options, (known) => wishOf(ref, options, known))));

interface Options extends DeployOptions {
  readonly from?: string;
}

export const withCommon = (command: Command): Command =>
  command
    .option(...stackOption)
    .addOption(new Option("--to <servers>", "these alone: isu1,isu2, a pattern ('isu*')").argParser(words).default([], "all with app.git"))
    .option("--health <path>", "asked on each server beside the role's checks: /path, or a URL", health)
    .option("--timeout <seconds>", "for each check to answer; 30 without, or what the role's check says", seconds)
    .option("--json", "what became of each server, as JSON", false);

const words = (text: string, before: readonly string[]): readonly string[] => [...before, ...text.split(",").filter(Boolean)];

function reason(text: string): string {
  if (text.trim() !== "") return text.trim();
  throw new InvalidArgumentError("expected a reason in words");
}

function health(text: string): string {
  if (/^(?:\/|https?:\/\/)\S*$/.test(text)) return text;
  throw new InvalidArgumentError("expected a path (/health) or a URL");
}

function seconds(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected whole seconds");
}

async function wishOf(ref: string | undefined, { from, anyway }: Options, { places, follows, settings }: Known): Promise<Wish> {
  const { build, files } = settings;
  if (from === undefined) {
    if (build !== undefined)
      throw new UserError(
        `params.app.deploy.build: expected the clone that is built here, got none; next: ${typed()} deploy --from ../webapp`,
      );
    return { what: "deploy", ref: ref ?? followedBy([follows, places[0]!.git.ref]) };
  }
  const repository = new LocalRepository(from);
  const changed = ref === undefined || ref === "HEAD" ? repository.changed() : [];
  if (changed.length > 0 && anyway === undefined)
    throw new UserError(
      `${from}: expected all changes in a commit, got others in ${changed.slice(0, 3).join(", ")}${changed.length > 3 ? ` and ${changed.length - 3} more` : ""}; ` +
        "next: commit them; with --anyway REASON they stay behind",
    );
  const wish = { what: "deploy", ref: ref ?? "HEAD", from: repository } as const;
  const commit = repository.commit(wish.ref);
  if (build === undefined) return { ...wish, commit };
  const architectures = [...new Set(places.map(({ server }) => String(server.facts.architecture)))].sort();
  const onLine = (line: string) => console.error(`${from}: ${line}`);
  const built = () => buildHere({ folder: repository.folder, commit, architectures, build, files, onLine });
  return { ...wish, commit: await waiting(() => `builds ${from}`, built) };
}
