// The same work on many servers at once, each with its own outcome: what every operation is built on.
import { randomUUID } from "node:crypto";
import type { LockingShell } from "../provisioners/engine/shell.ts";
import { Sessions } from "../provisioners/ssh/session-pool.ts";
import { Interrupted, untilInterrupted } from "../pulumi/interruption.ts";
import { type FleetServer, type FleetUp, fleetUp } from "./fleet-up.ts";
import { operator } from "./operator.ts";
import { select } from "./select.ts";

export type Outcome<T> = { readonly server: string } & (
  | { readonly value: T }
  /** A HostError where the server could not be reached; `ended` says why the work was cut short, if it was. */
  | { readonly error: Error; readonly ended?: "timeout" | "interrupted" }
);

export interface OnServersOptions {
  /** Milliseconds for one server's work, the way there included. @default none */
  readonly timeout?: number;
  /** What is about to be changed, for those whom the server's lock keeps out: `drain isu3`. @default looks alone, without a lock */
  readonly change?: string;
  /** Beside our own end (Ctrl-C). */
  readonly signal?: AbortSignal;
  /** Told why a server is waited for. */
  readonly onWait?: (server: string, why: string) => void;
  /** Told each outcome as it comes. */
  readonly onOutcome?: (outcome: Outcome<unknown>) => void;
}

/** Script runs hand `signal` to `shell.run`. */
export type Work<T> = (server: FleetServer, shell: LockingShell, signal: AbortSignal) => Promise<T>;

/** Milliseconds that another operator's run gets to end. */
const lockPatience = 30_000;
/** Milliseconds that work has to end by itself after its signal. */
const grace = 8_000;

/** Servers whose locks are held. */
export interface Held {
  /** Opened and locked anew where the link broke. Rejects with a HostError. */
  readonly shell: (server: FleetServer) => Promise<LockingShell>;
}

/** Kept connections to servers that are up; `close` when nothing more is to be done. */
export class OpenServers {
  readonly #sessions = new Sessions();
  readonly #run = randomUUID();

  /** Never rejects for a server's sake: each has its outcome, in the order of `servers`. */
  async each<T>(servers: readonly FleetServer[], work: Work<T>, options: OnServersOptions = {}): Promise<readonly Outcome<T>[]> {
    const { signal, done } = untilInterrupted();
    const all = AbortSignal.any([signal, ...(options.signal ? [options.signal] : [])]);
    try {
      return await Promise.all(
        servers.map(async (server) => {
          const outcome = await this.#one(server, work, { ...options, signal: all });
          options.onOutcome?.(outcome);
          return outcome;
        }),
      );
    } finally {
      done();
    }
  }

  /**
   * The locks of all of them for as long as `work` goes, which asks for their shells one by one and is never cut: at our end its signal says so, and
   * it may still put back what it did.
   */
  async holding<T>(
    servers: readonly FleetServer[],
    { change, onWait }: Required<Pick<OnServersOptions, "change">> & Pick<OnServersOptions, "onWait">,
    work: (held: Held, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal, done } = untilInterrupted();
    const locked = new Map<string, LockingShell>();
    const shell = async (server: FleetServer, until?: AbortSignal): Promise<LockingShell> => {
      const wait = (why: string) => onWait?.(server.name, why);
      const found = await this.#sessions.get(server.connection, { onProgress: wait, ...(until && { signal: until }) });
      // The lock went with a connection that broke.
      if (locked.get(server.name) === found) return found;
      await found.lock({
        who: operator(),
        what: change,
        run: this.#run,
        wait: lockPatience,
        onWait: wait,
        ...(until && { signal: until }),
      });
      locked.set(server.name, found);
      return found;
    };
    try {
      await Promise.all(servers.map((server) => shell(server, signal)));
      return await work({ shell }, signal);
    } finally {
      done();
      await Promise.all([...locked.values()].map((each) => each.unlock().catch(() => {})));
    }
  }

  async #one<T>(server: FleetServer, work: Work<T>, { timeout, signal, ...options }: OnServersOptions): Promise<Outcome<T>> {
    const late = timeout === undefined ? [] : [AbortSignal.timeout(timeout)];
    const until = AbortSignal.any([...(signal ? [signal] : []), ...late]);
    try {
      return { server: server.name, value: await within(this.#work(server, work, options, until), until) };
    } catch (error) {
      const ended = !until.aborted ? undefined : late[0]?.aborted && !signal?.aborted ? "timeout" : "interrupted";
      const isTime = ended === "timeout" && error === until.reason;
      const said = isTime ? new Error(`not done within ${timeout! / 1000} s`) : (error as Error);
      return { server: server.name, error: said, ...(ended && { ended }) };
    }
  }

  async #work<T>(server: FleetServer, work: Work<T>, { change, onWait }: OnServersOptions, signal: AbortSignal): Promise<T> {
    const wait = (why: string) => onWait?.(server.name, why);
    const shell = await this.#sessions.get(server.connection, { onProgress: wait, signal });
    if (change === undefined) return await work(server, shell, signal);
    await shell.lock({ who: operator(), what: change, run: this.#run, wait: lockPatience, onWait: wait, signal });
    try {
      return await work(server, shell, signal);
    } finally {
      // The lock ends with the connection, if the connection is what is lost.
      await shell.unlock().catch(() => {});
    }
  }

  /** Ends every connection, and with it what still runs there. */
  async close(): Promise<void> {
    await this.#sessions.closeAll();
  }
}

/** Waits for `work` no longer than `grace` after the signal. */
async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => reject(signal.reason), grace);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Opens the stack's servers that `words` select, works on all of them at once, and closes them. Throws Interrupted after a signal. */
export async function onServers<T>(
  stack: string | FleetUp,
  words: readonly string[],
  work: Work<T>,
  options: OnServersOptions = {},
): Promise<readonly Outcome<T>[]> {
  const fleet = typeof stack === "string" ? await fleetUp(stack) : stack;
  const servers = select(fleet.servers, words);
  const open = new OpenServers();
  try {
    return await open.each(servers, work, options);
  } finally {
    await open.close();
  }
}

/** Whether the work was cut short by our own end. */
const wasInterrupted = (outcome: Outcome<unknown>): boolean =>
  "error" in outcome && (outcome.ended === "interrupted" || outcome.error instanceof Interrupted);

/** For those who need all of them: throws what ended one, our own end before the rest. */
export function throwFailed(outcomes: readonly Outcome<unknown>[]): void {
  const failed = outcomes.find(wasInterrupted) ?? outcomes.find((each) => "error" in each);
  if (failed && "error" in failed) throw failed.error;
}
