// An example of each role's parameters with every list and map filled, and how a machine shows that a setting of a switch is live.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "./switches.ts";

export interface SwitchCase {
  readonly params: unknown;
  /** Parameters at the top that a machine of a test can't do without, or that hang together. */
  readonly fixed?: readonly string[];
  /** Shell text, run once before the role first comes. */
  readonly before?: string;
  /** Units that run whatever the switches say. */
  readonly units: readonly string[];
  /** Shell text for each setting: fails where it is not live. */
  readonly live: Readonly<Record<Setting, string>>;
}

/** `undefined` where the role has no file: then it must have no switches either. */
export function switchCase(role: string): SwitchCase | undefined {
  const text = readOrNothing(join(import.meta.dirname, "../cases/switches", `${role}.json`));
  return text === undefined ? undefined : (JSON.parse(text) as SwitchCase);
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
