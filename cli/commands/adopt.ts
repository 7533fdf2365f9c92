// fleet adopt: servers that were handed out become a stack that describes them as they are.

import { existsSync } from "node:fs";
import { password } from "@inquirer/prompts";
import { Option } from "commander";
import { type HandedOutServer, serversIn, serversInTable } from "../../operations/adopt/addresses.ts";
import { adopt as adoptServers, type Outcome } from "../../operations/adopt/adopt.ts";
import { adoptedStack } from "../../operations/adopt/adopted-stack.ts";
import { type AgainOutcome, adoptAgain, refuseUncommitted } from "../../operations/adopt/again.ts";
import type { Way } from "../../operations/adopt/describe.ts";
import type { ServerChange } from "../../operations/adopt/diff.ts";
import type { Reached } from "../../operations/adopt/prove.ts";
import { allOf, NotReached, openAll, showKey } from "../../operations/adopt/reach.ts";
import { encryptionBy } from "../../operations/adopt/secrets.ts";
import { placesOf } from "../../operations/adopt/write.ts";
import { HostError, type HostFault } from "../../provisioners/engine/shell.ts";
import { Sessions } from "../../provisioners/ssh/session-pool.ts";
import { passphraseIn, refusedPassphrase } from "../../pulumi/passphrase.ts";
import { UserError, UserFacingError } from "../../spec/problem.ts";
import { textIn } from "../../spec/text-file.ts";
import { typed } from "../../spec/typed.ts";
import type { Register } from "../command.ts";
import { asker, notEmpty } from "../init/asker.ts";
import { memberOption } from "../member-option.ts";
import { phase } from "../phase.ts";
import { columns, isTerminal, styled } from "../terminal.ts";

export const adopt: Register = (program, done) =>
  program
    .command("adopt")
    .description("make a stack of servers that were handed out, as they are: reads them, and changes nothing on them")
    .argument("<stack>", "name of the new stack; with --again, of one that was adopted")
    .argument("[servers...]", "isu1=203.0.113.11, or with its SSH port isu1=203.0.113.11:2222")
    .option(
      "--table <file>",
      "a file, or - for standard input, with a server a line: its name, its address and, where there is one, its private one",
    )
    .option("-u, --user <user>", "user to log in as", "isucon")
    .addOption(new Option("--password-file <file>", "holds the user's password; default $FLEET_PASSWORD, or it is asked").conflicts("key"))
    .option("-i, --key <file>", "private key to log in with, instead of a password")
    .option("--sudo-password-file <file>", "holds the password for sudo, where it is another one")
    .option(...memberOption)
    .option("--again", "look again at an adopted stack, show what changed on its servers since, and bring its files up to date", false)
    .option("--json", "the outcome as JSON", false)
    .option("--no-commit", "leave what was written uncommitted")
    .addHelpText(
      "after",
      `
Examples:
  fleet adopt team-a isu1=203.0.113.11 isu2=203.0.113.12 --member octocat
  fleet adopt team-a --table servers.txt --user ubuntu --key ~/.ssh/contest
  fleet adopt team-a --again
  pbpaste | fleet adopt team-a --table - --password-file password.txt

Writes stacks/Pulumi.<stack>.yaml, the servers' files below stacks/files-<stack>/ and stacks/<stack>.md, a page of what runs where, and commits exactly these.`,
    )
    .action((stack: string, servers: string[], options: Options) =>
      done(options.again ? runAgain(stack, servers, options) : run(stack, servers, options)),
    );

interface Options {
  readonly table?: string;
  readonly user: string;
  readonly passwordFile?: string;
  readonly key?: string;
  readonly sudoPasswordFile?: string;
  readonly member: readonly string[];
  readonly commit: boolean;
  readonly again: boolean;
  readonly json: boolean;
}

async function run(stack: string, pairs: readonly string[], options: Options): Promise<number> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(stack))
    throw new UserError(`${stack}: expected a stack's name of lower-case letters, digits and dashes, such as \`team-a\``);
  const { stackFile } = placesOf(stack);
  if (existsSync(stackFile))
    throw new UserError(
      `${stack}: expected a stack that is not there yet, got one in ${stackFile}; next: ${typed()} adopt ${stack} --again`,
    );
  const servers = wanted(pairs, options);
  const passphrase = await passphraseFor(stack);
  const keys = await phase("host keys", () => allOf(servers.map(showKey)));
  // Before the password is given to anybody.
  console.error(columns(servers.map(({ name, address }, index) => [name, address, keys[index]!.fingerprint])));
  console.error("Compare these host keys with what the organiser hands out; no other key is accepted from now on.");
  const login = await loginOf(options);
  const ways = servers.map((server, index): Way => ({ ...server, user: options.user, hostKey: keys[index]!.hostKey, ...login }));
  const encryption = await encryptionBy(passphrase);
  const wish = { stack, ways, members: options.member, encryption, commit: options.commit };
  tell(stack, await opened(ways, (reached) => adoptServers(wish, reached)), options);
  return 0;
}

