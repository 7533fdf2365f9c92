// A run as one HTML file that needs nothing beside it.

import { counted } from "../../../spec/counted.ts";
import { type Html, html } from "../../html.ts";
import type { AccessReport } from "../access/analyse.ts";
import type { ServerReport } from "../analyse.ts";
import type { Explained } from "../explain.ts";
import type { RunEntry } from "../runs.ts";
import type { DatabaseSeries, Series } from "../samples/series.ts";
import type { WebStatus } from "../samples/web-status.ts";
import type { SlowReport } from "../slow/digest.ts";
import { configurationPart } from "./configuration.ts";
import { byHundreds, bytes, percent, seconds, short, whole } from "./figures.ts";
import { flames } from "./flame.ts";
import { framed } from "./frame.ts";
import type { RunReport } from "./model.ts";
import { bars, plot } from "./plot.ts";
import { shareBar, table } from "./table.ts";

/** Rows that are shown at once; the rest opens. */
const most = { endpoints: 30, queries: 20, journal: 50, runs: 40 };

const share = (part: number, of: number, text: string): Html => shareBar(of > 0 ? part / of : 0, text);

const when = (time: number): string => new Date(time * 1000).toISOString().replace("T", " ").slice(0, 19);

function top({ stack, entry, history }: RunReport): Html {
  const before = history.filter(({ run, passed, score }) => run < entry.run && passed && score !== undefined);
  const last = before.at(-1);
  const by = last && entry.score !== undefined && last.score! > 0 ? (entry.score - last.score!) / last.score! : undefined;
  const about = (each: RunEntry) =>
    `run ${each.run}: ${each.score === undefined ? "no score" : whole(each.score)}${each.passed ? "" : ", failed"}, ${when(each.began)}, ${each.who}${each.note ? `: ${each.note}` : ""}`;
  const shown = history.slice(-most.runs).map((each) => ({
    label: String(each.run),
    value: each.score ?? 0,
    bad: !each.passed,
    own: each.run === entry.run,
    about: about(each),
  }));
  return html`<header class="top"><div><h1>${stack}, run ${entry.run}${entry.kind === "final" && " (final: logs off)"}</h1>
<div class="score ${!entry.passed && "failed"}">${entry.score === undefined ? "no score" : whole(entry.score)}</div>
<div><b class="${entry.passed ? "passed" : "failed"}">${entry.passed ? "passed" : "failed"}</b>${
    by !== undefined && html`, ${by >= 0 ? "+" : ""}${(by * 100).toFixed(1)} % of run ${last!.run}`
  }</div>
<div class="dim">${when(entry.began)} UTC, ${seconds(entry.ended - entry.began)}, ${entry.who}</div>
<div class="dim">${[entry.commit && `${entry.commit} ${entry.subject ?? ""}`, entry.digest && `configuration ${entry.digest}`].filter(Boolean).join(" · ")}</div>
${entry.note && html`<div>${entry.note}</div>`}</div>${shown.length > 1 && bars(shown, whole)}</header>`;
}

const grave = 85;

const first = ({ findings, messages, entry, remarks }: RunReport): Html => html`
${messages.length > 0 && html`<h2>The benchmark said</h2><pre class="${!entry.passed && "failed"}">${messages.join("\n")}</pre>`}
<h2>Look at first</h2>
${
  findings.length === 0
    ? html`<p class="dim">Nothing stands out.</p>`
    : html`<ol class="first">${findings.map(
        ({ server, what, evidence, next, weight }) =>
          html`<li class="${weight >= grave && "grave"}"><b>${server}: ${what}</b><br>${evidence}<br><span class="dim">next: ${next}</span></li>\n`,
      )}</ol>`
}
${Object.entries(remarks).flatMap(([server, all]) => all.map((each) => html`<p class="dim">${server}: ${each}</p>`))}`;

