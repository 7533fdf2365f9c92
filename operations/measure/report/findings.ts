// What is worth a look first, each with its evidence. Pure; the gravest first.
import { counted } from "../../../spec/counted.ts";
import type { ServerReport } from "../analyse.ts";
import { during } from "../samples/series.ts";
import { bytes, percent, seconds } from "./figures.ts";
import { strainIn } from "./strain.ts";

export interface Finding {
  /** The greater, the sooner it is looked at. */
  readonly weight: number;
  readonly server: string;
  /** What it is: `failed requests`. */
  readonly what: string;
  /** The figures that say so. */
  readonly evidence: string;
  /** What people do about it. */
  readonly next: string;
}

type Look = (report: ServerReport) => readonly Finding[];

const total = (statuses: Readonly<Record<string, number>>, of: RegExp): number =>
  Object.entries(statuses).reduce((sum, [status, count]) => (of.test(status) ? sum + count : sum), 0);

const failing: Look = ({ server, access }) =>
  (access?.endpoints ?? [])
    .map((each) => ({ ...each, bad: total(each.statuses, /^(5..|499)$/) }))
    .filter(({ bad, count }) => bad > 0 && (bad >= count / 100 || bad >= 10))
    .map(({ method, pattern, bad, count }) => ({
      weight: 95,
      server,
      what: "failed requests",
      evidence: `${method} ${pattern}: ${bad} of ${count} answered 5xx or were given up by the client`,
      next: "the application's journal",
    }));

const slowest: Look = ({ server, access }) => {
  const [first] = access?.endpoints ?? [];
  const whole = (access?.endpoints ?? []).reduce((sum, each) => sum + each.sum, 0);
  if (!first || whole === 0 || first.sum < whole / 5) return [];
  return [
    {
      weight: 60,
      server,
      what: "one page takes the time",
      evidence: `${first.method} ${first.pattern}: ${percent(first.sum / whole)} of all waiting, ${counted(first.count, "time")} ${seconds(first.average)}, p99 ${seconds(first.p99)}`,
      next: "its queries first, then its code",
    },
  ];
};

/** Rows looked at for one that is sent. */
const wasteful = 100;

/** By its plan: whether each table is found by a key. Undefined where there is no plan. */
function keyed({ explained }: ServerReport, id: string): boolean | undefined {
  const plan = explained?.plans.find((each) => each.id === id);
  if (!plan || plan.rows.length === 0) return undefined;
  const key = plan.columns.indexOf("key");
  return plan.rows.every((row) => row[key] !== "NULL");
}

const scanning: Look = (report) => {
  const { server, slow } = report;
  const heavy = (slow?.classes ?? []).filter(
    ({ rowsExamined, rowsSent, sum, count }) =>
      sum >= (slow?.seconds ?? 0) / 20 && rowsExamined / count >= 100 && rowsExamined / Math.max(1, rowsSent) >= wasteful,
  );
  return heavy.slice(0, 3).map(({ id, fingerprint, rowsExamined, rowsSent, count, sum }) => {
    const withKey = keyed(report, id);
    return {
      weight: withKey ? 62 : 85,
      server,
      what: withKey === false ? "a query without an index" : "a query reads many rows",
      evidence: `${fingerprint.slice(0, 120)}: ${Math.round(rowsExamined / count)} rows examined for ${(rowsSent / count).toFixed(1)} sent, ${counted(count, "time")}, ${seconds(sum)} in all`,
      next: withKey ? "what it counts or orders, kept ready elsewhere" : "its EXPLAIN, and an index over what it asks by and orders by",
    };
  });
};

/** Queries of one kind a request: more is a loop. */
const looping: Look = ({ server, slow, access }) => {
  const requests = access?.requests ?? 0;
  return (slow?.classes ?? [])
    .filter(({ count }) => requests > 100 && count >= 5 * requests)
    .slice(0, 2)
    .map(({ fingerprint, count }) => ({
      weight: 80,
      server,
      what: "a query in a loop",
      evidence: `${fingerprint.slice(0, 120)}: ${counted(count, "time")} for ${counted(requests, "request")}`,
      next: "one query with IN or a join, or a cache",
    }));
};

/** Text, scripts and images that a client could have kept. */
const cacheable = /\.(?:css|js|png|jpe?g|gif|svg|ico|webp|woff2?)$|^\/(?:icons?|images?|static|assets)\//;

const resent: Look = ({ server, access }) => {
  const files = (access?.endpoints ?? []).filter(({ method, pattern }) => method === "GET" && cacheable.test(pattern));
  const count = files.reduce((sum, each) => sum + each.count, 0);
  const kept = files.reduce((sum, each) => sum + total(each.statuses, /^304$/), 0);
  const sent = files.reduce((sum, each) => sum + each.bytes, 0);
  if (count < 100 || kept > count / 2 || sent < (access?.bytes ?? 0) / 5) return [];
  return [
    {
      weight: 70,
      server,
      what: "files are sent again",
      evidence: `${counted(count, "request")} for files, ${percent(kept / count)} answered 304, ${bytes(sent)} sent`,
      next: "Cache-Control and ETag by nginx, so that clients keep them",
    },
  ];
};

const untimed: Look = ({ server, access }) =>
  access && access.requests > 0 && !access.timed
    ? [
        {
          weight: 50,
          server,
          what: "a log without times",
          evidence: `${counted(access.requests, "request")}, none says how long it took`,
          next: "$request_time in its log_format",
        },
      ]
    : [];

const shouting =
  /oom-kill|Out of memory|too many open files|Too many connections|worker_connections are not enough|connect\(\) .*failed|possible SYN flooding|segfault|panic:/i;

const journal: Look = ({ server, journal: lines }) => {
  const loud = lines.filter((line) => shouting.test(line));
  return loud.length === 0
    ? []
    : [
        {
          weight: 90,
          server,
          what: "an error in the journal",
          evidence: `${counted(loud.length, "time")}: ${loud[0]!.replace(/^\S+ \S+ /, "").slice(0, 160)}`,
          next: "the limit that it names",
        },
      ];
};

const unsaved: Look = ({ server, apart }) => {
  const [one] = apart;
  return one === undefined
    ? []
    : [
        {
          weight: 56,
          server,
          what: "what runs is not what its files say",
          evidence: `${one.text}${apart.length > 1 ? `; and ${apart.length - 1} more` : ""}`,
          next: "fleet retest --look, which says how each is kept",
        },
      ];
};

const looks: readonly Look[] = [strainIn, failing, journal, scanning, looping, resent, slowest, unsaved, untimed];

const inPhase = (report: ServerReport, phase: readonly [number, number] | undefined): ServerReport =>
  phase && report.samples ? { ...report, samples: during(report.samples, phase[0], phase[1] + 1) } : report;

/** @param phase of the run itself, in seconds of the epoch: what servers did before and after it is nobody's fault */
export const findingsIn = (reports: readonly ServerReport[], phase?: readonly [began: number, ended: number]): readonly Finding[] =>
  reports
    .map((report) => inPhase(report, phase))
    .flatMap((report) => looks.flatMap((look) => look(report)))
    .sort((a, b) => b.weight - a.weight);
