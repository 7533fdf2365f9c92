// alp and pt-query-digest, asked about a log, and what they say brought to the shape of our own figures.

import type { AccessReport } from "../../operations/measure/access/analyse.ts";
import { asRegExp } from "../../operations/measure/access/patterns.ts";
import type { SlowReport } from "../../operations/measure/slow/digest.ts";
import type { MadeFormat } from "./made-logs.ts";

const inCombined =
  '^(\\S+)\\s-\\s+(\\S+)\\s+\\[(?P<time>[^\\]]+)\\]\\s"(?P<method>[A-Z]+)\\s(?P<uri>\\S+)\\s[^"]*"\\s(?P<status>\\d+)\\s(?P<body_bytes>\\d+)\\s"[^"]*"\\s"[^"]*"\\s(?P<response_time>[\\d.]+)$';
const columns = "count,1xx,2xx,3xx,4xx,5xx,method,uri,min,max,sum,avg,p50,p90,p99,min_body,max_body,sum_body,avg_body";

/** Patterns with a `*` behind those without: alp takes the first that fits. */
const groups = ({ endpoints }: AccessReport): string => {
  const patterns = [...new Set(endpoints.map(({ pattern }) => pattern))];
  return [...patterns.filter((each) => !each.includes("*")), ...patterns.filter((each) => each.includes("*"))].map(asRegExp).join(",");
};

export const alpArguments = (format: MadeFormat, file: string, report: AccessReport): readonly string[] => [
  ...(format === "combined" ? ["regexp", "--pattern", inCombined] : [format]),
  ...["--file", file, "--format", "tsv", "--output", columns, "--percentiles", "50,90,99", "--limit", "100000", "-m", groups(report)],
];

/** Our figures as alp prints them, in no order. */
export function asAlp({ endpoints }: AccessReport): readonly string[] {
  const three = (value: number): string => value.toFixed(3);
  return endpoints.map((each) => {
    const hundreds = [1, 2, 3, 4, 5].map((hundred) =>
      Object.entries(each.statuses).reduce((sum, [status, count]) => (status.startsWith(`${hundred}`) ? sum + count : sum), 0),
    );
    const times = [each.min, each.max, each.sum, each.average, each.p50, each.p90, each.p99].map(three);
    const sizes = [each.minBytes, each.maxBytes, each.bytes, each.bytes / each.count].map(three);
    return [each.count, ...hundreds, each.method, asRegExp(each.pattern), ...times, ...sizes].join("\t");
  });
}

export const alpRows = (output: string): readonly string[] =>
  output
    .split("\n")
    .filter((line) => /^\d/.test(line))
    .sort();

export const digestArguments = (file: string): readonly string[] => ["--no-version-check", "--output", "json", "--limit", "1000", file];

/** What both say of a class of queries. pt-query-digest's percentile is of steps of 5 %, and stands apart. */
export interface Judged {
  readonly id: string;
  readonly fingerprint: string;
  readonly count: number;
  /** Microseconds. */
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly lock: number;
  readonly examined: number;
  readonly sent: number;
  readonly p95: number;
}

const micros = (seconds: number | string): number => Math.round(Number(seconds) * 1e6);
const byId = (a: Judged, b: Judged): number => (a.id < b.id ? -1 : 1);

interface DigestClass {
  readonly checksum: string;
  readonly fingerprint: string;
  readonly query_count: number;
  readonly metrics: Readonly<Record<string, Readonly<Record<"sum" | "min" | "max" | "pct_95", string>>>>;
}

export function digestClasses(output: string): readonly Judged[] {
  const { classes } = JSON.parse(output.slice(output.indexOf("{"))) as { readonly classes: readonly DigestClass[] };
  return classes
    .map(({ checksum, fingerprint, query_count: count, metrics }) => ({
      id: `0x${checksum}`,
      fingerprint,
      count,
      sum: micros(metrics.Query_time!.sum),
      min: micros(metrics.Query_time!.min),
      max: micros(metrics.Query_time!.max),
      lock: micros(metrics.Lock_time!.sum),
      examined: Number(metrics.Rows_examined!.sum),
      sent: Number(metrics.Rows_sent!.sum),
      p95: micros(metrics.Query_time!.pct_95),
    }))
    .sort(byId);
}

export const asDigest = ({ classes }: SlowReport): readonly Judged[] =>
  classes
    .map(({ id, fingerprint, count, sum, min, max, lockSum, rowsExamined, rowsSent, p95 }) => ({
      id,
      fingerprint,
      count,
      sum: micros(sum),
      min: micros(min),
      max: micros(max),
      lock: micros(lockSum),
      examined: rowsExamined,
      sent: rowsSent,
      p95: micros(p95),
    }))
    .sort(byId);
