// A real OpenSSH server on a free loopback port, with keys, configuration and log of its own in a temporary directory.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Connection } from "../../provisioners/engine/shell.ts";

/** Where a root sshd confines the part of itself that talks to strangers; Debian makes it at boot only. Left there: others may use it. */
const privilegeSeparation = "/run/sshd";
const program = "/usr/sbin/sshd";

export interface Sshd {
  readonly port: number;
  /** Temporary; gone after `stop`. */
  readonly directory: string;
  readonly connection: Connection;
  /** What sshd has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function makeKey(path: string, type = "ed25519"): { readonly private: string; readonly public: string } {
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "test", "-f", path]);
  return { private: readFileSync(path, "utf8"), public: readFileSync(`${path}.pub`, "utf8").trim() };
}

/**
 * Behaves as sudo does with `-H -S -p PROMPT COMMAND …`: asks on standard error and reads standard input when
 * `SUDO_PASSWORD` is set, three times at most.
 */
export const sudoStandIn = `#!/bin/sh
while :; do case $1 in -H | -S) shift ;; -p) prompt=$2; shift 2 ;; *) break ;; esac; done
[ -z "$SUDO_REFUSES" ] || { echo "$SUDO_REFUSES" >&2; exit 1; }
tries=0
while [ -n "$SUDO_PASSWORD" ]; do
  printf %s "$prompt" >&2
  IFS= read -r given || exit 1
  [ "$given" != "$SUDO_PASSWORD" ] || break
  tries=$((tries + 1))
  [ "$tries" -lt 3 ] || { echo "sudo: 3 incorrect password attempts" >&2; exit 1; }
  echo "Sorry, try again." >&2
done
unset SUDO_PASSWORD
exec "$@"
`;

export function putSudo(directory: string): string {
  mkdirSync(join(directory, "bin"), { recursive: true });
  writeFileSync(join(directory, "bin/sudo"), sudoStandIn, { mode: 0o755 });
  return `${join(directory, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin`;
}

/** Runs as whoever runs the test, and lets in that user alone, by key; a user other than root meets a stand-in for sudo. */
export async function startSshd(name = "isu1", { environment = "", more = [] as readonly string[] } = {}): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), "sshd-test-"));
  const host = makeKey(join(directory, "host"));
  const client = makeKey(join(directory, "client"));
  const port = await freePort();
  writeFileSync(join(directory, "authorized"), `${client.public}\n`);
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(directory, "host")}`,
    `AuthorizedKeysFile ${join(directory, "authorized")}`,
    // Not the user's own home: their shell's start-up files are no part of a test.
    `SetEnv PATH=${putSudo(directory)} HOME=${directory} ${environment}`,
    ...more,
    ...["PidFile none", "StrictModes no", "UsePAM no", "UseDNS no", "PasswordAuthentication yes", "KbdInteractiveAuthentication no"],
    ...["PermitRootLogin yes", "PermitUserRC no", "PrintMotd no", "PrintLastLog no", "LogLevel VERBOSE"],
  ];
  writeFileSync(join(directory, "config"), `${config.join("\n")}\n`);
  if (userInfo().uid === 0) mkdirSync(privilegeSeparation, { recursive: true, mode: 0o755 });
  const logFile = join(directory, "log");
  if (!existsSync(program)) throw new Error(`the tests need \`${program}\`, and it is not there; next: apt-get install openssh-server`);
  const daemon = spawn(program, ["-D", "-E", logFile, "-f", join(directory, "config")], { stdio: "ignore" });
  const log = () => (existsSync(logFile) ? readFileSync(logFile, "utf8") : "");
  await answers(port, daemon, log);
  const connection = { name, address: "127.0.0.1", port, user: userInfo().username, hostKey: host.public, privateKey: client.private };
  return { port, directory, connection, log, stop: () => stop(daemon, directory) };
}

async function stop(daemon: ChildProcess, directory: string): Promise<void> {
  const ended = daemon.exitCode === null ? new Promise((resolve) => daemon.once("exit", resolve)) : undefined;
  daemon.kill();
  await ended;
  rmSync(directory, { recursive: true, force: true });
}

async function answers(port: number, daemon: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 2400; tries++) {
    if (daemon.exitCode !== null) break;
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`sshd did not start:\n${log()}`);
}

export interface Proxy {
  readonly port: number;
  /** As a pulled cable does: nothing goes through any more, nobody is told. */
  cut(): void;
  close(): Promise<void>;
}

/** TCP in the middle, between a client and the server on `to`. */
export async function startProxy(to: number): Promise<Proxy> {
  const sockets = new Set<import("node:net").Socket>();
  let dead = false;
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    for (const [from, into] of [[near, far] as const, [far, near] as const]) {
      sockets.add(from);
      from.on("data", (bytes) => dead || into.write(bytes));
      from.on("error", () => {});
      from.on("close", () => dead || into.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    cut: () => {
      dead = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
