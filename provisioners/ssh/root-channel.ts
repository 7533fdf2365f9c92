// One channel with a root shell behind it: becoming root, writing with back-pressure, and one reader at a time.
import { randomBytes } from "node:crypto";
import { type Connection, HostError } from "../engine/shell.ts";
import type { Channel, Link } from "./connection.ts";
import { at, seconds } from "./errors.ts";
import { gist } from "./output.ts";

export interface Reader {
  stdout(bytes: Buffer): void;
  stderr(bytes: Buffer): void;
}

/** Small enough that a keepalive waits at most this long behind them, large enough to cost nothing. */
const slice = 64 * 1024;

export class Wire {
  readonly #link: Link;
  readonly #channel: Channel;
  /** Takes what comes; what nobody reads is dropped. */
  reader: Reader | undefined;
  /** Of the remote shell. */
  pid = 0;
  /** Resolves with the reason once nothing more can come; never rejects. */
  readonly ended: Promise<string>;

  constructor(link: Link, channel: Channel) {
    this.#link = link;
    this.#channel = channel;
    channel.on("data", (bytes: Buffer) => this.reader?.stdout(bytes));
    channel.stderr.on("data", (bytes: Buffer) => this.reader?.stderr(bytes));
    // A dying channel may complain: `ended` tells all there is to know.
    channel.on("error", () => {});
    const closed = new Promise<string>((resolve) => channel.once("close", () => resolve("the remote shell ended")));
    // A lost link closes its channels first: give the reason behind it the time to come through.
    this.ended = Promise.race([link.gone, closed.then((reason) => Promise.race([link.gone, pause(20).then(() => reason)]))]);
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length; from += slice) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#channel.write(bytes.subarray(from, from + slice), () => resolve());
      if (from + slice < bytes.length) await Promise.race([promise.then(() => this.#link.drained()), this.ended]);
    }
  }

  close(): void {
    this.#channel.destroy();
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

export interface RootOptions {
  /** Milliseconds until a root shell must be there. @default 10000 */
  readonly rootTimeout?: number;
}

/** How the server itself gets out, for what is fetched on it. */
const proxies = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()]);

/**
 * A root shell with an environment of its own: what /etc/environment or a login sets (QUOTING_STYLE, BASH_ENV, TMPDIR …) changes what the tools
 * that scripts read print. One line without `!`, in any login shell's single quotes.
 */
const ownEnvironment = [
  "exec env -i HOME=/root USER=root LOGNAME=root SHELL=/bin/sh LC_ALL=C.UTF-8",
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ...proxies.map((name) => `\${${name}+"${name}=$${name}"}`),
  "sh",
].join(" ");

/** What every root shell starts with. Not exported: a script looks at the file between its steps, what it starts knows nothing of it. */
const greeting = `
umask 022
unset FLEET_STOP
FLEET_STOP=
cd /
`.trim();

/**
 * Opens a root shell: directly, or through sudo. The password is written only after sudo's own prompt (which carries a nonce)
 * came, so it can neither land in the shell's input as a command nor appear in an argument list.
 * Rejects with HostError `sudo`, `auth` (a login without a shell), `lost` or `timeout`.
 */
export async function openRoot(link: Link, connection: Connection, { rootTimeout = 10_000 }: RootOptions = {}): Promise<Wire> {
  const nonce = randomBytes(9).toString("hex");
  const direct = connection.user === "root";
  const command = direct
    ? `exec sh -c '${ownEnvironment}'`
    : `exec env LC_ALL=C sudo -H -S -p ${nonce}: sh -c 'echo ${nonce}=; ${ownEnvironment}'`;
  let channel: Channel;
  try {
    channel = await link.exec(command);
  } catch (error) {
    throw new HostError(connection.name, "lost", `\`${at(connection)}\` opened no session: \`${(error as Error).message}\``);
  }
  const wire = new Wire(link, channel);
  try {
    const heard = { stdout: "", stderr: "", prompts: 0, greeted: false };
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(rootFault(connection, "timeout", `no root shell within ${seconds(rootTimeout)}${said(heard, nonce)}`)),
      rootTimeout,
    );
    await Promise.race([becomeRoot(wire, connection, heard, { nonce, direct }), late]).finally(() => clearTimeout(timer));
    wire.reader = undefined;
    return wire;
  } catch (error) {
    wire.close();
    throw error;
  }
}

interface Heard {
  stdout: string;
  stderr: string;
  prompts: number;
  greeted: boolean;
}

/** The server's own words, such as a forced command's "Please login as …". */
function said({ stdout, stderr }: Heard, nonce: string): string {
  const words = gist(`${stderr}\n${stdout}`.replaceAll(`${nonce}:`, ""));
  return words ? `: \`${words}\`` : "";
}

async function becomeRoot(wire: Wire, connection: Connection, heard: Heard, { nonce, direct }: { nonce: string; direct: boolean }) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const password = connection.sudoPassword ?? connection.password;
  const greet = () => {
    heard.greeted = true;
    void wire.write(`${greeting}\nprintf '%s!%s\\n' ${nonce} "$$"\n`);
  };
  wire.reader = {
    stdout(bytes) {
      heard.stdout = (heard.stdout + bytes.toString("latin1")).slice(-16_384);
      if (!heard.greeted && heard.stdout.includes(`${nonce}=`)) greet();
      const pid = new RegExp(`${nonce}!(\\d+)\\n`).exec(heard.stdout)?.[1];
      if (pid !== undefined) {
        wire.pid = Number(pid);
        resolve();
      }
    },
    stderr(bytes) {
      heard.stderr = (heard.stderr + bytes.toString("utf8")).slice(-16_384);
      const prompts = heard.stderr.split(`${nonce}:`).length - 1;
      if (prompts === heard.prompts) return;
      heard.prompts = prompts;
      if (password === undefined)
        reject(
          rootFault(connection, "sudo", `sudo asks for the password of \`${connection.user}\` and none is given`, "set `sudoPassword`"),
        );
      else if (prompts > 1)
        reject(rootFault(connection, "sudo", `sudo refused the password of \`${connection.user}\``, "check `sudoPassword`"));
      else void wire.write(`${password}\n`);
    },
  };
  if (direct) greet();
  void wire.ended.then((reason) => {
    const words = said(heard, nonce) || ` (${reason})`;
    reject(
      direct
        ? rootFault(connection, "auth", `the login of \`root\` has no shell${words}`)
        : rootFault(connection, "sudo", `sudo gives \`${connection.user}\` no root shell${words}`),
    );
  });
  return promise;
}

const rootFault = (connection: Connection, fault: "sudo" | "auth" | "timeout", fact: string, advice?: string): HostError =>
  new HostError(connection.name, fault, `\`${at(connection)}\`: ${fact}`, advice);
