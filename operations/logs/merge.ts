// Entries of many servers in the order of their times, as well as can be told while they come, and without keeping more than is bounded.
import type { Entry } from "./reader.ts";

/** Milliseconds that an entry waits for an earlier one of another server. */
const patience = 400;
/** Entries that wait at most; the earliest go first where there are more. */
const room = 20_000;

export class Merge {
  readonly #out: (entry: Entry) => void;
  readonly #now: () => number;
  #waiting: { readonly entry: Entry; readonly came: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(out: (entry: Entry) => void, now = Date.now) {
    this.#out = out;
    this.#now = now;
  }

  add(entry: Entry): void {
    this.#waiting.push({ entry, came: this.#now() });
    if (this.#waiting.length > room) this.#give(this.#waiting.length - room / 2);
    this.#timer ??= setInterval(() => this.due(), patience / 4).unref();
  }

  /** Gives what has waited long enough, and all that is earlier than it. */
  due(): void {
    const until = this.#now() - patience;
    const ripe = this.#waiting.filter(({ came }) => came <= until);
    if (ripe.length === 0) return;
    const latest = ripe.reduce((time, { entry }) => Math.max(time, entry.time), 0);
    this.#give(this.#waiting.filter(({ entry }) => entry.time <= latest).length);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#give(this.#waiting.length);
  }

  #give(count: number): void {
    // Stable: lines of one second keep the order in which they came.
    this.#waiting.sort((a, b) => a.entry.time - b.entry.time);
    for (const { entry } of this.#waiting.splice(0, count)) this.#out(entry);
  }
}

/** Lines that are kept until all servers have told what was written before. */
export const backRoom = 200_000;

/** The latest `room` of what is added. */
export class Latest {
  readonly #room: number;
  #entries: Entry[] = [];
  dropped = 0;

  constructor(room = backRoom) {
    this.#room = room;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length >= 2 * this.#room) this.#cut();
  }

  #cut(): void {
    this.#entries.sort((a, b) => a.time - b.time);
    this.dropped += Math.max(0, this.#entries.length - this.#room);
    this.#entries = this.#entries.slice(-this.#room);
  }

  /** In their order; empties it. */
  take(): readonly Entry[] {
    this.#cut();
    const taken = this.#entries;
    this.#entries = [];
    return taken;
  }
}
