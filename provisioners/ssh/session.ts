// A root shell on one server over one SSH connection, kept for all that is to be done there.
import { randomBytes, randomUUID } from "node:crypto";
import {
  type Connection,
  type Entrance,
  HostError,
  type LockingShell,
  type LockRequest,
  type RunOptions,
  type RunResult,
} from "../engine/shell.ts";
import { type Command, quote } from "../engine/shell-quote.ts";
import { Link, type LinkOptions } from "./connection.ts";
import { endScript } from "./end-script.ts";
import { at, seconds } from "./errors.ts";
import { Cut, frame } from "./framing.ts";
import { heartbeatEvery, heartbeatScript, lockedCode, lockScript, parseHolder, sharedCode, unlockScript } from "./lock.ts";
import { gist, Lines } from "./output.ts";
import { type PatienceOptions, patiently, sleep } from "./retry.ts";
import { openRoot, type RootOptions, type Wire } from "./root-channel.ts";

export interface OpenOptions extends LinkOptions, RootOptions, PatienceOptions {
  /** Wraps each attempt to log in: how the pool limits them. */
  readonly limit?: <T>(attempt: () => Promise<T>) => Promise<T>;
  /** Root-only directory on the server for the lock and the stop file; made when one of them is needed. @default /run/fleet */
  readonly runDirectory?: string;
}

/** Standard output and error of one run together, in bytes: more is a mistake, and would fill this computer's memory. */
export const outputLimit = 64 * 1024 * 1024;

/** Milliseconds that an aborted script has to come to its next step's end by itself. */
export const stopGrace = 30_000;

/** Milliseconds in which a server must have heard that a script of its is given up; no longer than the script itself was given. */
const endPatience = 5_000;

/** Milliseconds in which a new connection must be had: an sshd that is just starting again refuses some. */
const againWindow = 5_000;

/** Connects, logs in, becomes root. Rejects with a HostError, each fault within its own deadline. */
export async function openShell(connection: Connection, options: OpenOptions = {}): Promise<Session> {
  const limit = options.limit ?? ((attempt) => attempt());
  return patiently(
    () =>
      limit(async () => {
        const link = await Link.open(connection, options);
        try {
          return new Session(connection, link, await openRoot(link, connection, options), options);
        } catch (error) {
          await link.close();
          throw error;
        }
      }),
    options,
  );
}

type Outcome = { readonly code: number } | { readonly fault: "lost" | "timeout"; readonly why: string };

/** What was cut short here may still end on the server: systemd waits for a service that stops. */
const wayOut = (holder: string, who: string): string =>
  holder === who
    ? "that is you: a run that goes on, or one that was interrupted and whose last step still ends there; wait for it to end, and the same again"
    : "wait for it to end, or ask them";

/**
 * A script runs in a subshell of the one remote shell, with `$FLEET_STOP` set: when the run is aborted, a file of that name
 * appears, and a script that looks at it between its steps can end at a safe point; after `stopGrace` the connection is closed.
 * A client that dies takes its channel with it: the script ends at its next output (SIGPIPE), then the shell, then the lock.
 */
export class Session implements LockingShell {
  readonly host: string;
  readonly #connection: Connection;
  readonly #link: Link;
  readonly #wire: Wire;
  readonly #options: OpenOptions;
  readonly #directory: string;
  #queue: Promise<unknown> = Promise.resolve();
  #side: Promise<Wire> | undefined;
  #sideLink: Link | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  /** Of the lock; another session of the same run may have it instead. */
  #holds = false;
  /** Ends the run that is under way. */
  #giveUp: ((outcome: Outcome) => void) | undefined;
  /** Why nothing can run here any more. */
  #dead: string | undefined;

  constructor(connection: Connection, link: Link, wire: Wire, options: OpenOptions) {
    this.host = connection.name;
    this.#connection = connection;
    this.#link = link;
    this.#wire = wire;
    this.#options = options;
    this.#directory = options.runDirectory ?? "/run/fleet";
    void wire.ended.then((why) => {
      this.#die(why);
      this.#giveUp?.({ fault: "lost", why });
    });
  }

