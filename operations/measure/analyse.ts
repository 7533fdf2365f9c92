// All that a run's folder holds, analysed.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AccessLog, type AccessReport } from "./access/analyse.ts";
import type { Explained } from "./explain.ts";
import { eachLine } from "./lines.ts";
import { profilesIn } from "./profiles/read.ts";
import type { FlameGraph } from "./profiles/stacks.ts";
import type { Apart } from "./run/apart.ts";
import { type Clock, correction } from "./run/clock.ts";
import { type DatabaseSeries, databaseSamples, type Series, samples } from "./samples/series.ts";
import { type WebStatus, webStatus } from "./samples/web-status.ts";
import { SlowLog, type SlowReport } from "./slow/digest.ts";

export interface Hardware {
  /** Of the fastest line, where the kernel knows. */
  readonly lineMbps?: number;
}

export interface ServerReport {
  readonly server: string;
  readonly access?: AccessReport;
  readonly slow?: SlowReport;
  readonly samples?: Series;
  readonly database?: DatabaseSeries;
  /** What nginx and php-fpm said of themselves. */
  readonly web?: WebStatus;
  /** Of its programs, by the profilers that are there. */
  readonly profiles?: readonly FlameGraph[];
  readonly explained?: Explained;
  readonly hardware: Hardware;
  /** Effective configuration by its kind: nginx, mysql, sysctl, enabled, hardware. */
  readonly configuration: Readonly<Record<string, string>>;
  /** Where what ran is not what the files say. */
  readonly apart: readonly Apart[];
  /** Warnings and errors of the run's time. */
  readonly journal: readonly string[];
}

/** Of servers with a log of their own, and of all the others: no request is in both. */
const accessFiles = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => /^access(-\d+)?\.log\.gz$/.test(name))
    .map((name) => join(folder, name));

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

async function linesOf(file: string, take: (line: string) => void): Promise<void> {
  if (existsSync(file)) await eachLine(file, take);
}

export function configurationOf(folder: string, server: string): Readonly<Record<string, string>> {
  const own = join(folder, "servers", server, "config");
  const kinds = existsSync(own) ? readdirSync(own) : [];
  return Object.fromEntries(kinds.map((kind) => [kind, textOf(join(own, kind))]));
}

function kept<T>(folder: string, name: string): T | undefined {
  const text = textOf(join(folder, `${name}.json`));
  return text === "" ? undefined : (JSON.parse(text) as T);
}

/** As this computer's clock would have told it. */
const later = <T extends { readonly times: readonly number[] }>(series: T | undefined, by: number): T | undefined =>
  series && by !== 0 ? { ...series, times: series.times.map((time) => time + by) } : series;

const webLater = ({ nginx, pools }: WebStatus, by: number): WebStatus => ({
  ...(nginx && { nginx: later(nginx, by)! }),
  pools: pools.map((each) => later(each, by)!),
});

const onTime = (access: AccessReport, by: number): AccessReport =>
  by === 0 ? access : { ...access, perSecond: access.perSecond.map(([second, count]) => [second + Math.round(by), count] as const) };

export async function analysed(folder: string, server: string, uris: readonly string[] = []): Promise<ServerReport> {
  const own = join(folder, "servers", server);
  const access = new AccessLog(uris);
  const logs = existsSync(own) ? accessFiles(own) : [];
  for (const file of logs) await eachLine(file, (line) => access.line(line));
  const slow = join(own, "slow.log.gz");
  const queries = new SlowLog();
  await linesOf(slow, (line) => queries.line(line));
  const [samplesOf, status] = [samples(), databaseSamples()];
  await linesOf(join(own, "samples.gz"), (line) => samplesOf.line(line));
  await linesOf(join(own, "status.gz"), (line) => status.line(line));
  const web = webStatus();
  await linesOf(join(own, "web.gz"), (line) => web.line(line));
  const by = correction(kept<Clock>(own, "clock"));
  const [series, database] = [later(samplesOf.end(), by), later(status.end(), by)];
  const profiles = profilesIn(join(own, "profiles"));
  const plans = kept<Explained>(own, "explained");
  const line = Number(/^line = (\d+)$/m.exec(textOf(join(own, "config", "hardware")))?.[1] ?? 0);
  return {
    server,
    hardware: line > 0 ? { lineMbps: line } : {},
    ...(series && { samples: series }),
    ...(database && { database }),
    ...(existsSync(join(own, "web.gz")) && { web: webLater(web.end(), by) }),
    ...(profiles.length > 0 && { profiles }),
    ...(plans && { explained: plans }),
    configuration: configurationOf(folder, server),
    apart: kept<readonly Apart[]>(own, "apart") ?? [],
    journal: textOf(join(own, "journal"))
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("-- ")),
    ...(logs.length > 0 && { access: onTime(access.report(), by) }),
    ...(existsSync(slow) && { slow: queries.report() }),
  };
}

/** Of all servers' effective configuration: two runs with the same one differ by something else. */
export function digestOf(reports: readonly ServerReport[]): string {
  const all = reports.map(({ server, configuration }) => [server, Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1))]);
  return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 12);
}
