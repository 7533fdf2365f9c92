// One authenticated SSH connection. What is unsafe in node-ssh and ssh2 as shipped ends here.
import type { Duplex, Readable } from "node:stream";
import type { Connection } from "../engine/shell.ts";
import { authAttempts } from "./auth.ts";
import { dialFault, type Endpoint, handshakeFault, type Login, type Progress, ReachError, throughJump } from "./errors.ts";
import { fingerprint, formatHostKey, type HostKey, hostKeyAlgorithms, hostKeyFrom, parseHostKey } from "./host-key.ts";
import { throughCommand } from "./proxy-command.ts";
import { type AnyAuthMethod, type Client, type ConnectConfig, NodeSSH } from "./ssh2.ts";
import { dial } from "./tcp.ts";

export type Channel = Duplex & { readonly stderr: Readable };

export interface LinkOptions {
  /** Milliseconds for TCP. @default 5000 */
  readonly dialTimeout?: number;
  /** Milliseconds from the open TCP connection to the end of the login. @default 10000 */
  readonly handshakeTimeout?: number;
  /** Lends a link to the jump host, so that many servers share one. @default a link of its own, closed with this one */
  readonly via?: (jump: Login) => Promise<Link>;
}

/** A dead peer is known after just under four intervals of silence: 8 s. */
const keepalive = { keepaliveInterval: 2000, keepaliveCountMax: 3 };

/** Cheapest first: curve25519 and ed25519 cost a fifth of the alternatives' CPU time, AES-GCM needs no separate MAC. */
const algorithms = (hostKeyType?: string): NonNullable<ConnectConfig["algorithms"]> => ({
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
  ],
  cipher: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr"],
  serverHostKey: hostKeyAlgorithms(hostKeyType),
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
  compress: ["none"],
});

export class Link {
  readonly #client: Client;
  readonly #transport: Duplex;
  /** Resolves with the reason once the link is gone; never rejects. */
  readonly gone: Promise<string>;

  private constructor(client: Client, transport: Duplex, gone: Promise<string>) {
    this.#client = client;
    this.#transport = transport;
    this.gone = gone;
  }

  /** Logs in. Rejects with a ReachError: unreachable, host-key, auth or timeout. */
  static async open(login: Login & Pick<Connection, "jump">, options: LinkOptions = {}): Promise<Link> {
    const pinned = parseHostKey(login.hostKey);
    if (!pinned)
      throw new ReachError(
        login.name,
        "host-key",
        "no host key is pinned",
        "never",
        "set `hostKey` to a line of the server's /etc/ssh/*.pub",
      );
    const attempts = authAttempts(login);
    const { transport, release } = await reach(login, login.jump, options);
    try {
      const { client, gone } = await handshake(login, transport, attempts, progress(options, pinned));
      const link = new Link(client, transport, gone);
      void gone.then(release);
      return link;
    } catch (error) {
      transport.destroy();
      release();
      throw error;
    }
  }

  /** Rejects with the reason as a plain Error, also when the link dies before the server answers. */
  exec(command: string): Promise<Channel> {
    return this.#ask((done) => this.#client.exec(command, done));
  }

  forward(to: Endpoint): Promise<Duplex> {
    return this.#ask((done) => this.#client.forwardOut("127.0.0.1", 0, to.address, to.port, done));
  }

  async #ask<T>(request: (done: (error: Error | undefined, channel: T) => void) => void): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    void this.gone.then((reason) => reject(new Error(reason)));
    request((error, channel) => (error ? reject(error) : resolve(channel)));
    return promise;
  }

  /** Waits until the network has taken what was written: a keepalive must not queue behind megabytes on a slow line. */
  async drained(): Promise<void> {
    if (!this.#transport.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#transport.once("drain", resolve);
    await Promise.race([promise, this.gone]);
    this.#transport.off("drain", resolve);
  }

  /** Done within a second: an unreachable peer never answers the goodbye. */
  async close(): Promise<void> {
    this.#client.end();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, 1000);
    await Promise.race([promise, this.gone]);
    clearTimeout(timer);
    this.#transport.destroy();
  }
}