  get entrance(): Entrance {
    const { signal: _, onProgress: __, ...options } = this.#options;
    return {
      user: this.#connection.user,
      again: async (script, run) => {
        const fresh = await openShell(this.#connection, { ...options, bootWindow: againWindow, fresh: false });
        return await fresh.run(script, run).finally(() => fresh.close());
      },
    };
  }

  get alive(): boolean {
    return this.#dead === undefined;
  }

  run(script: Command, options: RunOptions = {}): Promise<RunResult> {
    return this.#inTurn(() => this.#run(script, options));
  }

  async lock({ who, what, run = randomUUID(), wait = 0, onWait, signal }: LockRequest): Promise<void> {
    const until = performance.now() + wait;
    for (let told = ""; ; ) {
      const text = lockScript(this.#directory, { who, what, run });
      const { code, stdout, stderr } = await this.#inTurn(() => this.#run({ text, masked: "lock" }, { deadline: 30_000 }, true));
      if (code === 0) {
        this.#holds = true;
        return this.#startHeartbeat();
      }
      if (code === sharedCode) return;
      if (code !== lockedCode) throw new HostError(this.host, "locked", `can't lock \`${this.#directory}\`: \`${gist(stderr)}\``);
      const holder = parseHolder(stdout.toString("utf8"));
      const held = `locked by \`${holder.who}\` for \`${holder.what}\` since ${holder.since}`;
      if (performance.now() >= until) throw new HostError(this.host, "locked", `${held}; ${wayOut(holder.who, who)}`);
      if (held !== told) onWait?.(held);
      told = held;
      await sleep(Math.min(1000, Math.max(50, until - performance.now())), signal);
    }
  }

  async unlock(): Promise<void> {
    clearInterval(this.#heartbeat);
    if (!this.#holds) return;
    this.#holds = false;
    await this.#inTurn(() => this.#run({ text: unlockScript(this.#directory), masked: "unlock" }, { deadline: 30_000 }, true));
  }

  /** Ends what runs: its outcome is unknown then. */
  async close(): Promise<void> {
    this.#die("the connection was closed");
    this.#wire.close();
    await Promise.all([this.#link.close(), this.#sideLink?.close()]);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #die(reason: string): void {
    this.#dead ??= reason;
    clearInterval(this.#heartbeat);
  }

  async #run(script: Command, { deadline = 600_000, signal, onAbort = "ask", ...hear }: RunOptions, own = false): Promise<RunResult> {
    signal?.throwIfAborted();
    if (this.#dead)
      throw new HostError(this.host, "lost", `the link to \`${at(this.#connection)}\` is gone (${this.#dead}); connect again`);
    const nonce = randomBytes(9).toString("hex");
    const ended = Promise.withResolvers<Outcome>();
    const heard = listen(this.#wire, nonce, hear, ended.resolve);
    const timer = setTimeout(() => ended.resolve({ fault: "timeout", why: `not done within ${seconds(deadline)}` }), deadline);
    // Of a name of its own: who learns it can't end the frame.
    const stop = `${this.#directory}/stop-${randomBytes(9).toString("hex")}`;
    let told: Promise<void> | undefined;
    const ask = () => {
      if (onAbort === "end") told = this.#endNow(ended.resolve);
      else this.#askToStop(stop, ended.resolve);
    };
    signal?.addEventListener("abort", ask, { once: true });
    this.#giveUp = ended.resolve;
    void this.#wire.write(frame(script.text, nonce, { own, stop }));
    const outcome = await ended.promise;
    clearTimeout(timer);
    signal?.removeEventListener("abort", ask);
    this.#wire.reader = undefined;
    if ("code" in outcome) {
      // It may have ended by itself just then: whoever runs next in this shell (what takes it back) is not the one to be ended.
      await told;
      if (signal?.aborted && onAbort === "ask") await this.#aside(`rm -f -- ${quote(stop)}\n`);
      return { code: outcome.code, stdout: Buffer.concat(heard.stdout), stderr: Buffer.concat(heard.stderr).toString("utf8") };
    }
    if (outcome.fault === "timeout") await this.#endOnServer(deadline);
    await this.close();
    throw new HostError(this.host, outcome.fault, `${this.#broken(outcome)}; what it did is unknown: run again to find out and go on`);
  }

  #broken({ fault, why }: { readonly fault: "lost" | "timeout"; readonly why: string }): string {
    const place = `\`${at(this.#connection)}\``;
    return fault === "lost" ? `the link to ${place} broke while a script ran (${why})` : `a script on ${place} was given up: ${why}`;
  }

  #askToStop(stop: string, resolve: (outcome: Outcome) => void): void {
    void this.#aside(`mkdir -p -m 700 -- ${quote(this.#directory)} && : >${quote(stop)}\n`);
    const why = `it did not stop within ${seconds(stopGrace)} after it was asked to`;
    setTimeout(() => resolve({ fault: "timeout", why }), stopGrace).unref();
  }

  /** The shell itself lives on, and tells by its end marker that the script is gone. */
  async #endNow(resolve: (outcome: Outcome) => void): Promise<void> {
    const why = `it did not end within ${seconds(endPatience)} after it was ended`;
    setTimeout(() => resolve({ fault: "timeout", why }), endPatience).unref();
    await this.#endOnServer(endPatience);
  }

  /** A second root shell, on the same link where the server allows it, for what has to reach the server while a script runs. */
  async #aside(text: string, hear?: (text: string) => void): Promise<void> {
    this.#side ??= this.#openSide();
    try {
      const wire = await this.#side;
      wire.reader = hear && { stdout: (bytes) => hear(bytes.toString("latin1")), stderr: () => {} };
      await wire.write(text);
    } catch (error) {
      this.#side = undefined;
      this.#options.onProgress?.(`no second session: ${(error as Error).message}`);
    }
  }

  /** What runs in the shell that is given up; whether it worked shows at the next run. */
  async #endOnServer(deadline: number): Promise<void> {
    const told = Promise.withResolvers<void>();
    const answer = randomBytes(9).toString("hex");
    const timer = setTimeout(told.resolve, Math.min(endPatience, Math.max(1000, deadline)));
    void this.#aside(endScript(this.#wire.pid, answer), (text) => text.includes(answer) && told.resolve());
    await Promise.race([told.promise, this.#link.gone]);
    clearTimeout(timer);
  }

  async #openSide(): Promise<Wire> {
    try {
      return await openRoot(this.#link, this.#connection, this.#options);
    } catch (error) {
      if (!this.alive) throw error;
      // A server with `MaxSessions 1` opens no second session on a connection; a connection more it takes.
      this.#sideLink = await Link.open(this.#connection, this.#options);
      return openRoot(this.#sideLink, this.#connection, this.#options);
    }
  }

  #startHeartbeat(): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => void this.#aside(heartbeatScript(this.#directory)), heartbeatEvery).unref();
  }
}

type Told = Pick<RunOptions, "onLine" | "onErrorLine" | "onBytes">;

/** Collects what one run prints until both streams have come to their end markers. */
function listen(wire: Wire, nonce: string, { onLine, onErrorLine, onBytes }: Told, resolve: (outcome: Outcome) => void) {
  const heard = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const lines = onLine && new Lines(onLine);
  const errorLines = onErrorLine && new Lines(onErrorLine);
  let size = 0;
  const keep = (into: Buffer[], bytes: Buffer) => {
    size += bytes.length;
    if (size > outputLimit) resolve({ fault: "timeout", why: `it printed more than ${outputLimit / 1024 / 1024} MiB` });
    else into.push(bytes);
  };
  const out = new Cut(nonce, (bytes) => {
    if (onBytes) onBytes(bytes);
    else keep(heard.stdout, bytes);
    lines?.feed(bytes);
  });
  const err = new Cut(nonce, (bytes) => (errorLines ? errorLines.feed(bytes) : keep(heard.stderr, bytes)));
  const check = () => {
    if (out.code === undefined || err.code === undefined) return;
    lines?.end();
    errorLines?.end();
    resolve({ code: out.code });
  };
  wire.reader = {
    stdout: (bytes) => {
      out.feed(bytes);
      check();
    },
    stderr: (bytes) => {
      err.feed(bytes);
      check();
    },
  };
  return heard;
}
