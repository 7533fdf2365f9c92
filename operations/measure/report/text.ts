// A run in a terminal, 80 columns wide.
import type { AccessReport } from "../access/analyse.ts";
import type { ServerReport } from "../analyse.ts";
import { changeText } from "../configuration.ts";
import type { RunEntry } from "../runs.ts";
import type { Series } from "../samples/series.ts";
import type { SlowReport } from "../slow/digest.ts";
import { byHundreds, bytes, percent, seconds, shortened, whole } from "./figures.ts";
import type { RunReport } from "./model.ts";

const width = 80;
const most = { endpoints: 10, queries: 7, findings: 8, messages: 6, changes: 8 };

/** Right-aligned but for the last column, which gets what is left. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const last = head.length - 1;
  const widths = head.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]!.length)));
  const taken = widths.slice(0, last).reduce((sum, each) => sum + each + 2, 2);
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, index) => (index === last ? shortened(cell, width - taken) : cell.padStart(widths[index]!))).join("  ")}`.trimEnd();
  return [head, ...rows].map(line);
}

const verdictOf = ({ passed, score }: RunEntry): string => `${score === undefined ? "no score" : whole(score)}${passed ? "" : ", FAILED"}`;

/** `+12 %`, of the run before that passed. */
function change(entry: RunEntry, history: readonly RunEntry[]): string {
  const before = history.filter(({ run, passed, score }) => run < entry.run && passed && score !== undefined);
  const [last] = before.slice(-1);
  const best = before.reduce<RunEntry | undefined>((a, b) => (a === undefined || b.score! > a.score! ? b : a), undefined);
  if (!last || !best || entry.score === undefined) return "";
  const by = (of: number) => (of === 0 ? "" : `${entry.score! >= of ? "+" : ""}${(((entry.score! - of) / of) * 100).toFixed(1)} %`);
  return `  run ${last.run} had ${whole(last.score!)}: ${by(last.score!)}; the best, run ${best.run}, ${whole(best.score!)}`;
}

function accessLines(server: string, { requests, bytes: sent, endpoints, unread }: AccessReport): readonly string[] {
  const rows = endpoints.slice(0, most.endpoints).map((each) => [
    whole(each.count),
    seconds(each.sum),
    seconds(each.average),
    seconds(each.p99),
    bytes(each.bytes),
    Object.entries(byHundreds(each.statuses))
      .filter(([hundred]) => hundred !== "2xx")
      .map(([hundred, count]) => `${hundred[0]}:${count}`)
      .join(" ") || "-",
    `${each.method} ${each.pattern}`,
  ]);
  return [
    "",
    `${server}: ${whole(requests)} requests, ${bytes(sent)}${unread > 0 ? `, ${whole(unread)} lines not read${requests === 0 ? ": neither LTSV, nor JSON, nor combined" : ""}` : ""}`,
    ...(requests === 0 ? [] : table(["count", "sum", "avg", "p99", "sent", "not 2xx", "request"], rows)),
    ...(endpoints.length > most.endpoints ? [`  and ${endpoints.length - most.endpoints} more`] : []),
  ];
}

function slowLines(server: string, { queries, seconds: sum, classes }: SlowReport): readonly string[] {
  const rows = classes
    .slice(0, most.queries)
    .map((each) => [
      whole(each.count),
      seconds(each.sum),
      seconds(each.average),
      seconds(each.p99),
      whole(each.rowsExamined / each.count),
      whole(each.rowsSent / each.count),
      each.fingerprint,
    ]);
  return [
    "",
    `${server}: ${whole(queries)} queries, ${seconds(sum)}`,
    ...table(["count", "sum", "avg", "p99", "rows read", "sent", "query"], rows),
    ...(classes.length > most.queries ? [`  and ${classes.length - most.queries} more`] : []),
  ];
}

function sampleLines(
  server: string,
  { busy, busiest, cores, memoryTotal, memoryAvailable, swapping, sent, processes }: Series,
): readonly string[] {
  const peak = (values: readonly number[]) => Math.max(...values);
  const mean = busy.reduce((all, each) => all + each, 0) / busy.length;
  const used = memoryTotal - Math.min(...memoryAvailable);
  const swap = peak(swapping) > 0 ? `, ${whole(peak(swapping))} pages/s swapped` : "";
  return [
    "",
    `${server}: CPU ${percent(mean)} of ${cores} cores (peak ${percent(peak(busy))}, busiest core ${percent(peak(busiest))})`,
    `  memory ${bytes(used)} of ${bytes(memoryTotal)}${swap}, up to ${bytes(peak(sent))}/s sent`,
    ...folded(
      processes
        .filter((each) => each.seconds >= 0.1)
        .slice(0, 6)
        .map((each) => `${each.name} ${seconds(each.seconds)}`)
        .join(", "),
      "  ",
      "  ",
    ),
  ];
}

const serverLines = ({ server, access, slow, samples }: ServerReport): readonly string[] => [
  ...(samples ? sampleLines(server, samples) : []),
  ...(access && access.requests + access.unread > 0 ? accessLines(server, access) : []),
  ...(slow && slow.queries > 0 ? slowLines(server, slow) : []),
];

/** Words in lines of the width. */
export function folded(text: string, first: string, others: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).flatMap((each) => each.match(/.{1,70}/g) ?? [])) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${lines.length === 0 ? first : others}${word}`);
  }
  return lines;
}

export function textOf({ entry, history, messages, servers, findings, remarks, changes }: RunReport): string {
  const took = entry.ended - entry.began;
  const first = findings
    .slice(0, most.findings)
    .flatMap(({ server, what, evidence, next }) => folded(`${server}: ${what}: ${evidence}; next: ${next}`, "  ", "    "));
  const lines = [
    `run ${entry.run}: ${verdictOf(entry)}  ${seconds(took)}${entry.kind === "final" ? "  final: logs off" : ""}`,
    ...(entry.why === undefined ? [] : folded(`failed: ${entry.why}`, "  ", "    ")),
    ...(change(entry, history) ? [change(entry, history)] : []),
    ...(entry.commit ? [`  ${entry.commit}${entry.subject ? ` ${shortened(entry.subject, 60)}` : ""}`] : []),
    ...(messages.length > 0 && !entry.passed
      ? ["", "the benchmark said:", ...messages.slice(0, most.messages).map((each) => `  ${shortened(each, width - 2)}`)]
      : []),
    ...(first.length > 0 ? ["", "look at first:", ...first] : []),
    ...Object.entries(remarks).flatMap(([server, some]) => some.flatMap((each) => folded(`${server}: ${each}`, "", "  "))),
    ...(changes && changes.all.length > 0
      ? [
          "",
          `changed since run ${changes.since}:`,
          ...changes.all
            .slice(0, most.changes)
            .map((each) => `  ${each.server}: ${shortened(`${each.kind}: ${changeText(each)}`, width - each.server.length - 4)}`),
          ...(changes.all.length > most.changes ? [`  and ${changes.all.length - most.changes} more`] : []),
        ]
      : []),
    ...servers.flatMap(serverLines),
  ];
  return lines.join("\n");
}
