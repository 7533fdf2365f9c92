// fleet ssh: OpenSSH to a server of the fleet, with the fleet's key and the pinned host key.

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { quote } from "../../provisioners/engine/shell-quote.ts";
import { aimedAt } from "../../provisioners/stack.ts";
import { sshFolder } from "../../pulumi/command.ts";
import { stopsWithUs } from "../../pulumi/interruption.ts";
import { stacksUp } from "../../pulumi/state.ts";
import { choice } from "../../spec/messages.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { several } from "../several.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { exportedBy } from "../stack-outputs.ts";

export const ssh: Register = (program, done) =>
  program
    .command("ssh")
    .description("open a shell on a server, or run a command there")
    .argument("<server>", "a server of the stack: isu1")
    .argument("[command...]", "command to run in a shell there; default a login shell")
    .option(...stackOption)
    .option(...forwarding)
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText(
      "after",
      "\nExamples:\n  fleet ssh isu1\n  fleet ssh isu1 --stack team-a\n  fleet ssh -s team-a isu2 sudo journalctl -u nginx\n  fleet ssh isu1 -L 8080:127.0.0.1:80        http://127.0.0.1:8080/ is the server's port 80",
    )
    .action((server: string, behind: string[], options: Options & { stack?: string }) => {
      const { stack = options.stack, forward, command } = behindName(behind);
      return done(onStack(stack, server, { command, forward: [...options.forward, ...forward] }));
    });

interface Options {
  /** As OpenSSH's `-L` has them. */
  readonly forward: readonly string[];
}

const forwarding = [
  "-L, --forward <port:host:hostport>",
  "a port of this computer that leads to one behind the server, as OpenSSH's -L; may be given more than once",
  several,
  [] as readonly string[],
] as const;

/**
 * What stands behind the server's name. Our options end there, since the rest is another program's; but people write the stack there, too, and
 * it must not be taken for a command, on a server of the stack that is meant by default.
 */
export function behindName(words: readonly string[]): Options & { readonly stack?: string; readonly command: readonly string[] } {
  const parser = new Command("fleet ssh").exitOverride().helpOption(false).argument("[command...]");
  parser
    .option("-s, --stack <stack>")
    .option(...forwarding)
    .passThroughOptions()
    .allowUnknownOption()
    .parse([...words], { from: "user" });
  return { ...parser.opts<Options & { stack?: string }>(), command: parser.args };
}

type Wish = Options & { readonly command: readonly string[] };

const onStack = async (stack: string | undefined, name: string, wish: Wish): Promise<number> =>
  run(stack ?? (await stackInMind()), name, wish);

/** An up helps where nothing like it is there. */
export const noServer = (stack: string, name: string, there: readonly string[]): UserError =>
  new UserError(`${name}: expected a server of ${stack} that is up${choice(name, there) || `; next: ${typed()} up ${stack}`}`);

/** Goes by what is up: a mistake somewhere in the stack file must not take a shell away. */
async function run(stack: string, name: string, { command, forward }: Wish): Promise<number> {
  const aimed = aimedAt(stack);
  if ((await stacksUp([stack])).length === 0)
    throw new UserError(`${stack}: expected a stack that is up, got none; next: ${typed()} up ${stack}`);
  const { servers = {}, admin } = await exportedBy({ ...aimed, stack });
  const server = servers[name];
  if (!server) throw noServer(stack, name, Object.keys(servers));
  // OpenSSH takes no password from a file: where only that was handed out, the fleet's own user comes in with its key.
  const entered = <Login extends Hop>(login: Login): Login => (login.privateKey === undefined ? { ...login, ...admin } : login);
  const jump = server.jump && (servers[server.jump.name] ? entered(server.jump) : server.jump);
  const login = { ...entered(server), ...(jump && { jump }) };
  return await new Promise<number>((resolve, reject) => {
    const child = spawn("ssh", [...forward.flatMap((each) => ["-L", each]), ...sshOptions(stack, login), ...command], { stdio: "inherit" });
    stopsWithUs(child, "SIGTERM");
    child.on("error", (error) =>
      reject(new UserError(`ssh: expected the OpenSSH client, got ${error.message}; next: apt-get install openssh-client`)),
    );
    child.on("close", (code) => resolve(code ?? 1));
  });
}

type Hop = NonNullable<Connection["jump"]>;

export function sshOptions(stack: string, { jump, ...server }: Connection): string[] {
  const way = server.proxyCommand ?? (jump && proxyCommand(stack, jump));
  const through = way === undefined ? [] : ["-o", `ProxyCommand=${way}`];
  return [...through, ...hopOptions(stack, server), "--", server.address];
}

/** A shell of OpenSSH's runs it, after it has looked for its own `%` in it. `ProxyJump` would ask with none of the jump host's own options. */
const proxyCommand = (stack: string, jump: Hop): string =>
  ["ssh", ...hopOptions(stack, jump).map((each) => quote(each).replaceAll("%", "%%")), "-W", "'[%h]:%p'", "--", quote(jump.address)].join(
    " ",
  );

/** The key goes into a file that only its owner reads: OpenSSH takes it in no other way. */
function hopOptions(stack: string, server: Hop): string[] {
  const folder = sshFolder(stack);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [key, known] = [join(folder, `${server.name}.key`), join(folder, `${server.name}.known_hosts`)];
  const { user, privateKey } = server;
  if (privateKey !== undefined) writeFileSync(key, privateKey.endsWith("\n") ? privateKey : `${privateKey}\n`, { mode: 0o600 });
  const place = server.port === 22 ? server.address : `[${server.address}]:${server.port}`;
  writeFileSync(known, `${place} ${server.hostKey}\n`, { mode: 0o600 });
  const options = [
    `UserKnownHostsFile=${known}`,
    "StrictHostKeyChecking=yes",
    "LogLevel=ERROR",
    ...(privateKey === undefined ? [] : ["IdentitiesOnly=yes", `IdentityFile=${key}`]),
  ];
  return [...options.flatMap((option) => ["-o", option]), "-p", String(server.port), "-l", user];
}
