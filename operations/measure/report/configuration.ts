// What the servers ran with: how that differs from the run before and from their files, and all of it.

import { counted } from "../../../spec/counted.ts";
import { type Html, html } from "../../html.ts";
import type { ServerReport } from "../analyse.ts";
import { changeText } from "../configuration.ts";
import type { RunReport } from "./model.ts";
import { left, leftHead, table } from "./table.ts";

/** Rows that are shown at once. */
const most = { changes: 100 };

function sinceLast({ changes }: RunReport): Html | false {
  if (!changes) return false;
  if (changes.all.length === 0) return html`<p class="dim">As it was at run ${changes.since}.</p>`;
  return html`<h3>Changed since run ${changes.since}</h3>${table(
    [leftHead("server"), leftHead("of"), "change"],
    changes.all.slice(0, most.changes).map((each) => [left(each.server), left(each.kind), changeText(each)]),
  )}${changes.all.length > most.changes && html`<p class="dim">and ${changes.all.length - most.changes} more</p>`}`;
}

function notAsFiles(servers: readonly ServerReport[]): Html | false {
  const rows = servers.flatMap(({ server, apart }) =>
    apart.map(({ of, text, mend }) => [
      left(server),
      left(of),
      html`<td class="long">${text}${mend && html`<br><span class="dim">to keep it: ${mend}</span>`}</td>`,
    ]),
  );
  if (rows.length === 0) return false;
  return html`<h3>What ran is not what the files say</h3>${table([leftHead("server"), leftHead("of"), "difference"], rows)}`;
}

/** As it was in effect, by its kind. */
const effective = ({ server, configuration }: ServerReport): readonly Html[] =>
  Object.entries(configuration)
    .filter(([, text]) => text.trim() !== "")
    .map(
      ([kind, text]) =>
        html`<details><summary>${server}: ${kind}, ${counted(text.trim().split("\n").length, "line")}</summary><pre>${text.trim()}</pre></details>`,
    );

export function configurationPart(report: RunReport): Html | false {
  const all = report.servers.flatMap(effective);
  const apart = notAsFiles(report.servers);
  if (!report.changes && apart === false && all.length === 0) return false;
  return html`<section><h2>Configuration in effect</h2>${sinceLast(report)}${apart}${all}</section>`;
}
