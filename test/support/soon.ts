// For what comes a while after the command that asked for it: a reload, a start, a reboot. A busy computer takes its time, so a single look proves
// nothing, and no test may depend on how long it took.
import { expect, vi } from "vitest";

const patience = { timeout: 120_000, interval: 200 };

/** Asserts on what `look` gives, again and again until it holds; a look that throws is repeated as well. In tests alone. */
export const soon = <T>(look: () => T | Promise<T>, message?: string) =>
  expect.poll(look, { ...patience, ...(message !== undefined && { message }) });

/** Waits until `holds`, in hooks too; a look that throws does not hold, and has the last word. */
export const until = (holds: () => boolean | Promise<boolean>, what: string): Promise<void> =>
  vi.waitFor(async () => {
    if (!(await holds())) throw new Error(`expected ${what}`);
  }, patience);
