// Flame graphs as SVG text. Kept libraries draw them by a script in the page; this page has none, so that it opens anywhere and nothing in a
// function's name can run.
import { type Html, html } from "../../html.ts";
import type { FlameGraph, Frame } from "../profiles/stacks.ts";
import { percent, shortened, tidy, whole } from "./figures.ts";
import { table } from "./table.ts";

const width = 1200;
const row = 17;
/** Of a letter, about. */
const letter = 6.2;

interface Box {
  readonly frame: Frame;
  readonly depth: number;
  readonly x: number;
  readonly width: number;
}

function boxes(frame: Frame, place: { readonly x: number; readonly scale: number; readonly depth: number }): readonly Box[] {
  const { x, scale, depth } = place;
  let at = x;
  const below = frame.children.flatMap((child) => {
    const own = boxes(child, { x: at, scale, depth: depth + 1 });
    at += child.value * scale;
    return own;
  });
  return [{ frame, depth, x, width: frame.value * scale }, ...below];
}

/** The same name has the same warm colour everywhere. */
function colour(name: string): string {
  let hash = 0;
  for (const each of name) hash = (hash * 31 + each.codePointAt(0)!) % 997;
  return `hsl(${10 + (hash % 45)} ${60 + (hash % 25)}% ${62 + (hash % 12)}%)`;
}

/** The root on top, as in an icicle: what is read first stands where a page begins. */
function drawn({ root, of }: FlameGraph): Html {
  const all = boxes(root, { x: 0, scale: width / root.value, depth: 0 });
  const depth = Math.max(...all.map((each) => each.depth)) + 1;
  return html`<div class="scroll"><svg class="flame" viewBox="0 0 ${width} ${depth * row}" role="img" aria-label="flame graph of ${of}">${all.map(
    (box) => {
      const { name, value } = box.frame;
      const room = Math.floor(box.width / letter) - 1;
      return html`<g><title>${name}: ${percent(value / root.value)}</title><rect x="${tidy(box.x)}" y="${box.depth * row}" width="${tidy(Math.max(0.5, box.width - 0.5))}" height="${row - 1}" fill="${colour(name)}"/>${
        room > 2 && html`<text x="${tidy(box.x + 3)}" y="${box.depth * row + 12}">${shortened(name, room)}</text>`
      }</g>`;
    },
  )}</svg></div>`;
}

export function flames(profiles: readonly FlameGraph[]): Html | false {
  if (profiles.length === 0) return false;
  return html`${profiles.map((each, index) => {
    const { of, unit, root, hottest } = each;
    const rows = hottest
      .filter(({ self }) => self > 0)
      .map(({ name, self, all }) => [percent(self / root.value), percent(all / root.value), name]);
    return html`<h3>Profile: ${of}, ${whole(root.value)} ${unit}</h3>
${drawn(each)}<details${index === 0 && html` open`}><summary>functions by their own time</summary>${table(["itself", "with what it calls", "function"], rows)}</details>`;
  })}`;
}
