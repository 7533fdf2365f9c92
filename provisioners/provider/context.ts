// What the resources of one provider process share: one shell a server, its lock, and the memory of who did not answer.
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { type Connection, HostError, type LockingShell } from "../engine/shell.ts";
import { Sessions } from "../ssh/session-pool.ts";
import { type Foreign, foreignSentence } from "./foreign.ts";
import type { Call } from "./resource.ts";
import { bootWindow, givenWindow, Waiting } from "./waiting.ts";

/** Milliseconds that another run gets to end: a killed one's last command may still be at work on the server. */
const lockPatience = 30_000;

export class Context {
  /** The engine has asked for a resource of a program: this is no `destroy`, which asks for none. */
  programRuns = false;
  readonly #sessions = new Sessions();
  readonly #failed = new Map<string, HostError>();
  /** This process: one run of the engine. */
  readonly #run = randomUUID();
  /** Servers that must not be changed, by their addresses: they are another stack's. */
  readonly #foreign = new Map<string, Foreign>();
  /** Servers that this run has reached, by their names, as they are now. */
  readonly #now = new Map<string, { readonly connection: Connection; readonly made: boolean }>();
  readonly #locks = new WeakMap<LockingShell, Promise<void>>();

  /** Two stacks on one server would undo each other's work. Throws HostError where it was found to be another's. */
  refuseForeign({ name, address, port }: Connection): void {
    const foreign = this.#foreign.get(`${address} ${port ?? 22}`);
    if (foreign) throw new HostError(name, "locked", foreignSentence(foreign, !this.programRuns));
  }

  foreign({ address, port }: Connection, foreign: Foreign | undefined): void {
    if (foreign) this.#foreign.set(`${address} ${port ?? 22}`, foreign);
    else this.#foreign.delete(`${address} ${port ?? 22}`);
  }

  /** This run has its hands on this server, by this way. `made`: the fleet made it, and may have replaced it by another. */
  isNow(connection: Connection, made = false): void {
    this.#now.set(connection.name, { connection, made });
  }

  /**
   * The way to a server on which something is to be undone; undefined where that is gone, with all that was done on it: another one that the
   * fleet made has its name by now. The same one, by its host key, is reached where it is now.
   */
  nowOf(before: Connection): Connection | undefined {
    const now = this.#now.get(before.name);
    if (!now) return before;
    if (now.connection.hostKey === before.hostKey) return now.connection;
    return now.made ? undefined : before;
  }

  /**
   * The server's root shell. A look asks once: who did not answer is not waited for again in this run. With `boot`, tries until the
   * window closes; `fresh`, made by the fleet itself, it may refuse the right key until its users are there. Throws HostError.
   */
  async reach(connection: Connection, call: Call, { boot = false, fresh = false, window: usual = bootWindow } = {}): Promise<LockingShell> {
    const window = boot ? (givenWindow() ?? usual) : 0;
    const known = this.#failed.get(connection.name);
    if (known && window === 0) throw known;
    const waiting = window > 0 ? new Waiting(connection, call, window) : undefined;
    const patience = waiting ? { bootWindow: window, fresh, onProgress: (reason: string) => waiting.for(reason) } : {};
    try {
      const shell = await this.#sessions.get(connection, { ...patience, signal: call.signal });
      this.#failed.delete(connection.name);
      return shell;
    } catch (error) {
      if (error instanceof HostError) this.#failed.set(connection.name, error);
      throw error;
    } finally {
      waiting?.end();
    }
  }

  /** Who did not answer is asked again: for whoever looks more than once. */
  forgive(name: string): void {
    this.#failed.delete(name);
  }

  /** Taken once a server and held until this process ends: one operator at a time changes a server. Throws HostError. */
  lock(shell: LockingShell, { urn, signal, log }: Call): Promise<void> {
    const request = {
      who: `${userInfo().username}@${hostname()}`,
      what: `stack ${urn.split(":")[2]}`,
      run: this.#run,
      wait: lockPatience,
      onWait: (held: string) => log("info", `waits up to ${lockPatience / 1000} s: ${held}`, true),
      signal,
    };
    const lock = this.#locks.get(shell) ?? shell.lock(request);
    this.#locks.set(shell, lock);
    return lock;
  }

  /** Ends every connection, and with them every lock. */
  async close(): Promise<void> {
    await this.#sessions.closeAll();
  }
}
