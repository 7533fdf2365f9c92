// The looks at one server for all readers of the page: its state, what differs, and the output of what was chosen. Nothing is asked while nobody reads.
import { sentenceOf } from "../../provisioners/engine/shell.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";
import type { FleetServer } from "../fleet-up.ts";
import { driftOf, lookAt, type Seen } from "../look/look.ts";
import { OpenServers, type Outcome, type Work } from "../on-servers.ts";
import { runCommand } from "../run-command.ts";
import type { Hub } from "./hub.ts";

/** A command, or the end of a file, whose output is shown of all servers. */
export interface Chosen {
  readonly title: string;
  readonly command: string;
  /** @default the server's own */
  readonly user?: string;
}

export interface Output {
  /** Undefined where it did not end in time. */
  readonly code?: number;
  readonly lines: readonly string[];
  /** Lines before the first that is kept. */
  readonly dropped: number;
  readonly error?: string;
}

export interface Glance {
  readonly server: FleetServer;
  readonly seen?: Seen;
  /** ISO; of the last look that saw it. */
  readonly at?: string;
  readonly error?: string;
  readonly drift?: readonly string[];
  readonly outputs: ReadonlyMap<string, Output>;
}

export interface GazeOptions {
  readonly chosen: readonly Chosen[];
  /** Milliseconds between two looks. */
  readonly every: number;
  /** Milliseconds between two runs of what was chosen. */
  readonly outputEvery: number;
  /** Whose readers it looks for. */
  readonly hub: Pick<Hub, "whileRead">;
  /** Told what is known now; of `output`, that alone has changed. */
  readonly onGlance: (glance: Glance, output?: Chosen) => void;
}

/** Milliseconds between two comparisons, which cost a server more than a look. */
const driftEvery = 30_000;
const lookTime = 20_000;
const outputTime = 15_000;
const mostLines = 200;

/** The end of a file, as a command. */
export const fileChosen = (path: string): Pick<Chosen, "title" | "command"> => ({
  title: path,
  command: sh`tail -n ${String(mostLines)} -- ${path}`.text,
});

export class Gaze {
  readonly #options: GazeOptions;
  #glance: Glance;
  #open = new OpenServers();
  #compared = 0;

  constructor(server: FleetServer, options: GazeOptions) {
    this.#glance = { server, outputs: new Map() };
    this.#options = options;
  }

  get glance(): Glance {
    return this.#glance;
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { every, outputEvery, chosen, hub } = this.#options;
    try {
      await Promise.all([
        hub.whileRead(() => this.#look(signal), every, signal),
        ...chosen.map((each) => hub.whileRead(() => this.#ask(each, signal), outputEvery, signal)),
      ]);
    } finally {
      await this.#open.close();
    }
  }

  #know(more: Partial<Glance>, output?: Chosen): void {
    const { error: _, ...rest } = this.#glance;
    this.#glance = output ? { ...this.#glance, ...more } : { ...rest, ...more };
    this.#options.onGlance(this.#glance, output);
  }

  async #on<T>(work: Work<T>, timeout: number, signal: AbortSignal): Promise<Outcome<T>> {
    const open = this.#open;
    const [outcome] = await open.each([this.#glance.server], work, { timeout, signal });
    // A server that keeps its connection and says nothing: the next look has one of its own.
    if (outcome && "ended" in outcome && outcome.ended === "timeout" && open === this.#open) {
      this.#open = new OpenServers();
      void open.close().catch(() => {});
    }
    return outcome!;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { server } = this.#glance;
    const outcome = await this.#on((of, shell, late) => lookAt(of, shell, late), lookTime, signal);
    if (signal.aborted) return;
    if ("error" in outcome) {
      const why = outcome.ended === "timeout" ? `no answer within ${lookTime / 1000} s` : sentenceOf(outcome.error);
      return this.#know({ error: why });
    }
    this.#know({ seen: outcome.value, at: new Date().toISOString() });
    if (Date.now() - this.#compared < driftEvery) return;
    this.#compared = Date.now();
    const compared = await this.#on((_of, _shell, late) => driftOf(server, outcome.value, late), lookTime, signal);
    if ("value" in compared) this.#know({ drift: compared.value });
  }

  async #ask(chosen: Chosen, signal: AbortSignal): Promise<void> {
    const lines: string[] = [];
    let dropped = 0;
    const hear = (text: string) => {
      lines.push(text);
      if (lines.length > mostLines) dropped += lines.splice(0, lines.length - mostLines).length;
    };
    const outcome = await this.#on(
      (server, shell, late) => runCommand(server, shell, chosen, { onLine: ({ text }) => hear(text), signal: late }),
      outputTime,
      signal,
    );
    if (signal.aborted) return;
    const output: Output =
      "value" in outcome
        ? { code: outcome.value.code, lines, dropped }
        : {
            lines,
            dropped,
            error: outcome.ended === "timeout" ? `not done within ${outputTime / 1000} s, and ended` : sentenceOf(outcome.error),
          };
    this.#know({ outputs: new Map([...this.#glance.outputs, [chosen.title, output]]) }, chosen);
  }
}
