// The watch's looks at single servers, over connections that are kept. One that says nothing holds up no look at the others.
import { randomUUID } from "node:crypto";
import { HostError, sentenceOf } from "../../provisioners/engine/shell.ts";
import { Comparison } from "../../provisioners/provider/as-remembered.ts";
import type { FleetServer } from "../fleet-up.ts";
import { lookAt } from "../look/look.ts";
import { unwell } from "./health.ts";
import type { Look } from "./rules.ts";

/** Milliseconds for one server's look. */
const deadline = 20_000;

export class Sight {
  readonly #run = randomUUID();
  #comparison = new Comparison();
  #stuck = false;

  /** @param isOff whether it was off at the last look: then it is asked once */
  async look(server: FleetServer, isOff: boolean, signal: AbortSignal): Promise<Look> {
    const { name, connection, remembered } = server;
    const look = async (): Promise<Look> => ({
      server: name,
      state: "seen",
      differences: await this.#inTime(name, signal, async (late) => {
        const differing = await this.#comparison.look(connection, remembered, late);
        return [...differing, ...unwell(name, await lookAt(server, await this.#comparison.shell(connection, late), late))];
      }),
    });
    // A connection that broke since the last look is no server that is off.
    const again = (error: unknown) => error instanceof HostError && error.fault !== "timeout" && !isOff && !signal.aborted;
    try {
      return await look().catch((error: unknown) => (again(error) ? look() : Promise.reject(error)));
    } catch (error) {
      return { server: name, state: "off", why: sentenceOf(error as Error), differences: [] };
    }
  }

  /** Who is at work there; undefined where nobody is, or nobody says. */
  async busy({ name, connection }: FleetServer, signal: AbortSignal): Promise<string | undefined> {
    return await this.#inTime(name, signal, (late) => this.#comparison.busy(connection, this.#run, late)).catch(() => undefined);
  }

  /** The next round's connections are new ones where one hung in this. */
  next(): void {
    if (this.#stuck) this.anew();
  }

  /** Nobody waits for an end that a stuck server may not take. */
  anew(): void {
    void this.#comparison.close().catch(() => {});
    this.#comparison = new Comparison();
    this.#stuck = false;
  }

  async close(): Promise<void> {
    await this.#comparison.close();
  }

  /** A server that keeps its connection and says nothing is waited for no longer than this. */
  async #inTime<T>(name: string, signal: AbortSignal, work: (late: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#stuck = true;
      const error = new HostError(name, "timeout", `no answer within ${deadline / 1000} s, over a connection that stands`);
      controller.abort(error);
      reject(error);
    }, deadline);
    const end = () => reject(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    try {
      return await Promise.race([work(AbortSignal.any([signal, controller.signal])), promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }
}
