// fleet ssh: OpenSSH to a server of the fleet, with the fleet's key and the pinned host key.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "../../provisioners/host/shell.ts";
import { planOf } from "../../provisioners/stack.ts";
import { UserError } from "../../stacks/problem.ts";
import { choice } from "../../stacks/reasons.ts";
import type { Register } from "../command.ts";
import { ask, sshFolder } from "../pulumi.ts";

export const ssh: Register = (program, done) =>
  program
    .command("ssh")
    .description("open a shell on a server, or run a command there")
    .argument("<server>", "a server of the stack: isu1")
    .argument("[command...]", "what to run; a login shell without")
    .option("-s, --stack <stack>", "the stack", "practice")
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText("after", "\nExamples:\n  fleet ssh isu1\n  fleet ssh --stack team-a isu2 sudo journalctl -u nginx")
    .action((server: string, command: string[], { stack }: { stack: string }) => done(run(stack, server, command)));

/** What the program exports. */
interface Exported {
  readonly servers: Readonly<Record<string, Connection>>;
  readonly admin: { readonly user: string; readonly privateKey: string };
}

async function run(stack: string, name: string, command: readonly string[]): Promise<number> {
  const plan = planOf(stack);
  const names = plan.servers.map((server) => server.name);
  if (!names.includes(name)) throw new UserError(`${name}: expected a server of ${stack}${choice(name, names)}`);
  const { servers, admin } = JSON.parse(await ask(plan, ["stack", "output", "--stack", stack, "--show-secrets", "--json"])) as Exported;
  const server = servers?.[name];
  if (!server) throw new UserError(`${name}: expected a server that is up, got none; next: ./fleet up ${stack}`);
  // OpenSSH takes no password from a file: where only that was handed out, the fleet's own user comes in with its key.
  const login = server.privateKey === undefined ? { ...server, ...admin } : server;
  return await new Promise<number>((resolve, reject) => {
    const child = spawn("ssh", [...sshOptions(stack, login), ...command], { stdio: "inherit" });
    child.on("error", (error) =>
      reject(new UserError(`ssh: expected the OpenSSH client, got ${error.message}; next: apt-get install openssh-client`)),
    );
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** The key goes into a file that only its owner reads: OpenSSH takes it in no other way. */
function sshOptions(stack: string, server: Connection): string[] {
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
  return [...options.flatMap((option) => ["-o", option]), "-p", String(server.port), "-l", user, "--", server.address];
}
