// Labs as one HTML file that needs nothing beside it: transactions and response times over time, side by side.

import { Html, html } from "../html.ts";
import { bytes, minute, percent, seconds, short, whole } from "../measure/report/figures.ts";
import { framed } from "../measure/report/frame.ts";
import { plot } from "../measure/report/plot.ts";
import { left, leftHead, shareBar, table } from "../measure/report/table.ts";
import { costOf, type Figures, figuresOf, unitOf } from "./figures.ts";
import type { Hardware, Lab } from "./model.ts";

export const milliseconds = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? "–" : seconds(value / 1000);
export const dollars = (value: number): string => `${value.toFixed(value < 1 ? 4 : 2)} USD`;

function overTime(
  title: string,
  all: readonly Figures[],
  value: (point: Figures["points"][number]) => number | undefined,
  format: (value: number) => string,
): Html | false {
  const times = [...new Set(all.flatMap(({ points }) => points.map(({ at }) => at)))].sort((a, b) => a - b);
  if (times.length < 2) return false;
  const lines = all.map(({ of, points }) => {
    const bySecond = new Map(points.map((point) => [point.at, value(point)]));
    return { name: of, values: times.map((at) => bySecond.get(at) ?? Number.NaN) };
  });
  return plot({ title, times, lines, format, phase: [0, times.at(-1)!] });
}

function jobPart(job: string, all: readonly Figures[], unit: string): Html {
  const priced = all.some(({ perDollar }) => perDollar !== undefined);
  const spread = ({ rounds, least, most }: Figures) => (rounds > 1 ? `${whole(least)} – ${whole(most)}` : "–");
  const rows = all.map((each) => [
    left(html`<b>${each.of}</b>`),
    shareBar(each.share, whole(each.rate)),
    spread(each),
    percent(each.share),
    milliseconds(each.ms.mean),
    milliseconds(each.ms.p95),
    milliseconds(each.ms.p99),
    milliseconds(each.ms.max),
    whole(each.errors),
    ...(priced ? [each.perDollar === undefined ? "–" : whole(each.perDollar)] : []),
    String(each.rounds),
  ]);
  const head = [
    leftHead("of"),
    unit,
    "over rounds",
    "of the best",
    "mean",
    "p95",
    "p99",
    "max",
    "errors",
    ...(priced ? ["for 1 USD"] : []),
    html`<th>rounds</th>`,
  ];
  const wide = rows.map((row) => row.map((each, index) => (index === row.length - 1 ? html`<td>${each}</td>` : each)));
  return html`<section><h2>${job}</h2>
<div class="plots wide">${overTime(
    `${unit}, over time`,
    all,
    ({ rate }) => rate,
    (value) => short(whole(value)),
  )}${overTime(
    "Response time (mean), over time",
    all,
    ({ ms }) => ms,
    (value) => milliseconds(value),
  )}</div>
${table(head, wide)}</section>`;
}

/** By what it is of: servers stand beside each other, as what they did does. */
const properties: Readonly<Record<string, (hardware: Hardware) => string>> = {
  type: ({ instanceType, virtual }) => instanceType ?? virtual,
  processor: ({ cores, cpu }) => `${cores} × ${cpu}`,
  memory: ({ memory }) => bytes(memory),
  disks: ({ disks }) => disks.join("; ") || "–",
  "files lie on": ({ files }) => files,
  system: ({ system, kernel }) => `${system}, ${kernel}`,
  "an hour on AWS": ({ pricePerHour }) => (pricePerHour === undefined ? "–" : dollars(pricePerHour)),
  database: ({ database }) =>
    database
      ? Object.entries(database)
          .map(([name, value]) => `${name}=${value}`)
          .join(" ")
      : "–",
};

function hardwarePart(labs: readonly Lab[]): Html {
  const all = labs.flatMap((lab) =>
    Object.entries(lab.hardware).map(([server, hardware]) => ({ name: labs.length > 1 ? `${lab.lab}: ${server}` : server, hardware })),
  );
  return html`<section><h2>Hardware</h2><div class="scroll"><table class="beside"><thead><tr>${leftHead("")}${all.map(({ name }) => leftHead(name))}</tr></thead>
<tbody>${Object.entries(properties).map(([name, of]) => html`<tr>${leftHead(name)}${all.map(({ hardware }) => left(of(hardware)))}</tr>\n`)}</tbody></table></div></section>`;
}

function about(lab: Lab): Html {
  const cost = costOf(lab);
  const perHour = Object.values(lab.hardware).reduce((sum, { pricePerHour = 0 }) => sum + pricePerHour, 0);
  return html`<p>${lab.how.join(", ")}</p>
<p class="dim">lab ${lab.lab}, ${minute(lab.began)} UTC, ${seconds(lab.ended - lab.began)}, ${lab.who}${lab.note && html`: <b>${lab.note}</b>`}. ${
    cost === undefined
      ? "None of the servers has a price that is known."
      : `On AWS, on demand: ${dollars(perHour)} an hour, ${dollars(cost)} for this.`
  }</p>${lab.remarks.map((each) => html`<p class="dim">${each}</p>`)}`;
}

const wider = new Html(
  ".plots.wide{grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr))}.beside td{white-space:normal;overflow-wrap:anywhere;min-width:11rem}",
);

/** Several are told side by side; they are of one kind. */
export function labPage(labs: readonly Lab[]): string {
  const [first] = labs;
  const unit = unitOf[first!.kind];
  const jobs = [...Map.groupBy(figuresOf(labs), ({ job }) => job)];
  const title = `${first!.stack}: ${first!.kind}`;
  return framed({
    title,
    more: wider,
    body: html`<header><h1>${title}, ${labs.map(({ lab }) => `lab ${lab}`).join(" and ")}</h1>${labs.map(about)}</header>
${jobs.map(([job, all]) => jobPart(job, all, unit))}${hardwarePart(labs)}
<p class="dim">Made by fleet lab of contest-fleet. Rates are means over the rounds; response times a second are what each of the ${first!.kind === "disk" ? "requests in flight" : "connections"} waited on average.</p>`,
  });
}
