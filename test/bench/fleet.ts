// Contestant 1: this product. One Node process for all hosts, as the provider is one for a stack; each run is a fresh one.
import { join } from "node:path";
import { timed } from "./child.ts";
import type { Contestant } from "./contestant.ts";
import type { WorkerReport } from "./fleet-worker.ts";
import { changing, roleWeb } from "./workload.ts";

const worker = join(import.meta.dirname, "fleet-worker.ts");

export const fleet: Contestant = {
  name: "fleet",
  skips: () => undefined,
  runs: (_hosts, wanted) => wanted,
  async run({ hosts, phase, revision }, { directory, signal }) {
    // The provider's compiled code is kept between runs (`./fleet` sets the same variable).
    const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, "compile-cache") };
    const { stdout } = await timed(process.execPath, [worker], { env, input: JSON.stringify({ hosts, revision }), signal });
    const report = JSON.parse(stdout) as WorkerReport;
    const expected = { "first run": changing(roleWeb(revision)).length + 1, "nothing to do": 0, "one file changed": 1 }[phase];
    for (const [name, changed] of Object.entries(report.changed))
      if (changed !== expected) throw new Error(`${name}, ${phase}: expected ${expected} changes, got ${changed}`);
    return report;
  },
};
