// Plots as SVG text: no script in the page, and nothing to load.
import { scaleLinear } from "d3-scale";
import { area, line, stack } from "d3-shape";
import { type Html, html } from "../../html.ts";
import { tidy } from "./figures.ts";

export interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Plot {
  readonly title: string;
  /** Seconds of the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** Areas over each other rather than lines. */
  readonly stacked?: boolean;
  /** The least that the scale reaches up to: 1 for shares. */
  readonly top?: number;
  readonly format: (value: number) => string;
  /** The run itself, between getting ready and putting back. */
  readonly phase?: readonly [began: number, ended: number];
}

/** As drawn on a phone, where a plot has the width of the screen. */
const size = { width: 340, height: 130, left: 54, right: 6, top: 6, bottom: 18 } as const;

/** `+12 s` since the run began, or since the first sample. */
function axis(times: readonly number[], zero: number): readonly { readonly at: number; readonly label: string }[] {
  const scale = scaleLinear().domain([times[0]! - zero, times.at(-1)! - zero]);
  return labelled(scale.ticks(5), (at) => `${Math.round(at)} s`).map(({ value, label }) => ({ at: value + zero, label }));
}

/** Of values that read alike, only the last is said: of 0, 0.5 and 1 in whole numbers, 0 and 1. */
export function labelled(
  values: readonly number[],
  format: (value: number) => string,
): readonly { readonly value: number; readonly label: string }[] {
  const all = values.map((value) => ({ value, label: format(value) }));
  return all.map(({ value, label }, index) => ({ value, label: label === all[index + 1]?.label ? "" : label }));
}

export function plot({ title, times, lines, stacked = false, top = 0, format, phase }: Plot): Html {
  const { width, height, left, right } = size;
  const [first = 0, last = 1] = [times[0], times.at(-1)];
  const x = scaleLinear()
    .domain([first, last])
    .range([left, width - right]);
  const stacks = stacked
    ? stack<number, number>()
        .keys(lines.keys())
        .value((row, key) => lines[key]!.values[row] ?? 0)([...times.keys()])
    : [];
  const most = stacked
    ? Math.max(top, ...(stacks.at(-1) ?? []).map(([, upper]) => upper))
    : Math.max(top, ...lines.flatMap(({ values }) => values.filter(Number.isFinite)));
  const y = scaleLinear()
    .domain([0, most || 1])
    .range([height - size.bottom, size.top]);
  if (top === 0) y.nice(3);
  const at = (value: number) => tidy(y(value));
  // A second without a value is a gap.
  const drawn = line<number>((_, index) => tidy(x(times[index]!)), at).defined(Number.isFinite);
  const filled = area<readonly [number, number]>(
    (_, index) => tidy(x(times[index]!)),
    ([lower]) => at(lower),
    ([, upper]) => at(upper),
  );
  const shade = phase && [Math.max(left, x(phase[0])), Math.min(width - right, x(phase[1]))];
  return html`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${shade && shade[1]! > shade[0]! && html`<rect class="phase" x="${tidy(shade[0]!)}" y="${size.top}" width="${tidy(shade[1]! - shade[0]!)}" height="${height - size.top - size.bottom}"/>`}
${labelled(y.ticks(3), format).map(({ value, label }) => html`<line class="grid" x1="${left}" x2="${width - right}" y1="${at(value)}" y2="${at(value)}"/><text x="${left - 4}" y="${at(value) + 3}" text-anchor="end">${label}</text>`)}
${axis(times, phase?.[0] ?? first)
  .filter(({ at: time }) => x(time) >= left && x(time) <= width - right)
  .map(
    ({ at: time, label }) =>
      html`<text x="${tidy(x(time))}" y="${height - 4}" text-anchor="${x(time) > width - right - 12 ? "end" : "middle"}">${label}</text>`,
  )}
${
  stacked
    ? stacks.map((rows, index) => html`<path class="area c${index}" d="${filled(rows as unknown as [number, number][]) ?? ""}"/>`)
    : lines.map(({ values }, index) => html`<path class="line c${index}" d="${drawn([...values]) ?? ""}"/>`)
}
</svg>
<p class="legend">${lines.map(({ name }, index) => html`<span><i class="c${index}"></i>${name}</span> `)}</p></figure>`;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly bad: boolean;
  readonly own: boolean;
  readonly about: string;
}

/** Scores of runs, one beside the other. */
export function bars(all: readonly Bar[], format: (value: number) => string): Html {
  const [width, height, left, bottom] = [340, 110, 54, 18];
  const most = Math.max(1, ...all.map(({ value }) => value));
  const y = scaleLinear()
    .domain([0, most])
    .nice(3)
    .range([height - bottom, 6]);
  const step = (width - left - 6) / Math.max(1, all.length);
  const every = Math.ceil(all.length / 12);
  return html`<figure><figcaption>Scores</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="scores of the runs">
${y.ticks(3).map((value) => html`<line class="grid" x1="${left}" x2="${width - 6}" y1="${tidy(y(value))}" y2="${tidy(y(value))}"/><text x="${left - 4}" y="${tidy(y(value)) + 3}" text-anchor="end">${format(value)}</text>`)}
${all.map(({ label, value, bad, own, about }, index) => {
  const x = left + index * step;
  return html`<rect class="${bad ? "bar failed" : own ? "bar own" : "bar"}" x="${tidy(x + step * 0.1)}" width="${tidy(Math.min(40, step * 0.8))}" y="${tidy(bad ? height - bottom - 4 : y(value))}" height="${tidy(bad ? 4 : height - bottom - y(value))}"><title>${about}</title></rect>${
    index % every === 0 &&
    html`<text x="${tidy(x + Math.min(20, step * 0.4) + step * 0.1)}" y="${height - 4}" text-anchor="middle">${label}</text>`
  }`;
})}
</svg></figure>`;
}
