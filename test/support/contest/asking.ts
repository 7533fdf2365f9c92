// Somebody who asks servers all the while, from outside, and remembers who did not answer, and when.
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface Unanswered {
  readonly url: string;
  /** Milliseconds of the epoch. */
  readonly at: number;
  readonly why: string;
}

const between = 100;
/** Slow is no failure: a busy computer takes seconds to start a process. */
const patience = 30_000;

export class Asking {
  readonly #urls: readonly string[];
  readonly #unanswered: Unanswered[] = [];
  readonly #end = new AbortController();
  readonly #running: Promise<unknown>;
  #answered = 0;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
    this.#running = Promise.all(urls.map((url) => this.#again(url)));
  }

  get answered(): number {
    return this.#answered;
  }

  /** What went unanswered since the last time, a line each. */
  take(): readonly string[] {
    return this.#unanswered.splice(0).map(({ url, at, why }) => `${new Date(at).toISOString().slice(11, 23)} ${url} ${why}`);
  }

  /** Each has answered since now. */
  async allAnswer(): Promise<void> {
    for (const url of this.#urls) {
      let why = "";
      for (let tries = 0; tries < 1200; tries++) {
        why = await one(url);
        if (why === "") break;
        await sleep(between);
      }
      if (why !== "") throw new Error(`${url}: expected an answer within two minutes, got ${why}`);
    }
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #again(url: string): Promise<void> {
    while (!this.#end.signal.aborted) {
      const at = Date.now();
      const why = await one(url);
      if (why === "") this.#answered++;
      else this.#unanswered.push({ url, at, why });
      await sleep(between);
    }
  }
}

/** Empty, or why it was no answer. */
const one = (url: string): Promise<string> =>
  new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: patience }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode === 200 ? "" : `status ${response.statusCode}`));
      response.on("error", (error) => resolve(error.message));
    });
    request.on("timeout", () => request.destroy(new Error(`none within ${patience / 1000} s`)));
    request.on("error", (error) => resolve(error.message));
  });
