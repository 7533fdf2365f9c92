// The team's page of a stack that is up: one look at the servers, and at what is kept here, for all who read it.
import { sleep } from "../../provisioners/ssh/retry.ts";
import { isLocal, localMark } from "../../pulumi/state.ts";
import { type FleetServer, type FleetUp, fleetUp, maskedIn, maskOf } from "../fleet-up.ts";
import { Html } from "../html.ts";
import { select } from "../select.ts";
import { type Chosen, Gaze, type Glance } from "./gaze.ts";
import { Hub } from "./hub.ts";
import { keptRuns, measurementsOf, Recent } from "./kept.ts";
import { PageServer, type Place } from "./server.ts";
import { card, cardId, chosenId, chosenPart, historyPart, measuredPart, runsPart, wholePage } from "./view.ts";

export interface PageOptions {
  readonly fleet: FleetUp;
  /** Which servers, in the words of every command. */
  readonly words: readonly string[];
  readonly chosen: readonly Chosen[];
  /** Milliseconds between two looks, and between two runs of what was chosen. */
  readonly every: number;
  readonly outputEvery: number;
  readonly place: Place;
  readonly token: string;
  /** What can't be read here is said once, not again and again. */
  readonly onProblem: (problem: string) => void;
}

const historyCount = 12;
/** Milliseconds between two looks at what is kept here, and at a history that is kept elsewhere. */
const keptEvery = 1_000;
const historyEvery = 5_000;
/** Milliseconds between two readings of a state that is kept elsewhere. */
const stateEvery = 60_000;

export class Page {
  readonly #options: PageOptions;
  readonly #hub = new Hub();
  readonly #server: PageServer;
  readonly #problems = new Set<string>();
  #fleet: FleetUp;
  #mask: (text: string) => string;
  #gazes: readonly Gaze[] = [];

  constructor(options: PageOptions) {
    this.#options = options;
    this.#fleet = options.fleet;
    this.#mask = maskOf(options.fleet);
    this.#server = new PageServer(this.#hub, () => this.#whole());
  }

  get servers(): readonly FleetServer[] {
    return select(this.#fleet.servers, this.#options.words);
  }

  /** @returns where it is */
  async listen(): Promise<string> {
    return await this.#server.listen(this.#options.place, this.#options.token);
  }

  /** Until the signal; the readers are told of the end. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#gaze(signal), this.#again(() => this.#kept(), keptEvery, signal), this.#history(signal)]);
    } finally {
      await this.#server.close();
    }
  }

  #whole(): string {
    const { chosen } = this.#options;
    const servers = this.servers.map(({ name }) => name);
    return wholePage({ stack: this.#fleet.stack, servers, chosen, part: (id) => new Html(this.#hub.part(id)) });
  }

  async #again(work: () => Promise<void> | void, every: number, signal: AbortSignal): Promise<void> {
    const told = async () => {
      try {
        await work();
      } catch (error) {
        this.#problem((error as Error).message);
      }
    };
    await this.#hub.whileRead(told, every, signal);
  }

  #problem(problem: string): void {
    if (this.#problems.has(problem)) return;
    this.#problems.add(problem);
    this.#options.onProblem(problem);
  }

  /** Goes along with what other runs make of the stack: other servers, other passwords. */
  async #gaze(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const changed = new AbortController();
      const until = AbortSignal.any([signal, changed.signal]);
      const names = this.servers.map(({ name }) => name);
      this.#gazes = this.servers.map((server) => this.#gazeAt(server));
      const looking = Promise.all(this.#gazes.map((each) => each.run(until)));
      await this.#untilChanged(until);
      changed.abort();
      await looking;
      const gone = names.filter((name) => !this.#fleet.servers.some((each) => each.name === name));
      for (const name of gone) this.#hub.drop(cardId(name));
      if (!signal.aborted && names.join() !== this.servers.map(({ name }) => name).join()) this.#hub.tell("again", "");
    }
  }

  #gazeAt(server: FleetServer): Gaze {
    const { every, outputEvery, chosen } = this.#options;
    const gaze = new Gaze(server, {
      ...{ every, outputEvery, chosen },
      hub: this.#hub,
      onGlance: (glance, output) => (output ? this.#showChosen(output) : this.#show(glance)),
    });
    // What is known of it stays until it is looked at again.
    if (this.#hub.part(cardId(server.name)) === "") this.#show(gaze.glance);
    return gaze;
  }

  #show(glance: Glance): void {
    this.#hub.set(cardId(glance.server.name), card(this.#masked(glance)).text);
  }

  #showChosen(chosen: Chosen): void {
    const outputs = this.#gazes.flatMap(({ glance }) => {
      const output = glance.outputs.get(chosen.title);
      return output ? [{ server: glance.server.name, output: { ...output, lines: output.lines.map(this.#mask) } }] : [];
    });
    this.#hub.set(chosenId(this.#options.chosen.indexOf(chosen)), chosenPart(chosen, outputs).text);
  }

  /** What a server said of itself; a connection is no such thing. */
  #masked({ seen, error, drift, ...rest }: Glance): Glance {
    const known = { ...(seen && { seen }), ...(error !== undefined && { error }), ...(drift && { drift }) };
    return { ...rest, ...(maskedIn(known, this.#mask) as typeof known) };
  }

  #kept(): void {
    const { stack } = this.#fleet;
    this.#hub.set("runs", runsPart(maskedIn(keptRuns(stack), this.#mask)).text);
    this.#hub.set("measured", measuredPart(maskedIn(measurementsOf(stack), this.#mask)).text);
  }

  async #history(signal: AbortSignal): Promise<void> {
    const recent = new Recent(this.#fleet.stack, historyCount);
    await this.#again(
      async () => this.#hub.set("history", historyPart(maskedIn(await recent.entries(), this.#mask)).text),
      historyEvery,
      signal,
    );
  }

  async #untilChanged(signal: AbortSignal): Promise<void> {
    const { stack } = this.#fleet;
    for (let mark = localMark(stack); !signal.aborted; ) {
      await sleep(isLocal() ? keptEvery : stateEvery, signal).catch(() => {});
      await this.#hub.someone(signal);
      const now = localMark(stack);
      if (signal.aborted || (isLocal() && now === mark)) continue;
      mark = now;
      // A state that is being written, or a stack that is down, is as it was.
      const fleet = await fleetUp(stack).catch((error: Error) => this.#problem(error.message));
      if (!fleet || JSON.stringify(fleet) === JSON.stringify(this.#fleet)) continue;
      this.#fleet = fleet;
      this.#mask = maskOf(fleet);
      return;
    }
  }
}
