// A table that scrolls by itself on a phone.
import { type Html, html } from "../../html.ts";

export type Cell = string | Html;

/** Text beside figures. */
export const leftHead = (text: string): Html => html`<th class="left">${text}</th>`;
export const left = (cell: Cell): Html => html`<td class="left">${cell}</td>`;

/** A figure with its share of all, or of the best, as a bar behind it. */
export const shareBar = (share: number, text: string): Html =>
  html`<td class="share"><i style="width:${Math.round(share * 100)}%"></i>${text}</td>`;

/** The last column takes the long text, on the left. */
export function table(head: readonly Cell[], rows: readonly (readonly Cell[])[]): Html {
  const last = head.length - 1;
  const kind = (index: number) => (index === last ? "long" : "");
  return html`<div class="scroll"><table><thead><tr>${head.map((title, index) => (String(title).startsWith("<th") ? title : html`<th class="${kind(index)}">${title}</th>`))}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, index) => (String(cell).startsWith("<td") ? cell : html`<td class="${kind(index)}">${cell}</td>`))}</tr>\n`)}</tbody></table></div>`;
}
