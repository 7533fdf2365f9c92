// A run with all that is known of it, as every report tells it.
import type { ServerReport } from "../analyse.ts";
import type { ConfigurationChange } from "../configuration.ts";
import type { RunEntry } from "../runs.ts";
import type { Finding } from "./findings.ts";

export interface RunReport {
  readonly stack: string;
  readonly entry: RunEntry;
  /** Earlier and later runs of the stack, this one among them. */
  readonly history: readonly RunEntry[];
  readonly messages: readonly string[];
  readonly servers: readonly ServerReport[];
  readonly findings: readonly Finding[];
  /** Of the effective configuration, since the run before; undefined where that one is not on this computer. */
  readonly changes?: { readonly since: number; readonly all: readonly ConfigurationChange[] };
  /** What could not be measured as it should be, by server. */
  readonly remarks: Readonly<Record<string, readonly string[]>>;
}
