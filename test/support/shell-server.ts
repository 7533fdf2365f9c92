// An SSH server inside the test, for what OpenSSH can't be made to do without root: any user, key and password, odd shells, a count of logins.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { ssh2 } from "../../provisioners/ssh/ssh2.ts";

export interface ShellServerOptions {
  /** Environment of the commands; its PATH decides which sudo they meet. */
  readonly env: NodeJS.ProcessEnv;
  /** PEM; its public half is pinned by `connection`. */
  readonly hostKey: string;
  readonly password: string;
  /** Offers the password by keyboard-interactive alone. */
  readonly keyboard?: boolean;
  /** Logins are left without an answer. */
  readonly deaf?: boolean;
  /** Runs instead of every command. */
  readonly command?: string;
}

export async function startShellServer(options: ShellServerOptions) {
  const seen = { logins: 0, commands: [] as string[] };
  const method = options.keyboard ? "keyboard-interactive" : "password";
  const server = new ssh2.Server({ hostKeys: [options.hostKey] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (context) => {
      seen.logins++;
      if (options.deaf) return;
      const judge = (given: string | undefined) => (given === options.password ? context.accept() : context.reject([method]));
      if (context.method === "publickey") context.accept();
      else if (context.method !== method) context.reject([method]);
      else if (context.method === "password") judge(context.password);
      else if (context.method === "keyboard-interactive")
        context.prompt([{ prompt: "Password: ", echo: false }], ([given]) => judge(given));
    });
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, info) => {
        seen.commands.push(info.command);
        const channel = acceptExec();
        const child = spawn("sh", ["-c", options.command ?? info.command], { env: options.env, detached: true });
        channel.pipe(child.stdin).on("error", () => {});
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on("close", (code) => {
          channel.exit(code ?? 1);
          channel.end();
        });
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const key = ssh2.utils.parseKey(options.hostKey);
  if (key instanceof Error) throw key;
  const connection: Connection = {
    name: "isu1",
    address: "127.0.0.1",
    port: (server.address() as { port: number }).port,
    user: "isucon",
    hostKey: `${key.type} ${key.getPublicSSH().toString("base64")}`,
    password: options.password,
  };
  return { connection, seen, stop: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}
