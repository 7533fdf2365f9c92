// What a watch tells of a look: on the terminal, as JSON, and on the ways that were named.

import { line, type WatchEvent } from "../operations/watch/rules.ts";
import { typed } from "../spec/typed.ts";
import { styled } from "./terminal.ts";
import { execute, post } from "./watch-ways.ts";

interface TellOptions {
  readonly json: boolean;
  readonly exec?: string;
  readonly webhook?: string;
}

/** Lines a server of one look that a terminal and a chat room get; JSON has all. */
const linesAtOnce = 20;

export class Teller {
  readonly #stack: string;
  readonly #options: TellOptions;
  readonly #mask: () => (text: string) => string;
  /** What could not be told is said once, until it can be again. */
  #failed = "";

  constructor(stack: string, options: TellOptions, mask: () => (text: string) => string) {
    this.#stack = stack;
    this.#options = options;
    this.#mask = mask;
  }

  async all(events: readonly WatchEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { exec, webhook, json } = this.#options;
    const mask = this.#mask();
    const at = new Date();
    const plain = events.map((each) => ({ at: at.toISOString(), stack: this.#stack, ...each, what: mask(each.what) }));
    const lines = few(plain);
    if (json) for (const each of plain) console.log(JSON.stringify(each));
    else for (const { text, kind } of lines) console.log(`${styled("dim", clock(at))} ${styled(colours[kind], text)}`);
    const told = { stack: this.#stack, text: lines.map(({ text }) => text).join("\n"), events: plain };
    const ways = [...(exec === undefined ? [] : [execute(exec, told)]), ...(webhook === undefined ? [] : [post(webhook, told)])];
    const failed = (await Promise.allSettled(ways))
      .flatMap((each) => (each.status === "rejected" ? [(each.reason as Error).message] : []))
      .join("; ");
    if (failed !== "" && failed !== this.#failed) console.error(`watch: ${failed}`);
    this.#failed = failed;
  }
}

const colours = {
  drift: "yellow",
  right: "green",
  off: "red",
  back: "green",
  busy: "dim",
  healed: "green",
  left: "red",
  problem: "red",
} as const;
const clock = (at: Date): string => at.toTimeString().slice(0, 8);

interface Shown {
  readonly kind: WatchEvent["kind"];
  readonly text: string;
}

function few(events: readonly WatchEvent[]): readonly Shown[] {
  return [...Map.groupBy(events, ({ server }) => server)].flatMap(([server, of]): readonly Shown[] => {
    const shown = of.slice(0, linesAtOnce).map((each) => ({ kind: each.kind, text: line(each) }));
    const more = of.length - shown.length;
    return more > 0 ? [...shown, { kind: "drift", text: `${server}: and ${more} more; ${typed()} verify tells all` }] : shown;
  });
}
