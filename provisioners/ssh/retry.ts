// Tries to log in until a boot window closes: a server that is coming up refuses, drops and hangs in every way there is.

import { HostError } from "../engine/shell.ts";
import { ReachError, seconds } from "./errors.ts";

export interface PatienceOptions {
  /** Milliseconds during which a server may still be booting: what can pass by itself is tried again. @default 0 */
  readonly bootWindow?: number;
  /** The server was made just now: until its users are there it may refuse the right key or password. @default false */
  readonly fresh?: boolean;
  /** Told why it has to wait, once a reason. */
  readonly onProgress?: (reason: string) => void;
  readonly signal?: AbortSignal;
}

/** Tries for a server that hung up as a busy one does, even without a boot window: 3 s in the mean. */
const soonTries = 6;

/** Backoff from 0.2 s to 5 s, each between half and the whole of it, so that a hundred clients don't come back at once. */
const backoff = (attempt: number): number => Math.min(5000, 200 * 1.6 ** attempt) * (0.5 + Math.random() / 2);

/** Runs `attempt` until it works or can't get better. Rejects with its last ReachError, or with `not-ready` after a boot window. */
export async function patiently<T>(attempt: () => Promise<T>, options: PatienceOptions = {}): Promise<T> {
  const { bootWindow = 0, fresh = false, onProgress, signal } = options;
  const start = performance.now();
  let told = "";
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ReachError) || (error.again === "never" && !(fresh && error.fault === "auth"))) throw error;
      const left = bootWindow - (performance.now() - start);
      if (left <= 0 && bootWindow > 0) throw notReady(error, bootWindow);
      if (left <= 0 && !(error.again === "soon" && tries < soonTries)) throw error;
      const reason = error.sentence;
      if (reason !== told) onProgress?.(reason);
      told = reason;
      // The last try comes when the window closes, not a backoff before.
      await sleep(left > 0 ? Math.min(left, backoff(tries)) : backoff(tries), signal);
    }
  }
}

const notReady = (last: ReachError, bootWindow: number): HostError =>
  last.fault === "auth"
    ? last
    : new HostError(last.host, "not-ready", `not ready after ${seconds(bootWindow)}; the last try: ${last.sentence}`);

export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = () => reject(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  await promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  });
}
