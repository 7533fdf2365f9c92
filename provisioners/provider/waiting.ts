// A server that does not answer is named while it is waited for: why, up to when, and how long yet.
import type { Connection } from "../engine/shell.ts";
import { at } from "../ssh/errors.ts";
import type { Call } from "./resource.ts";

/** Milliseconds that a server has to come up after it was made, or handed out. */
export const bootWindow = 120_000;

/** Milliseconds for one that answered before, and that nobody here starts: time for a reboot. The others need not wait longer for one that is off. */
export const knownWindow = 30_000;

/** Milliseconds that somebody typed in place of these; undefined where nobody did. */
export function givenWindow(environment: Readonly<Record<string, string | undefined>> = process.env): number | undefined {
  const given = environment.FLEET_CONNECT_TIMEOUT;
  return given !== undefined && /^\d{1,5}$/.test(given) ? Number(given) * 1000 : undefined;
}

/** Milliseconds after which a server that is waited for is named for good, and not in passing: one that was just made answers sooner. */
const namedAfter = 4_000;

/** Milliseconds between two words on how long it is still waited for. */
const toldEvery = 2_000;

/** Tells why a server is waited for, and how long yet, while it is. */
export class Waiting {
  readonly #call: Call;
  readonly #timer: NodeJS.Timeout;
  readonly #clock: NodeJS.Timeout;
  readonly #until: number;
  readonly #window: number;
  #reason: string;

  constructor({ name, address, port }: Connection, call: Call, window: number) {
    this.#call = call;
    this.#window = window;
    this.#until = performance.now() + window;
    this.#reason = `no answer yet from \`${at({ name, address, port })}\``;
    const say = () =>
      call.log("warning", `${this.#reason}; waits for it, up to ${window / 1000} s (--connect-timeout), while the others go on`);
    this.#timer = setTimeout(say, namedAfter);
    this.#clock = setInterval(() => this.#tell(), toldEvery);
  }

  for(reason: string): void {
    this.#reason = reason;
    this.#tell();
  }

  #tell(): void {
    const left = Math.max(0, Math.round((this.#until - performance.now()) / 1000));
    this.#call.log("info", `waits ${left} of ${this.#window / 1000} s more: ${this.#reason}`, true);
  }

  end(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#clock);
  }
}
