// fleet init: a team's own folder, which depends on the product instead of being a copy of it, and its first stack.
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { checkout } from "../../provisioners/project.ts";
import { passphraseIn } from "../../pulumi/passphrase.ts";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { type Answers, answersFor } from "../init/ask.ts";
import { asker } from "../init/asker.ts";
import { dependencyFor } from "../init/dependency.ts";
import { folderFiles } from "../init/folder.ts";
import { depend, gitInit, install, write } from "../init/make.ts";
import type { StackOptions } from "../init/options.ts";
import { newStack, writeStack } from "../init/write-stack.ts";
import { memberOption } from "../member-option.ts";
import { schemaOf } from "../schema-file.ts";
import { several } from "../several.ts";
import { columns, isTerminal } from "../terminal.ts";

interface Options extends StackOptions {
  readonly install: boolean;
  readonly stack: boolean;
}

export const init: Register = (program, done) =>
  program
    .command("init")
    .description("make a folder of your own, with its first stack: this product is its package. Asks what no option says")
    .argument("[dir]", "the folder; it may hold things already, which stay", ".")
    .option("--practice", "a stack of three machines on this computer, as a contest has them")
    .option(
      "--server <name=address>",
      "a server that was handed out, isu1=203.0.113.11 or with its SSH port isu1=203.0.113.11:2222; once for each",
      several,
      [],
    )
    .option("--aws", "a stack of three servers on AWS")
    .option("--team <name>", "the team's name, and the stack's; default the folder's")
    .option(...memberOption)
    .option("-u, --user <user>", "user to log in as on servers that were handed out; default isucon")
    .option("--password-file <file>", "holds that user's password; default $FLEET_PASSWORD")
    .option("-i, --key <file>", "private key to log in with, instead of a password")
    .option("--region <region>", "AWS region; default ap-northeast-1")
    .option("--type <type>", "instance type on AWS; default c5.large")
    .option("--ssh-from <network>", "network that may use SSH on AWS; once for each", several, [])
    .option("--expires <time>", "when all of it on AWS may go, such as 2026-12-01T12:00:00Z")
    .option("--no-stack", "the folder alone")
    .option("--no-install", "leave `npm install` to you")
    .option("--yes", "ask nothing: take what would be proposed", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet init our-servers
  fleet init our-servers --practice --yes
  fleet init . --server isu1=203.0.113.11 --server isu2=203.0.113.12 --password-file password.txt
  fleet init . --aws --team team-a --ssh-from 203.0.113.0/24

Passwords and keys go into the stack file encrypted, by PULUMI_CONFIG_PASSPHRASE.`,
    )
    .action((dir: string, options: Options) => done(run(dir, options)));

async function run(dir: string, options: Options): Promise<number> {
  const folder = resolve(dir);
  if (existsSync(folder) && !statSync(folder).isDirectory()) throw new UserError(`${dir}: expected a folder, or nothing, got a file`);
  const ask = asker(isTerminal() && !options.yes);
  const answers = options.stack ? await answersFor(folder, options, ask) : undefined;
  const stack = answers && (await newStack(folder, answers, ask));
  mkdirSync(folder, { recursive: true });
  const said = folder === resolve(checkout) ? [] : await makeFolder(dir, folder);
  if (stack) {
    writeStack(folder, stack);
    said.push(`${stack.path}: written, without a problem`);
  }
  const failed = options.install && folder !== resolve(checkout) ? await install(folder) : undefined;
  if (failed !== undefined) said.push(`npm install: ${failed}`);
  console.log([...said, "", next(dir, answers, options.install && failed === undefined)].join("\n"));
  return failed === undefined ? 0 : 1;
}

/** @returns what it did */
async function makeFolder(dir: string, folder: string): Promise<string[]> {
  const dependency = dependencyFor(folder);
  const before = existsSync(join(folder, "package.json"));
  const made = [...write(folder, folderFiles(dependency)), ...write(folder, [schemaOf(folder)])];
  if (before && depend(folder, dependency)) made.push("package.json (the dependency alone)");
  const git = await gitInit(folder);
  return [made.length > 0 ? `${dir}: made ${made.join(", ")}` : `${dir}: all there already`, ...(git ? [git] : [])];
}

/** What to type, in their order. */
function next(dir: string, answers: Answers | undefined, installed: boolean): string {
  const rows = [
    ...(resolve(dir) === process.cwd() ? [] : [[`cd ${dir}`, ""]]),
    ...(installed ? [] : [["npm install", "the packages"]]),
    ...(answers ? ofStack(answers) : [["./fleet docs stack-file", "what a stack file says"]]),
  ];
  const lines = columns(rows).split("\n");
  return ["next:", ...lines.map((line) => `  ${line.trimEnd()}`)].join("\n");
}

/** What it was encrypted with is not known to this shell, where it was typed. */
function ofStack({ team, place, part }: Answers): readonly (readonly string[])[] {
  const unlock = ["export PULUMI_CONFIG_PASSPHRASE=…", "what its secrets were encrypted with"];
  return [...(part.secret && passphraseIn(process.env) === undefined ? [unlock] : []), ...place.next(team)];
}
