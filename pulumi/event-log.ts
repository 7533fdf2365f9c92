// What Pulumi's engine says while it works: events, one JSON object a line, in a file that grows. The Automation API reads the same one.
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { unspelled } from "../provisioners/engine/spelling.ts";

interface Event {
  readonly resourcePreEvent?: { readonly metadata: { readonly op: string; readonly urn: string } };
  readonly resOutputsEvent?: { readonly metadata: { readonly op: string; readonly urn: string } };
  readonly diagnosticEvent?: { readonly severity: string; readonly message: string };
  readonly summaryEvent?: { readonly resourceChanges: Readonly<Record<string, number>> };
}

export interface Told {
  /** What is being worked on: `12 done, isu1-nginx`. */
  readonly progress: string;
  /** `9 created, 2 updated`; empty where nothing changed or the run did not get so far. */
  readonly summary: string;
  /** What went wrong, a sentence each. */
  readonly errors: readonly string[];
}

const past: Readonly<Record<string, string>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  delete: "deleted",
};

/** What a step's event begins with. The states behind it are most of what the engine writes: 24 MB for a change of 64 servers. */
export interface StepHead {
  readonly kind: "resourcePreEvent" | "resOutputsEvent";
  readonly op: string;
  readonly urn: string;
  readonly type: string;
}

const text = String.raw`"((?:[^"\\]|\\.)*)"`;
const stepHead = new RegExp(
  String.raw`^\{"sequence":\d+,"timestamp":\d+,"(resourcePreEvent|resOutputsEvent)":\{"metadata":\{"op":${text},"urn":${text},"type":${text}`,
);

/** Undefined for every other event, and for one that is written otherwise. */
export function stepHeadOf(line: string): StepHead | undefined {
  const [, kind, ...texts] = stepHead.exec(line) ?? [];
  if (kind === undefined) return undefined;
  const [op, urn, type] = texts.map((each) => JSON.parse(`"${each}"`) as string);
  return { kind: kind as StepHead["kind"], op: op!, urn: urn!, type: type! };
}

/** @param isBrief whether of such a step its head alone is wanted: the states are not read then */
export function eventIn<T>(line: string, isBrief: (head: StepHead) => boolean): T {
  const head = stepHeadOf(line);
  if (!head || !isBrief(head)) return JSON.parse(line) as T;
  const { kind, ...metadata } = head;
  return { [kind]: { metadata } } as T;
}

/** A file of events that grows: each read goes on from where the last one stopped. */
export class EventFile<T> {
  readonly #file: string;
  readonly #isBrief: (head: StepHead) => boolean;
  readonly #onAgain: () => void;
  readonly #decoder = new StringDecoder("utf8");
  #offset = 0;
  #rest = "";

  /**
   * @param isBrief of which steps the states are not wanted
   * @param onAgain called where the file was begun anew: a run that is tried again
   */
  constructor(file: string, isBrief: (head: StepHead) => boolean, onAgain: () => void = () => {}) {
    this.#file = file;
    this.#isBrief = isBrief;
    this.#onAgain = onAgain;
  }

  read(): readonly T[] {
    const events: T[] = [];
    for (const more of this.#more()) {
      const lines = (this.#rest + more).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("{")) events.push(eventIn<T>(line, this.#isBrief));
    }
    return events;
  }

  /** Part by part: what was written meanwhile may be larger than all that is kept of it. */
  *#more(): Generator<string> {
    if (!existsSync(this.#file)) return;
    const handle = openSync(this.#file, "r");
    try {
      if (fstatSync(handle).size < this.#offset) {
        [this.#offset, this.#rest] = [0, ""];
        this.#onAgain();
      }
      const chunk = Buffer.alloc(1 << 20);
      for (let size = -1; size !== 0; this.#offset += size) {
        size = readSync(handle, chunk, 0, chunk.length, this.#offset);
        yield this.#decoder.write(chunk.subarray(0, size));
      }
    } finally {
      closeSync(handle);
    }
  }
}

/** Reads on from where it stopped. A run that is tried again writes the file anew: what went wrong before is past then. */
export class EventLog {
  readonly #events: EventFile<Event>;
  #done = 0;
  #at = "";
  #summary = "";
  #errors: string[] = [];

  constructor(file: string) {
    const again = () => {
      this.#errors = [];
    };
    this.#events = new EventFile<Event>(file, () => true, again);
  }

  read(): Told {
    for (const event of this.#events.read()) this.#take(event);
    const progress = [...(this.#done > 0 ? [`${this.#done} done`] : []), this.#at || "starts"].join(", ");
    return { progress, summary: this.#summary, errors: [...new Set(this.#errors)] };
  }

  #take({ resourcePreEvent: pre, resOutputsEvent: outputs, diagnosticEvent: said, summaryEvent: end }: Event): void {
    if (pre && pre.metadata.op in past) this.#at = pre.metadata.urn.split("::").at(-1) ?? "";
    if (outputs && outputs.metadata.op in past) this.#done++;
    if (said?.severity === "error") this.#errors.push(plain(said.message));
    if (end) this.#summary = summaryOf(end.resourceChanges);
  }
}

/** Its sentence alone: without the colours, which the engine writes as `<{%reset%}>`, and without a stack trace. */
const plain = (message: string): string =>
  unspelled(message)
    .replace(/<\{%[^%]*%\}>/g, "")
    .trim()
    .split("\n")[0] ?? "";

const summaryOf = (changes: Readonly<Record<string, number>>): string =>
  Object.entries(past)
    .filter(([op]) => (changes[op] ?? 0) > 0)
    .map(([op, word]) => `${changes[op]} ${word}`)
    .join(", ");
