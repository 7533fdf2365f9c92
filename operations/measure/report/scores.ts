// All runs of a stack as one page: how the score went, and what was changed.

import { counted } from "../../../spec/counted.ts";
import { html } from "../../html.ts";
import type { RunEntry } from "../runs.ts";
import { isScore, noiseOf, noiseText } from "../score/noise.ts";
import { minute, seconds, whole } from "./figures.ts";
import { framed } from "./frame.ts";
import { bars } from "./plot.ts";

/** @param folderOf names a run's folder, beside the page */
export function scoresPage(
  stack: string,
  all: readonly RunEntry[],
  folderOf: (entry: RunEntry) => string = ({ run }) => String(run),
): string {
  const best = Math.max(0, ...all.filter(isScore).map(({ score }) => score!));
  const shown = all.map((entry) => ({
    label: String(entry.run),
    value: entry.score ?? 0,
    bad: !entry.passed,
    own: entry.score === best,
    about: `run ${entry.run}: ${entry.score === undefined ? "no score" : whole(entry.score)} ${entry.note ?? entry.subject ?? ""}`,
  }));
  const rows = all.toReversed().map((entry, index) => {
    const before = all[all.length - index - 2];
    const changed = [
      before && entry.commit !== before.commit && "commit",
      before && entry.digest !== before.digest && "configuration",
      before && entry.kind !== before.kind && "logs",
    ].filter(Boolean);
    return html`<tr><td><a href="${folderOf(entry)}/report.html">${entry.run}</a></td><td>${minute(entry.began)}</td><td class="${!entry.passed && "failed"}"><b>${
      entry.score === undefined ? "–" : whole(entry.score)
    }</b>${!entry.passed && " failed"}</td><td>${seconds(entry.ended - entry.began)}</td><td>${entry.kind}</td><td class="left">${entry.who}</td><td class="left">${changed.join(", ") || "nothing"}</td><td class="long">${entry.note && html`<b>${entry.note}</b> `}${[entry.commit, entry.subject].filter(Boolean).join(" ")}</td></tr>\n`;
  });
  return framed({
    title: `${stack}: scores`,
    body: html`<header><h1>${stack}: ${counted(all.length, "run")}, the best ${whole(best)}</h1>
<p class="dim">${noiseText(noiseOf(all)).replace(/^a/, "A")}.</p></header>
<div class="top">${bars(shown, whole)}</div>
<div class="scroll"><table><thead><tr><th>run</th><th>when (UTC)</th><th>score</th><th>took</th><th>kind</th><th class="left">who</th><th class="left">changed</th><th class="long">what</th></tr></thead><tbody>${rows}</tbody></table></div>`,
  });
}
