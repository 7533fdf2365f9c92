// A preview as Markdown for a pull request: one table, and under it each server's diff, folded. In as many comments as it takes.
import { counted } from "../../spec/counted.ts";
import { causeWords, changes, type Item, operations, type ServerChanges, type StackPreview } from "./model.ts";
import { type Block, pack } from "./pagination.ts";

export interface MarkdownOptions {
  /** Said above the table: how this preview came to be. */
  readonly notes: readonly string[];
  /** GitHub takes comments of up to 65,536 characters; counted in bytes here, which are never fewer. @default 65536 */
  readonly limit?: number;
}

/** By which a workflow finds its comments again: the number is the comment's place. */
export const marker = (number: number): string => `<!-- contest-fleet preview ${number} -->`;

/** The comments, each under the limit, the table in the first one. */
export function markdown(previews: readonly StackPreview[], { notes, limit = 65_536 }: MarkdownOptions): readonly string[] {
  const changing = previews.filter(changes);
  const head = [`## Preview: ${headline(previews)}`, ...notes.map((note) => `> ${note}`), table(previews)].join("\n\n");
  // The room for the marker, and for the heading that further comments get.
  const room = limit - marker(9999).length - `## Preview, part ${changing.length}\n\n`.length - 64;
  const pieces = pack([{ head: "", body: [head], tail: "" }, ...changing.flatMap(blocksOf)], room);
  return pieces.map((text, index) => `${marker(index + 1)}\n${index === 0 ? "" : `## Preview, part ${index + 1}\n\n`}${text}\n`);
}

function headline(previews: readonly StackPreview[]): string {
  const failed = previews.filter(({ failure }) => failure !== undefined).length;
  const changing = previews.filter(changes).length - failed;
  const teams = `${changing} of ${counted(previews.length, "team")} change${changing === 1 ? "s" : ""}`;
  return failed > 0 ? `${teams}, ${failed} failed` : teams;
}

/** USD; `?` where no price is known. */
export const money = (usd: number | null): string => (usd === null ? "?" : usd.toFixed(4));
export const signed = (usd: number | null): string =>
  usd === null ? "?" : usd === 0 ? "0" : `${usd > 0 ? "+" : "−"}${money(Math.abs(usd))}`;

/** Teams that nothing happens to share a row, so that hundreds of them leave room for the others. */
function table(previews: readonly StackPreview[]): string {
  const head = ["team", ...operations, "USD/h", "change"];
  const rows = previews.filter(changes).map(({ team, counts, price, failure }) => {
    const cells = failure === undefined ? operations.map((each) => String(counts[each])) : operations.map(() => "–");
    return [cell(failure === undefined ? team : `${team} (failed)`), ...cells, money(price.perHour), signed(price.change)];
  });
  const still = previews.filter((preview) => !changes(preview));
  const sum = still.some(({ price }) => price.perHour === null) ? null : still.reduce((all, { price }) => all + price.perHour!, 0);
  const rest = still.length === 1 ? cell(still[0]!.team) : `${counted(still.length, "team")} without a change`;
  const last = still.length > 0 ? [[rest, "0", "0", "0", "0", money(sum), "0"]] : [];
  return [head, ["---", ...Array.from({ length: 6 }, () => "---:")], ...rows, ...last].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const escaped = (text: string): string => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
const cell = (text: string): string => escaped(text).replace(/[|\\`*_[\]]/g, String.raw`\$&`);

/** One a server: folded, and cut between its items or lines where it is too long for one comment. */
function blocksOf(preview: StackPreview): readonly Block[] {
  const { team, failure, notes, flows, shared, servers, ends } = preview;
  const title: Block = {
    head: "",
    body: [`### ${cell(team)}`, ...(ends === undefined ? [] : [`It goes on ${ends}.`]), ...notes.map((note) => fenced(note))],
    tail: "",
  };
  if (failure !== undefined) return [{ ...title, body: [...title.body, `No preview:\n\n${fenced(failure)}`] }];
  const all = [...servers, ...(shared.length > 0 ? [{ name: "shared", items: shared }] : [])];
  const doors: readonly Block[] =
    flows === undefined ? [] : [{ head: "<details><summary>who may reach what</summary>", body: [fenced(flows)], tail: "</details>" }];
  return [title, ...doors, ...all.map(serverBlock)];
}

function serverBlock({ name, items, unreachable }: ServerChanges): Block {
  const count = (cause: Item["cause"]) => items.filter((item) => item.cause === cause && !item.follows).length;
  const parts = [
    [count("planned"), "planned"],
    [count("drift"), "drifted"],
    [count("both"), "drifted and planned"],
  ] as const;
  const counts = parts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  const summary = [...(unreachable === undefined ? [] : ["could not be reached"]), ...counts].join(", ");
  const warning = unreachable === undefined ? [] : [`**Not looked at**, so drift would not show:\n\n${fenced(unreachable)}`];
  return {
    head: `<details><summary><b>${escaped(name)}</b>: ${summary}</summary>`,
    body: [...warning, ...items.flatMap(itemTexts)],
    tail: "</details>",
  };
}

/** Bytes of diff that stand together: a longer one goes on under the same title. */
const together = 16_000;
/** Of one line. */
const longest = 2_000;

function itemTexts({ address, role, operation, cause, lines }: Item): readonly string[] {
  const title = `\`${code(address)}\` ${operation}${role === undefined ? "" : `, role ${cell(role)}`}: ${causeWords[cause]}`;
  if (lines.length === 0) return [title];
  const parts: string[][] = [[]];
  let size = 0;
  for (const line of lines.flatMap((each) => each.split(/\r?\n|\r/)).map(shortened)) {
    size += Buffer.byteLength(line) + 1;
    if (size > together) {
      parts.push([]);
      size = Buffer.byteLength(line) + 1;
    }
    parts.at(-1)!.push(line);
  }
  return parts.map((part, index) => `${title}${index === 0 ? "" : ` (part ${index + 1})`}\n\n${fenced(part.join("\n"), "diff")}`);
}

const code = (text: string): string => text.replaceAll("`", "'");

function shortened(line: string): string {
  const characters = [...line.toWellFormed()];
  return characters.length <= longest
    ? line
    : `${characters.slice(0, longest).join("")}… (${counted(characters.length - longest, "character")} more)`;
}

/** In a fence that nothing in the text can close. */
function fenced(text: string, language = "text"): string {
  const longestRun = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longestRun + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