async function reach(
  login: Login,
  jump: Login | undefined,
  { dialTimeout = 5000, via, ...options }: LinkOptions,
): Promise<{ transport: Duplex; release: () => void }> {
  if (login.proxyCommand !== undefined) return { transport: await throughCommand(login.proxyCommand, login), release: () => {} };
  if (!jump) return { transport: await dial(login, dialTimeout), release: () => {} };
  const release = (link: Link | undefined) => void (via || link?.close());
  let link: Link | undefined;
  try {
    link = await (via ? via(jump) : Link.open(jump, { dialTimeout, ...options }));
    return { transport: await withDeadline(link.forward(login), login, dialTimeout), release: () => release(link) };
  } catch (error) {
    release(link);
    throw throughJump(login, jump, error);
  }
}

function withDeadline<T>(promise: Promise<T>, to: Endpoint, deadline: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(dialFault(to, "ETIMEDOUT", deadline)), deadline);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const progress = ({ handshakeTimeout = 10_000 }: LinkOptions, pinned?: HostKey): Progress => ({
  stage: "greeting",
  accepts: [],
  deadline: handshakeTimeout,
  ...(pinned && { pinned }),
});

async function handshake(login: Login, sock: Duplex, attempts: AnyAuthMethod[], seen: Progress) {
  const ssh = new NodeSSH();
  const ready = ssh.connect({
    sock,
    username: login.user,
    readyTimeout: seen.deadline,
    ...keepalive,
    algorithms: algorithms(seen.pinned?.type),
    hostVerifier: (key: Buffer) => {
      seen.offered = hostKeyFrom(key);
      return seen.pinned?.raw.equals(key) ?? false;
    },
    authHandler: (left: readonly string[] | null) => {
      seen.stage = "login";
      seen.accepts = left ?? seen.accepts;
      for (let next = attempts.shift(); next; next = attempts.shift()) if (left?.includes(next.type) ?? true) return next;
      return false;
    },
  } as Parameters<NodeSSH["connect"]>[0]);
  const client = ssh.connection!;
  const gone = watch(client);
  try {
    await ready;
  } catch (error) {
    if (seen.stage === "greeting" && "bytesRead" in sock && sock.bytesRead !== 0) seen.stage = "key exchange";
    throw handshakeFault(login, seen, error as Error & { level?: string });
  }
  return { client, gone };
}

/** A listener for good: without one, an error after the login (a keepalive without answer) would end this process. */
function watch(client: Client): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  client.on("error", (error: Error & { level?: string }) => {
    const silent = error.level === "client-timeout";
    resolve(silent ? `no answer to ${keepalive.keepaliveCountMax} keepalives` : error.message);
  });
  client.on("close", () => resolve("the server closed the connection"));
  return promise;
}

/**
 * Asks for the server's host key, ed25519 if it has one, without logging in: for a person to compare, then pin.
 * Rejects with a ReachError.
 */
export async function scanHostKey(
  { name, address, port, proxyCommand }: Endpoint & Pick<Connection, "proxyCommand">,
  jump?: Login,
  options: LinkOptions = {},
) {
  const login: Login = { name, address, port, user: "root", hostKey: "", ...(proxyCommand !== undefined && { proxyCommand }) };
  const { transport, release } = await reach(login, jump, options);
  const seen = progress(options);
  try {
    // Without a pinned key every key is refused, after it was seen: nothing more is sent.
    await handshake(login, transport, [], seen).catch((error: unknown) => {
      if (!seen.offered) throw error;
    });
    const key = seen.offered!;
    return { hostKey: formatHostKey(key), fingerprint: fingerprint(key) };
  } finally {
    transport.destroy();
    release();
  }
}
