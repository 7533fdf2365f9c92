// A server behind a door that a program opens: OpenSSH's `ProxyCommand`, whose standard input and output are the connection.
import { spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { at, type Endpoint, ReachError, seconds } from "./errors.ts";

/** Milliseconds until the server must have greeted: such programs log in somewhere first. */
export const patience = 30_000;

/** As OpenSSH replaces them: `%h` the address, `%p` the port. */
export const expanded = (command: string, { address, port }: Endpoint): string =>
  command.replaceAll(/%[hp%]/g, (mark) => ({ "%h": address, "%p": String(port), "%%": "%" })[mark]!);

/** In an error: the program, without what a person never typed. */
const called = (command: string): string => command.split(/\s+/, 2).join(" ");

/** The last thing that it said. */
const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.trim() ?? "";

/** Resolves with the first byte of the server's greeting, which stays to be read. Destroying it ends the program. */
export function throughCommand(command: string, to: Endpoint, deadline = patience): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  // A group of its own: Ctrl-C is ours to hear, and a program that started others ends with them.
  const child = spawn("/bin/sh", ["-c", `exec ${expanded(command, to)}`], { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
    } catch {
      // It has ended by itself.
    }
  };
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-2000);
  });
  const fail = (fact: string, missing = false) => {
    end();
    const why = lastLine(said);
    const advice = missing ? `install \`${command.split(" ", 1)[0]}\` on this computer` : undefined;
    reject(new ReachError(to.name, "unreachable", `${fact}${why === "" ? "" : `: \`${why}\``}`, missing ? "never" : "booting", advice));
  };
  const timer = setTimeout(() => fail(`no answer from \`${at(to)}\` by \`${called(command)}\` within ${seconds(deadline)}`), deadline);
  child.once("error", (error) => fail(`can't start \`${called(command)}\`: ${error.message}`));
  child.once("close", (code, signal) =>
    fail(`\`${called(command)}\`, the way to \`${at(to)}\`, ended with ${signal ?? `code ${code}`}`, code === 127),
  );
  // Without a listener, writing to a program that is gone would end this process.
  child.stdin.on("error", () => {});
  child.stdout.once("readable", () => {
    if (child.stdout.readableLength === 0) return;
    const transport = Duplex.from({ readable: child.stdout, writable: child.stdin });
    transport.once("close", end);
    resolve(transport);
  });
  return promise.finally(() => clearTimeout(timer));
}