function requests({ endpoints, requests: count, bytes: sent, unread }: AccessReport): Html {
  const sum = endpoints.reduce((all, each) => all + each.sum, 0);
  const rows = endpoints.map((each) => {
    const { "2xx": _, ...rest } = byHundreds(each.statuses);
    const others = Object.entries(rest).map(([hundred, times]) => `${hundred} ${whole(times)}`);
    return [
      whole(each.count),
      share(each.sum, sum, seconds(each.sum)),
      seconds(each.average),
      seconds(each.p50),
      seconds(each.p90),
      seconds(each.p99),
      seconds(each.max),
      bytes(each.bytes),
      bytes(each.bytes / each.count),
      others.join(", ") || "–",
      html`<b>${each.method}</b> ${each.pattern}`,
    ];
  });
  const head = ["count", "sum", "avg", "p50", "p90", "p99", "max", "sent", "each", "not 2xx", "request"];
  return html`<h3>Requests: ${whole(count)}, ${bytes(sent)}${unread > 0 && `, ${whole(unread)} lines not read`}</h3>
${table(head, rows.slice(0, most.endpoints))}${rows.length > most.endpoints && html`<details><summary>${rows.length - most.endpoints} more</summary>${table(head, rows.slice(most.endpoints))}</details>`}`;
}

function planOf(id: string, { plans, indexes }: Explained): Html | false {
  const plan = plans.find((each) => each.id === id);
  if (!plan) return false;
  if (plan.rows.length === 0) return html`<div class="dim">no EXPLAIN: ${plan.problem ?? ""}</div>`;
  const tables = new Set(plan.rows.map((row) => row[plan.columns.indexOf("table")] ?? ""));
  const ofThem = indexes.filter(({ table: name }) => tables.has(name));
  return html`<details><summary>EXPLAIN</summary>${table(plan.columns, plan.rows)}${ofThem.map(
    ({ table: name, name: index, columns, values }) => html`<div class="dim">index ${name}.${index} (${columns}), ${values} values</div>`,
  )}</details>`;
}

function queries({ classes, queries: count, seconds: sum }: SlowReport, plans: Explained | undefined): Html {
  const rows = classes.map((each) => [
    whole(each.count),
    share(each.sum, sum, seconds(each.sum)),
    seconds(each.average),
    seconds(each.p95),
    seconds(each.p99),
    seconds(each.max),
    seconds(each.lockSum),
    whole(each.rowsExamined / each.count),
    (each.rowsSent / each.count).toFixed(1),
    html`<td class="long">${each.fingerprint.slice(0, 1000)}${plans && planOf(each.id, plans)}</td>`,
  ]);
  const head = ["count", "sum", "avg", "p95", "p99", "max", "lock", "rows read", "sent", "query"];
  return html`<h3>Queries: ${whole(count)}, ${seconds(sum)}</h3>
${table(head, rows.slice(0, most.queries))}${rows.length > most.queries && html`<details><summary>${rows.length - most.queries} more</summary>${table(head, rows.slice(most.queries))}</details>`}`;
}

const rate = (value: number): string => short(`${bytes(value)}`).concat("/s");
const size = (value: number): string => short(bytes(value));

function timeLines(series: Series, phase: readonly [number, number]): readonly Html[] {
  const { times, cores } = series;
  const own = { times, phase };
  const used = series.memoryAvailable.map((left) => series.memoryTotal - left);
  return [
    plot({
      ...own,
      title: `CPU of ${cores} cores`,
      top: 1,
      format: percent,
      lines: [
        { name: "all", values: series.busy },
        { name: "busiest core", values: series.busiest },
        { name: "waits for disk", values: series.wait },
        { name: "stolen", values: series.steal },
      ],
    }),
    plot({
      ...own,
      title: "Processes, in cores",
      stacked: true,
      format: (value) => value.toFixed(value > 0 && value < 0.1 ? 3 : 1),
      lines: series.processes.map(({ name, cores: values }) => ({ name, values })),
    }),
    plot({
      ...own,
      title: `Memory of ${bytes(series.memoryTotal)}`,
      top: series.memoryTotal,
      format: size,
      lines: [
        { name: "used", values: used },
        { name: "swap", values: series.swapUsed },
      ],
    }),
    plot({
      ...own,
      title: "Swapping and page-ins",
      format: whole,
      lines: [
        { name: "pages/s swapped", values: series.swapping },
        { name: "major faults/s", values: series.faults },
      ],
    }),
    plot({
      ...own,
      title: "Network",
      format: rate,
      lines: [
        { name: "sent", values: series.sent },
        { name: "received", values: series.received },
      ],
    }),
    plot({
      ...own,
      title: "Disk",
      format: rate,
      lines: [
        { name: "written", values: series.diskWritten },
        { name: "read", values: series.diskRead },
      ],
    }),
    plot({
      ...own,
      title: "Run queue and connections",
      format: whole,
      lines: [
        { name: "runnable", values: series.running },
        { name: "TCP connections", values: series.connections },
      ],
    }),
  ];
}

