// Runs in a process of its own: reads hosts and revision from standard input, converges them all at once, prints a report.
import { text } from "node:stream/consumers";
import { converge, failures } from "../../provisioners/engine/converge.ts";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { Sessions } from "../../provisioners/ssh/session-pool.ts";
import { wantsOf } from "./fleet-wants.ts";
import { roleWeb } from "./workload.ts";

export interface WorkerReport {
  readonly seconds: number;
  readonly startSeconds: number;
  readonly memoryMB: number;
  /** Changed resources, by host. */
  readonly changed: Readonly<Record<string, number>>;
}

const startSeconds = performance.now() / 1000;
const { hosts, revision } = JSON.parse(await text(process.stdin)) as { hosts: readonly Connection[]; revision: number };
const begin = performance.now();
const items = roleWeb(revision);
const sessions = new Sessions();
const reports = await Promise.all(
  hosts.map(async (connection) => {
    const shell = await sessions.get(connection);
    return converge(shell, "role-web", wantsOf(items, connection.name));
  }),
);
await sessions.closeAll();
const seconds = (performance.now() - begin) / 1000;
const failed = reports.flatMap(failures);
if (failed.length > 0) throw new Error(JSON.stringify(failed, undefined, 2));
const changed = reports.map(({ host, results }) => [host, results.filter(({ outcome }) => outcome !== "unchanged").length] as const);
const report: WorkerReport = {
  seconds,
  startSeconds,
  memoryMB: process.resourceUsage().maxRSS / 1024,
  changed: Object.fromEntries(changed),
};
console.log(JSON.stringify(report));
