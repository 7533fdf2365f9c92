// What the resources of one provider process share: one shell a server, its lock, and the memory of who did not answer.
import { hostname, userInfo } from "node:os";
import { Sessions } from "../host/sessions.ts";
import { type Connection, HostError, type LockingShell } from "../host/shell.ts";
import type { Call } from "./protocol.ts";

/** Milliseconds that a server has to come up after it was made, rebooted or handed out. */
const bootWindow = 120_000;

export class Context {
  readonly #sessions = new Sessions();
  readonly #failed = new Map<string, HostError>();

  /**
   * The server's root shell. A look asks once: who did not answer is not waited for again in this run. With `boot`, tries until the
   * boot window closes. Throws HostError.
   */
  async reach(connection: Connection, call: Call, { boot = false } = {}): Promise<LockingShell> {
    const known = this.#failed.get(connection.name);
    if (known && !boot) throw known;
    const patience = boot ? { bootWindow, fresh: true, onProgress: (reason: string) => call.log("info", reason, true) } : {};
    try {
      const shell = await this.#sessions.get(connection, { ...patience, signal: call.signal });
      this.#failed.delete(connection.name);
      return shell;
    } catch (error) {
      if (error instanceof HostError) this.#failed.set(connection.name, error);
      throw error;
    }
  }

  /** Held until this process ends: one operator at a time changes a server. */
  async lock(shell: LockingShell): Promise<void> {
    await shell.lock({ who: `${userInfo().username}@${hostname()}`, what: "pulumi up" });
  }

  close(): Promise<void> {
    return this.#sessions.closeAll();
  }
}
