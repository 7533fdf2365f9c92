// All that a run's folder holds, analysed.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AccessLog, type AccessReport } from "./access/analyse.ts";
import { eachLine } from "./lines.ts";
import { SlowLog, type SlowReport } from "./slow/digest.ts";

export interface ServerReport {
  readonly server: string;
  readonly access?: AccessReport;
  readonly slow?: SlowReport;
  /** Effective configuration by its kind: nginx, mysql, sysctl, enabled. */
  readonly configuration: Readonly<Record<string, string>>;
  /** Warnings and errors of the run's time. */
  readonly journal: readonly string[];
}

/** Of servers with a log of their own, and of all the others: no request is in both. */
const accessFiles = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => /^access(-\d+)?\.log\.gz$/.test(name))
    .map((name) => join(folder, name));

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

export async function analysed(folder: string, server: string, uris: readonly string[] = []): Promise<ServerReport> {
  const own = join(folder, "servers", server);
  const access = new AccessLog(uris);
  const logs = existsSync(own) ? accessFiles(own) : [];
  for (const file of logs) await eachLine(file, (line) => access.line(line));
  const slow = join(own, "slow.log.gz");
  const queries = new SlowLog();
  if (existsSync(slow)) await eachLine(slow, (line) => queries.line(line));
  const kinds = existsSync(join(own, "config")) ? readdirSync(join(own, "config")) : [];
  return {
    server,
    configuration: Object.fromEntries(kinds.map((kind) => [kind, textOf(join(own, "config", kind))])),
    journal: textOf(join(own, "journal"))
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("-- ")),
    ...(logs.length > 0 && { access: access.report() }),
    ...(existsSync(slow) && { slow: queries.report() }),
  };
}

/** Of all servers' effective configuration: two runs with the same one differ by something else. */
export function digestOf(reports: readonly ServerReport[]): string {
  const all = reports.map(({ server, configuration }) => [server, Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1))]);
  return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 12);
}
