// A run for a pull request or an issue: short, and without what only a page can show.
import { changeText } from "../configuration.ts";
import { byHundreds, bytes, percent, seconds, shortened, whole } from "./figures.ts";
import type { RunReport } from "./model.ts";

const most = { endpoints: 15, queries: 10, findings: 8, changes: 20 };

/** What would end a cell, or begin markup. */
const cell = (text: string): string => text.replace(/[|\\`<>*_[\]]/g, "\\$&").replace(/\s+/g, " ");
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => [
  row(head),
  row(head.map((_, index) => (index === head.length - 1 ? "---" : "---:"))),
  ...rows.map(row),
];

export function markdownOf({ stack, entry, findings, servers, changes }: RunReport): string {
  const lines = [
    `## ${stack}, run ${entry.run}: ${entry.score === undefined ? "no score" : whole(entry.score)}${entry.passed ? "" : " (failed)"}`,
    "",
    [
      entry.commit && `${entry.commit} ${cell(entry.subject ?? "")}`,
      seconds(entry.ended - entry.began),
      cell(entry.who),
      entry.note && cell(entry.note),
    ]
      .filter(Boolean)
      .join(" · "),
    ...(findings.length > 0 ? ["", "**Look at first**", ""] : []),
    ...findings
      .slice(0, most.findings)
      .map(({ server, what, evidence, next }) => `- **${server}: ${what}.** ${cell(evidence)}; next: ${cell(next)}`),
    ...(changes && changes.all.length > 0 ? ["", `**Changed since run ${changes.since}**`, ""] : []),
    ...(changes?.all ?? [])
      .slice(0, most.changes)
      .map((each) => `- ${each.server}, ${each.kind}: ${cell(shortened(changeText(each), 200))}`),
  ];
  const apart = servers.flatMap((each) => each.apart.map(({ text }) => `- ${each.server}: ${cell(text)}`));
  if (apart.length > 0) lines.push("", "**What ran is not what the files say**", "", ...apart.slice(0, most.changes));
  for (const { server, access, slow, samples } of servers) {
    if (samples) {
      const mean = samples.busy.reduce((all, each) => all + each, 0) / samples.busy.length;
      const top = samples.processes.slice(0, 4).map(({ name, seconds: took }) => `${cell(name)} ${seconds(took)}`);
      lines.push("", `**${server}**: CPU ${percent(mean)} of ${samples.cores} cores; ${top.join(", ")}`);
    }
    if (access && access.requests > 0) {
      const rows = access.endpoints.slice(0, most.endpoints).map((each) => {
        const { "2xx": _, ...rest } = byHundreds(each.statuses);
        const others = Object.entries(rest).map(([hundred, count]) => `${hundred} ${whole(count)}`);
        return [
          whole(each.count),
          seconds(each.sum),
          seconds(each.average),
          seconds(each.p99),
          bytes(each.bytes),
          others.join(", ") || "–",
          cell(`${each.method} ${each.pattern}`),
        ];
      });
      lines.push("", ...table(["count", "sum", "avg", "p99", "sent", "not 2xx", `request on ${server}`], rows));
    }
    if (slow && slow.queries > 0) {
      const rows = slow.classes
        .slice(0, most.queries)
        .map((each) => [
          whole(each.count),
          seconds(each.sum),
          seconds(each.average),
          seconds(each.p95),
          whole(each.rowsExamined / each.count),
          cell(shortened(each.fingerprint, 160)),
        ]);
      lines.push("", ...table(["count", "sum", "avg", "p95", "rows read", `query on ${server}`], rows));
    }
  }
  return `${lines.join("\n")}\n`;
}
