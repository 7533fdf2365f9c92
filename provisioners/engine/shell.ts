// What the rest of the product knows of a server: a root shell that runs scripts. session.ts makes one over SSH.

import { UserFacingError } from "../../spec/problem.ts";
import type { Command } from "./shell-quote.ts";

export interface RunOptions {
  /** Called for each whole line of standard output as it comes, control bytes stripped. */
  readonly onLine?: (line: string) => void;
  /** The same of standard error; the result then has none. */
  readonly onErrorLine?: (line: string) => void;
  /** Takes standard output as it comes, however much it is; the result then has none. */
  readonly onBytes?: (bytes: Buffer) => void;
  /** Milliseconds until the run counts as hung. @default 600000 */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
  /** What an abort does: `ask` leaves the script to end at its next safe point, `end` ends it and all that it started. @default ask */
  readonly onAbort?: "ask" | "end";
}

export interface RunResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A root shell on one server. One script at a time; scripts run in the order in which they were asked for. */
export interface Shell {
  /** The server's name in the stack file. */
  readonly host: string;
  /**
   * Runs POSIX sh text as root, standard input empty. Resolves with whatever exit code it ended with; rejects with a
   * HostError when the outcome is unknown (link lost, deadline passed).
   */
  run(script: Command, options?: RunOptions): Promise<RunResult>;
  close(): Promise<void>;
  /** How it came in. None where nobody comes in: a script that a server runs by itself. */
  readonly entrance?: Entrance;
}

/** The way into a server, to be gone once more. */
export interface Entrance {
  /** Who logs in, and becomes root. */
  readonly user: string;
  /** Runs as root over a new connection, made as the first one was. Rejects with a HostError where that can't be had within seconds. */
  again(script: Command, options?: Pick<RunOptions, "deadline">): Promise<RunResult>;
}

/** A shell that also holds the server's one lock: only needed to change something, not to look. */
export interface LockingShell extends Shell {
  /**
   * Takes the lock, or rejects with a HostError `locked` that names who holds it, for what and since when. It goes with the
   * connection. A holder of whom the server has heard nothing for 60 s is ended and its lock taken over.
   */
  lock(request: LockRequest): Promise<void>;
  unlock(): Promise<void>;
}

export interface LockRequest {
  /** `ada@laptop` */
  readonly who: string;
  /** `pulumi up team-a` */
  readonly what: string;
  /** The run's own word: what its other sessions hold on this server, it holds. @default none else's */
  readonly run?: string;
  /** Milliseconds to wait for another holder to finish. @default 0 */
  readonly wait?: number;
  /** Told who holds it, once a holder. */
  readonly onWait?: (held: string) => void;
  readonly signal?: AbortSignal;
}

export const hostFaults = [
  "unreachable", // refused, no route, no answer, name not found
  "host-key", // another key than the pinned one
  "auth", // user, password or key refused
  "sudo", // sudo asks for a password that was not given, or refuses
  "lost", // the link broke in the middle: outcome unknown
  "locked", // somebody else is at work on this server
  "timeout", // answered, but not in time
  "not-ready", // still booting when the deadline passed
] as const;
export type HostFault = (typeof hostFaults)[number];

/** The user's or the network's fault at one server, as one sentence: what was tried, what came back, what to do. */
export class HostError extends UserFacingError {
  override readonly name = "HostError";
  readonly host: string;
  readonly fault: HostFault;
  /** The message without the server's name before it. */
  readonly sentence: string;
  /** What was tried and what came back, without advice: for who has no stack file yet to put it right in. */
  readonly fact: string;
  /** @param advice what to put right in the stack file */
  constructor(host: string, fault: HostFault, fact: string, advice?: string) {
    const sentence = advice === undefined ? fact : `${fact}; ${advice}`;
    super(`${host}: ${sentence}`);
    this.host = host;
    this.fault = fault;
    this.sentence = sentence;
    this.fact = fact;
  }
}

/** Off, cut off, or still coming up: it says nothing of the other servers, which can go on without it. */
const away: ReadonlySet<HostFault> = new Set(["unreachable", "lost", "timeout", "not-ready"]);
export const isUnreachable = (error: unknown): error is HostError => error instanceof HostError && away.has(error.fault);

/** Of an error at a server, for a line that has the server's name before it. */
export const sentenceOf = (error: Error): string => (error instanceof HostError ? error.sentence : error.message);

/** How a server is reached. Everything but the host key may change without the server being another one. */
export interface Connection {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** `ssh-ed25519 AAAA…`: the only key that is accepted. */
  readonly hostKey: string;
  readonly privateKey?: string;
  readonly password?: string;
  /** @default the login password */
  readonly sudoPassword?: string;
  readonly jump?: Omit<Connection, "jump" | "sudoPassword">;
  /** A program whose input and output are the connection, as OpenSSH's `ProxyCommand`: `%h` and `%p` stand for address and port. */
  readonly proxyCommand?: string;
}
