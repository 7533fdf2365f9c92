// For what comes a while after the command that asked for it: a reload, a start, a reboot. A busy computer takes its time, so a single look proves
// nothing, and no test may depend on how long it took.
import { expect } from "vitest";

/** Asserts on what `look` gives, again and again until it holds; a look that throws is repeated as well. */
export const soon = <T>(look: () => T | Promise<T>, message?: string) =>
  expect.poll(look, { timeout: 120_000, interval: 200, ...(message !== undefined && { message }) });

/** Waits until `holds`; a look that throws does not hold. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await soon(holds, `expected ${what}`).toBe(true);
}