const databaseLines = ({ times, connected, running, questions }: DatabaseSeries, phase: readonly [number, number]): readonly Html[] => [
  plot({
    times,
    phase,
    title: "MySQL threads",
    format: whole,
    lines: [
      { name: "connected", values: connected },
      { name: "running", values: running },
    ],
  }),
  plot({ times, phase, title: "MySQL questions a second", format: whole, lines: [{ name: "questions/s", values: questions }] }),
];

function webLines({ nginx, pools }: WebStatus, phase: readonly [number, number]): readonly Html[] {
  const lines = (of: Readonly<Record<string, readonly number[]>>) => Object.entries(of).map(([name, values]) => ({ name, values }));
  return [
    ...(nginx
      ? [
          plot({
            ...{ times: nginx.times, phase, title: "nginx connections", format: whole },
            lines: lines({ active: nginx.active, answering: nginx.writing, "kept open": nginx.waiting, "new/s": nginx.accepted }),
          }),
        ]
      : []),
    ...pools.map(({ name, times, active, idle, queue }) =>
      plot({
        ...{ times, phase, title: `php-fpm workers, ${name}`, format: whole },
        lines: lines({ "at work": active, idle, "requests that wait": queue }),
      }),
    ),
  ];
}

/** Seconds without a request count, too. */
function requestLine({ perSecond }: AccessReport, phase: readonly [number, number]): readonly Html[] {
  const [from, to] = [perSecond[0]?.[0] ?? 0, perSecond.at(-1)?.[0] ?? 0];
  if (to - from < 2 || to - from > 7200) return [];
  const counts = new Map(perSecond);
  const times = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return [
    plot({
      times,
      phase,
      title: "Requests a second",
      format: whole,
      lines: [{ name: "requests/s", values: times.map((time) => counts.get(time) ?? 0) }],
    }),
  ];
}

function serverPart(
  { server, access, slow, samples, database, web, profiles, explained, journal }: ServerReport,
  phase: readonly [number, number],
): Html {
  const plots = [
    ...(access ? requestLine(access, phase) : []),
    ...(samples ? timeLines(samples, phase) : []),
    ...(web ? webLines(web, phase) : []),
    ...(database ? databaseLines(database, phase) : []),
  ];
  return html`<section><h2>${server}</h2>
${plots.length > 0 && html`<div class="plots">${plots}</div>`}
${access && access.requests > 0 && requests(access)}
${slow && slow.queries > 0 && queries(slow, explained)}
${flames(profiles ?? [])}
${journal.length > 0 && html`<details><summary>${counted(journal.length, "warning or error", "warnings and errors")} in the journal</summary><pre>${journal.slice(-most.journal).join("\n")}</pre></details>`}</section>`;
}

export function pageOf(report: RunReport): string {
  const { entry, stack, servers } = report;
  const phase = [entry.began, entry.ended] as const;
  const score = entry.score === undefined ? "no score" : whole(entry.score);
  return framed({
    title: `${stack}, run ${entry.run}: ${score}`,
    body: html`${top(report)}${first(report)}${servers.map((each) => serverPart(each, phase))}${configurationPart(report)}
<p class="dim">Made by fleet bench of contest-fleet. Times are seconds since the run began.</p>`,
  });
}
