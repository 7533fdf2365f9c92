// One shell a server for the whole process, and one link a jump host: connecting is what costs.
import pLimit from "p-limit";
import type { Connection, LockingShell } from "../engine/shell.ts";
import { Link } from "./connection.ts";
import type { Login } from "./errors.ts";
import { type OpenOptions, openShell, type Session } from "./session.ts";

/** Logins at once, boot windows' waiting not counted: more only makes each slower, and sshd drops some. */
const handshakes = 16;

export interface GetOptions extends OpenOptions {
  /** Keep a failure too: whoever asks again gets the same HostError at once. @default false */
  readonly rememberFailure?: boolean;
}

/** With the way in: who comes with another password must not find the door open that the old one opened. */
const keyOf = (login: Login & Partial<Connection>): string => JSON.stringify(Object.entries(login).sort(([a], [b]) => (a < b ? -1 : 1)));

export class Sessions {
  readonly #limit = pLimit(handshakes);
  readonly #shells = new Map<string, Promise<Session>>();
  readonly #jumps = new Map<string, Promise<Link>>();

  /** The server's shell, opened at the first call. A dead one is replaced. Rejects with a HostError. */
  async get(connection: Connection, options: GetOptions = {}): Promise<LockingShell> {
    const key = keyOf(connection);
    const kept = this.#shells.get(key);
    if (kept) {
      const shell = await kept;
      if (shell.alive) return shell;
      if (this.#shells.get(key) === kept) this.#shells.delete(key);
      return this.get(connection, options);
    }
    const opening = openShell(connection, {
      limit: (attempt) => this.#limit(attempt),
      via: (jump) => this.#jump(jump, options),
      ...options,
    });
    this.#shells.set(key, opening);
    if (!options.rememberFailure) opening.catch(() => this.#shells.delete(key));
    return opening;
  }

  /** Shared by all servers behind it; a lost or failed one is opened again by the next that asks. */
  #jump(jump: Login, options: OpenOptions): Promise<Link> {
    const key = keyOf(jump);
    const link = this.#jumps.get(key) ?? Link.open(jump, options);
    if (this.#jumps.get(key) === link) return link;
    this.#jumps.set(key, link);
    const forget = () => void (this.#jumps.get(key) === link && this.#jumps.delete(key));
    link.then(({ gone }) => gone.then(forget), forget);
    return link;
  }

  /** Shells before the jump hosts that they go through. */
  async closeAll(): Promise<void> {
    const shells = await Promise.allSettled(this.#shells.values());
    this.#shells.clear();
    await Promise.all(shells.map((each) => each.status === "fulfilled" && each.value.close()));
    const jumps = await Promise.allSettled(this.#jumps.values());
    await Promise.all(jumps.map((each) => each.status === "fulfilled" && each.value.close()));
    this.#jumps.clear();
  }
}