async function runAgain(stack: string, pairs: readonly string[], options: Options): Promise<number> {
  if (pairs.length > 0 || options.table !== undefined)
    throw new UserError("adopt: expected no servers beside --again, which takes those of the stack; leave them out");
  await refuseUncommitted(stack);
  const adopted = await adoptedStack(stack);
  tellAgain(stack, await opened(adopted.ways, (reached) => adoptAgain({ ...adopted, commit: options.commit }, reached)), options);
  return 0;
}

async function opened<T>(ways: readonly Way[], work: (reached: readonly Reached[]) => Promise<T>): Promise<T> {
  const sessions = new Sessions();
  try {
    const reached = await phase("login", () => openAll(sessions, ways));
    return await phase("look", () => work(reached));
  } catch (error) {
    throw here(error);
  } finally {
    await sessions.closeAll();
  }
}

/** What opens a server is in options here, not in a stack file. */
function here(error: unknown): unknown {
  if (error instanceof NotReached) return new UserFacingError(error.errors.map((each) => advised(each).message).join("\n"));
  return error instanceof HostError ? advised(error) : error;
}

function advised(error: HostError): HostError {
  const next: Partial<Record<HostFault, string>> = {
    auth: "next: check --user, and --password-file, FLEET_PASSWORD or --key",
    sudo: "next: add --sudo-password-file FILE",
  };
  return error.fault in next ? new HostError(error.host, error.fault, error.fact, next[error.fault]) : error;
}

function wanted(pairs: readonly string[], { table }: Options): readonly HandedOutServer[] {
  if (pairs.length > 0 && table === undefined) return serversIn(pairs);
  if (table === undefined) throw new UserError("adopt: expected servers, got none; name them (`isu1=203.0.113.11`), or give --table FILE");
  if (pairs.length > 0) throw new UserError("adopt: expected servers or --table, got both; leave out one of them");
  return serversInTable(textOf(table === "-" ? 0 : table));
}

const textOf = (file: string | number): string => textIn(file, { what: "a file that can be read" });

/** The first line: editors end a file with a newline. */
const lineOf = (file: string): string => textOf(file).split("\n")[0]!.replace(/\r$/, "");

async function passphraseFor(stack: string): Promise<string> {
  const given = passphraseIn(process.env);
  if (given !== undefined) return given;
  throw refusedPassphrase(stack);
}

async function loginOf({
  key,
  passwordFile,
  sudoPasswordFile,
  user,
}: Options): Promise<Pick<Way, "password" | "privateKey" | "sudoPassword">> {
  const sudo = sudoPasswordFile === undefined ? {} : { sudoPassword: lineOf(sudoPasswordFile) };
  if (key !== undefined) return { privateKey: textOf(key), ...sudo };
  if (passwordFile !== undefined) return { password: lineOf(passwordFile), ...sudo };
  const { FLEET_PASSWORD: given } = process.env;
  if (given !== undefined) return { password: given, ...sudo };
  if (!isTerminal())
    throw new UserError(
      "adopt: expected a way in, got no terminal to ask on; next: add --password-file FILE or --key FILE, or export FLEET_PASSWORD",
    );
  const question = () => password({ message: `Password of ${user}?`, mask: "*", validate: notEmpty }, { output: process.stderr });
  return { password: await asker(true)("a password", "", question), ...sudo };
}

function tell(stack: string, { proof, page, commit }: Outcome, { json }: Options): void {
  if (json) {
    const { servers, guards, left } = proof.description;
    console.log(JSON.stringify({ stack, ...placesOf(stack), servers, guards, left, notAdopted: proof.misfits, commit }, null, 2));
    return;
  }
  console.log(`\n${page}`);
  tellCommit(commit);
  console.log(
    `\nnext:\n  ${typed()} preview ${stack}   nothing but the fleet's own users and keys\n  ${typed()} up ${stack}        puts these there`,
  );
}

function tellAgain(stack: string, { changes, settings, commit }: AgainOutcome, { json }: Options): void {
  if (json) console.log(JSON.stringify({ changes, settings, commit }, null, 2));
  else if (changes.length === 0 && settings.length === 0) console.log("nothing changed on the servers since");
  else {
    for (const change of changes) tellChange(change);
    for (const line of settings) console.log(line);
    tellCommit(commit);
    console.log(`\nnext:\n  ${typed()} preview ${stack}   where the stack still says otherwise`);
  }
}

const colours = { "+": "green", "-": "red" } as const;

function tellChange({ servers, path, lines }: ServerChange): void {
  console.log(styled("bold", servers.length > 0 ? `${servers.join(", ")}: ${path}` : path));
  for (const line of lines) {
    const colour = colours[line[0] as keyof typeof colours];
    console.log(`  ${colour ? styled(colour, line) : line}`);
  }
}

function tellCommit(commit: Outcome["commit"]): void {
  if (commit && "commit" in commit) console.log(`committed as ${commit.commit}`);
  if (commit && "refused" in commit) console.log(`not committed: ${commit.refused}`);
}
