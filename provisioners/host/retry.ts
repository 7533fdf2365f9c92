// Tries to log in until a boot window closes: a server that is coming up refuses, drops and hangs in every way there is.
import { ReachError, seconds } from "./fault.ts";
import { HostError } from "./shell.ts";

export interface PatienceOptions {
  /** Milliseconds during which a server may still be booting: what can pass by itself is tried again. @default 0 */
  readonly bootWindow?: number;
  /** The server was made just now: until its users are there it may refuse the right key or password. @default false */
  readonly fresh?: boolean;
  /** Told why it has to wait, once a reason. */
  readonly onProgress?: (reason: string) => void;
  readonly signal?: AbortSignal;
}

/** A busy sshd drops connections at random (MaxStartups): worth this many tries even without a boot window. */
const dropTries = 3;

const dropped = (error: ReachError): boolean => error.message.includes("before the SSH greeting");

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
      if (!(error instanceof ReachError) || !(error.temporary || (fresh && error.fault === "auth"))) throw error;
      const wait = backoff(tries);
      const inWindow = performance.now() - start + wait < bootWindow;
      if (!inWindow && bootWindow > 0) throw notReady(error, bootWindow);
      if (!inWindow && !(dropped(error) && tries < dropTries)) throw error;
      const reason = error.message.slice(error.host.length + 2);
      if (reason !== told) onProgress?.(reason);
      told = reason;
      await sleep(wait, signal);
    }
  }
}

const notReady = (last: ReachError, bootWindow: number): HostError =>
  last.fault === "auth"
    ? last
    : new HostError(
        last.host,
        "not-ready",
        `not ready after ${seconds(bootWindow)}; the last try: ${last.message.slice(last.host.length + 2)}`,
      );

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
