// The logs of many servers as one: what was written until now, then what is written, over connections that are opened again when they break.
import { type Shell, sentenceOf } from "../../provisioners/engine/shell.ts";
import { sleep } from "../../provisioners/ssh/retry.ts";
import { untilInterrupted } from "../../pulumi/interruption.ts";
import type { FleetServer } from "../fleet-up.ts";
import { OpenServers, type Outcome } from "../on-servers.ts";
import { Latest, Merge } from "./merge.ts";
import { type Entry, LogReader } from "./reader.ts";
import { type Back, backScript, followScript } from "./script.ts";
import { type LogWish, type Sources, sourcesOf } from "./sources.ts";

export interface LogOptions {
  readonly wish: LogWish;
  readonly back: Back;
  /** Which entries are wanted. */
  readonly keep: (entry: Entry) => boolean;
  readonly onEntry: (entry: Entry) => void;
  /** What is to be said of a server: it does not answer, it is back. */
  readonly onWord: (server: string, word: string) => void;
}

export interface Told {
  /** Servers that could not be asked. */
  readonly unasked: readonly string[];
  /** What was asked for by name, and no server has. */
  readonly nowhere: readonly string[];
  /** There is nothing else to read. */
  readonly empty: boolean;
}

const forever = 2 ** 31 - 1;
/** Milliseconds between two tries to reach a server again, up to which they grow. */
const longestWait = 10_000;

/** Lines that are asked for to have one that is wanted, and how many at most: what is wanted is decided here. */
const askedFor = 50;
const mostAsked = 5000;

interface Source {
  readonly server: FleetServer;
  readonly sources: Sources;
  readonly reader: LogReader;
}

export class Logs {
  readonly #open = new OpenServers();
  readonly #options: LogOptions;
  readonly #all: readonly Source[];
  #hear: (entry: Entry) => void = () => {};

  constructor(servers: readonly FleetServer[], options: LogOptions) {
    this.#options = options;
    const { since = 0 } = options.back;
    const wanted = (entry: Entry) => entry.time >= since * 1000 && options.keep(entry);
    this.#all = servers.map((server) => ({
      server,
      sources: sourcesOf(server, options.wish),
      reader: new LogReader(server.name, (entry) => wanted(entry) && this.#hear(entry)),
    }));
  }

  /** What was written until now, in the order of its times. */
  async back(): Promise<Told> {
    const latest = new Latest();
    this.#hear = (entry) => latest.add(entry);
    const outcomes = await Promise.all(this.#all.map((each) => this.#once(each)));
    const { lines, since } = this.#options.back;
    for (const entry of since === undefined ? lastOfEach(latest.take(), lines) : latest.take()) this.#options.onEntry(entry);
    return { unasked: outcomes.flatMap((outcome) => ("error" in outcome ? [outcome.server] : [])), ...this.#lacking(outcomes) };
  }

  /** Says so of each server, and tells what none has. */
  #lacking(outcomes: readonly Outcome<unknown>[]): Pick<Told, "nowhere" | "empty"> {
    const asked = this.#all.filter((_, index) => !("error" in outcomes[index]!));
    for (const { server, reader } of asked) for (const each of reader.lacks) this.#options.onWord(server.name, `has no ${each}`);
    const [first, ...others] = asked.map(({ reader }) => reader.lacks);
    const nowhere = (first ?? []).filter((each) => others.every((lacks) => lacks.includes(each)));
    const { units, files, roles } = this.#options.wish;
    return { nowhere, empty: nowhere.length > 0 && roles.length === 0 && nowhere.length === new Set([...units, ...files]).size };
  }

  /** Until our own end. */
  async follow(): Promise<void> {
    const merge = new Merge(this.#options.onEntry);
    this.#hear = (entry) => merge.add(entry);
    const { signal, done } = untilInterrupted();
    try {
      await Promise.all(this.#all.map((each) => this.#keepOn(each, signal)));
    } finally {
      done();
      merge.end();
    }
  }

  async close(): Promise<void> {
    await this.#open.close();
  }

  async #once(source: Source): Promise<Outcome<unknown>> {
    const { lines, since } = this.#options.back;
    const script = backScript(source.sources, { lines: Math.max(lines, Math.min(mostAsked, lines * askedFor)), since });
    const outcome = await this.#run(source, (shell, signal) =>
      shell.run(script, { onBytes: (bytes) => source.reader.feed(bytes), signal, onAbort: "end" }),
    );
    if ("error" in outcome && !outcome.ended) this.#options.onWord(source.server.name, whyUnread(outcome.error));
    return outcome;
  }

  async #run(source: Source, work: (shell: Shell, signal: AbortSignal) => Promise<unknown>): Promise<Outcome<unknown>> {
    const [outcome] = await this.#open.each([source.server], (_, shell, signal) => work(shell, signal));
    return outcome!;
  }

  async #keepOn(source: Source, stop: AbortSignal): Promise<void> {
    const { reader, server } = source;
    let [wait, lost] = [500, false];
    while (!stop.aborted) {
      const begun = performance.now();
      const outcome = await this.#run(source, async (shell, signal) => {
        if (lost) this.#options.onWord(server.name, "is back");
        lost = false;
        const options = { onErrorLine: (line: string) => reader.complaint(line), onBytes: (bytes: Buffer) => reader.feed(bytes) };
        await shell.run(followScript(source.sources, reader.follow()), { ...options, deadline: forever, signal, onAbort: "end" });
      });
      if (stop.aborted) return;
      if (!lost && "error" in outcome) this.#options.onWord(server.name, `${whyUnread(outcome.error)}; tries again`);
      lost = true;
      wait = performance.now() - begun > longestWait ? 500 : Math.min(longestWait, wait * 2);
      await sleep(wait, stop).catch(() => {});
    }
  }
}

/** The journal is one source, each file another. */
function lastOfEach(entries: readonly Entry[], count: number): readonly Entry[] {
  const left = new Map<string, number>();
  const kept = entries.toReversed().filter(({ server, source }) => {
    const key = `${server} ${source.startsWith("/") ? source : ""}`;
    const rest = left.get(key) ?? count;
    left.set(key, rest - 1);
    return rest > 0;
  });
  return kept.reverse();
}

/** Reading has no outcome that could be unknown. */
const whyUnread = (error: Error): string => sentenceOf(error).replace(/; what it did is unknown.*$/, "");
