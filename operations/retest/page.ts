// A retest as a page for the team: the verdict first, then what it stands on.
import { markdownText } from "./markdown-text.ts";
import { type Retest, verdictOf } from "./verdict.ts";

export function pageOf(retest: Retest, at: Date): string {
  const { stack, faults, rebooted, scores } = retest;
  const { passed, reasons } = verdictOf(retest);
  const lines = [
    `# Retest of ${stack}: ${passed ? (rebooted ? "passed" : "nothing stands in its way") : "failed"}`,
    "",
    `${at.toISOString().slice(0, 16).replace("T", " ")} UTC${rebooted ? "" : "; nothing was rebooted"}`,
    "",
    ...reasons.map((each) => `- ${markdownText(each)}`),
    ...(reasons.length > 0 ? [""] : []),
    ...(rebooted
      ? ["## Reboots", "", "| server | back after | marks read back | does not do its work |", "| --- | --- | --- | --- |"]
      : []),
    ...(rebooted ?? []).map(({ server, seconds, marks, lost, dead, drift, error }) => {
      const wrong = [...(error === undefined ? [] : [error]), ...dead, ...drift];
      const back = seconds === undefined ? "never" : `${seconds.toFixed(1)} s`;
      return `| ${server} | ${back} | ${error === undefined ? `${marks - lost.length} of ${marks}` : "not asked"} | ${wrong.map(markdownText).join("; ") || "-"} |`;
    }),
    ...(rebooted ? [""] : []),
    ...(scores
      ? [
          "## Scores",
          "",
          `before ${scores.before ?? "failed"}; after ${scores.after.map((each) => each ?? "failed").join(", ") || "-"}`,
          "",
        ]
      : []),
    "## What lives only at run time",
    "",
    ...(faults.length === 0 ? ["nothing that was found"] : []),
    ...faults.map(
      ({ state, of, what, text, mend }) =>
        `- ${state}: ${of}: **${what}**: ${markdownText(text)}${mend === undefined ? "" : `; next: \`${mend.replaceAll("`", "'")}\``}`,
    ),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}
