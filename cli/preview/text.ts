// The preview of one stack for a person at a terminal: by server, down to the line, its sum last, where the eye is.
import { inWords } from "../../provisioners/engine/placeholders.ts";
import { counted } from "../../spec/counted.ts";
import { hanging, styled } from "../terminal.ts";
import { alike } from "./alike.ts";
import { money, signed } from "./markdown.ts";
import { causeWords, type Item, type Operation, operations, type Price, type ServerChanges, type StackPreview } from "./model.ts";

const signs: Readonly<Record<Operation, string>> = { create: "+", update: "~", replace: "±", delete: "-" };
const colours = { create: "green", update: "yellow", replace: "red", delete: "red" } as const;

/** Of a resource's few short properties, beside its address. */
const room = 60;

/** Whatever lies in a file on a server, it must not steer the terminal. */
const harmless = (said: string): string => said.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "·");

/** A line of a file, with words where the fleet puts a value in that is no eye's, or known only later. */
const readable = (line: string): string => harmless(inWords(line));

/** Of a new file, more than these are folded. */
const folded = 6;

export interface TextOptions {
  /** New files line by line. @default true */
  readonly full?: boolean;
}

export function text(preview: StackPreview, { full = true }: TextOptions = {}): string {
  const { team, failure, notes, flows, servers, shared } = preview;
  if (failure !== undefined) return `${styled("red", `${team}: no preview`)}\n${harmless(failure)}`;
  const groups = [...alike(servers), ...(shared.length > 0 ? [{ name: "shared by all", items: shared }] : [])];
  const doors = flows === undefined ? [] : [`${styled("bold", "who may reach what")}\n${flows.replace(/^/gm, "  ")}`];
  const said = notes.length > 0 ? [harmless(notes.join("\n"))] : [];
  return [...groups.map((group) => groupText(group, full)), ...said, ...doors, sum(preview)].join("\n\n");
}

function groupText({ name, items, unreachable }: ServerChanges, full: boolean): string {
  const isNew = items.length > 0 && items.every(({ operation }) => operation === "create");
  const shown = isNew ? "shown from the stack file alone" : "shown as the state remembers it";
  const silent = unreachable === undefined ? [] : [styled("red", `  not looked at, ${shown}: ${hanging(harmless(unreachable), "    ")}`)];
  return [styled("bold", name), ...silent, ...items.map((item) => itemText(item, full))].join("\n");
}

/** What AWS and Pulumi make of their own is named: every property of it is in `pulumi preview --diff`, and in the pull request. */
function itemText({ address, role, operation, cause, lines, refused }: Item, full: boolean): string {
  const short = inWords(lines.map((line) => line.slice(1)).join(", "));
  const isNew = operation === "create";
  const beside = isNew && role !== undefined && lines.every((line) => !/^.\s/.test(line)) && short.length <= room && short !== "";
  const fold = isNew && role !== undefined && !beside && !full && lines.length > folded;
  const shownLines = beside || fold || (isNew && role === undefined) ? [] : lines;
  const more = [
    ...(role === undefined ? [] : [role]),
    ...(cause === "planned" ? [] : [causeWords[cause]]),
    ...(beside ? [short] : []),
    ...(fold ? [`new, ${sizeOf(lines)} (--full)`] : []),
  ];
  const title = [
    refused ? styled("red", `! ${address}`) : styled(colours[operation], `${signs[operation]} ${address}`),
    ...more.map((each) => styled("dim", each)),
  ].join("  ");
  return [`  ${title}`, ...shownLines.map((line) => `      ${coloured(readable(line))}`)].join("\n");
}

/** Of the file, where it is one. */
function sizeOf(lines: readonly string[]): string {
  const content = lines.filter((line) => /^. {2}/.test(line)).length;
  return content > 0 ? counted(content, "line") : counted(lines.length, "property", "properties");
}

function coloured(line: string): string {
  if (line.startsWith("+")) return styled("green", line);
  if (line.startsWith("-") || line.startsWith("!")) return styled("red", line);
  return line.startsWith("@") ? styled("dim", line) : line;
}

function sum({ team, counts, price, against, ends, servers }: StackPreview): string {
  const parts = operations.filter((each) => counts[each] > 0).map((each) => `${counts[each]} to ${each}`);
  const what = parts.length > 0 ? parts.join(", ") : `nothing to change${against === "servers" ? "" : " in the files"}`;
  const refused = servers.flatMap(({ items }) => items).filter((item) => item.refused).length;
  const refusal = refused === 0 ? "" : `, ${styled("red", `${refused} that up refuses`)}`;
  return `${styled("bold", team)}: ${what}${refusal}${priceText(price)}${ends === undefined ? "" : `, ${ends}`}`;
}

/** Nothing of servers that are here already: they cost nothing by the hour. */
function priceText({ perHour, change }: Price): string {
  if (perHour === 0 && change === 0) return "";
  const price = perHour === null ? "not all of it has a known price" : `${money(perHour)} USD an hour`;
  return `; ${price}${change ? ` (${signed(change)})` : ""}`;
}
