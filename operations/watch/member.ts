// The watch's own way into the servers: a member of the stack, by the name of the watch, with one key. The next up lets it in; without it, out again.
// The rest of the stack file stays to the letter.

import { isMap, isSeq, parseDocument, type YAMLSeq } from "yaml";
import { stacksFolder } from "../../provisioners/project.ts";
import { UserError } from "../../spec/problem.ts";
import { fleetKey } from "../../spec/secrets.ts";
import { typed } from "../../spec/typed.ts";
import type { FleetServer } from "../fleet-up.ts";
import { rewriteStackFile } from "../stack-file.ts";
import { lineEnd, lineStart, rangeOf, trimmed } from "../stack-text.ts";

/** Its account on the servers. */
export const watchUser = "fleet-watch";

/** Whether the last up let it in there. */
export const isLetIn = ({ wants }: Pick<FleetServer, "wants">): boolean =>
  Object.values(wants).some((resources) => `user[${watchUser}]` in resources);

const place = ["config", fleetKey, "members"];

/** Pure. @param key its public key; undefined takes it out */
export function withWatcher(text: string, key: string | undefined): string {
  const node = parseDocument(text).getIn(place, true);
  const without = isSeq(node) ? withoutWatcher(text, node) : text;
  if (key === undefined) return without;
  const item = `{ name: ${watchUser}, keys: [ ${JSON.stringify(key)} ] }`;
  const now = parseDocument(without).getIn(place, true);
  if (now === undefined || now === null) return firstIn(without, `members: [ ${item} ]`);
  if (!isSeq(now)) throw new UserError(`members: expected a list in the stack file; next: put \`- ${item}\` there`);
  const [from, to] = rangeOf(now);
  if (now.items.length === 0) return `${without.slice(0, from)}[ ${item} ]${without.slice(to)}`;
  const [start, end] = rangeOf(now.items.at(-1));
  if (now.flow) return `${without.slice(0, end)}, ${item}${without.slice(end)}`;
  const line = lineEnd(without, trimmed(without, end));
  const indent = without.slice(lineStart(without, start), start).replace(/-.*$/, "");
  const before = without.slice(0, line);
  return `${before}${before.endsWith("\n") ? "" : "\n"}${indent}- ${item}\n${without.slice(line)}`;
}

function withoutWatcher(text: string, { items, flow }: YAMLSeq): string {
  const at = items.findIndex((each) => isMap(each) && each.get("name") === watchUser);
  if (at < 0) return text;
  const [from, to] = rangeOf(items[at]);
  const cut = (start: number, end: number, put = "") => `${text.slice(0, start)}${put}${text.slice(end)}`;
  if (flow) {
    if (at > 0) return cut(rangeOf(items[at - 1])[1], to);
    return items.length > 1 ? cut(from, rangeOf(items[1])[0]) : cut(text.lastIndexOf("[", from), text.indexOf("]", to) + 1, "[]");
  }
  const without = cut(lineStart(text, from), lineEnd(text, trimmed(text, to)));
  // A key with nothing behind it is no list.
  return items.length > 1 ? without : without.replace(/^( *members:)[ \t]*$/m, "$1 []");
}

/** As the fleet's first key. */
function firstIn(text: string, line: string): string {
  const fleet = parseDocument(text).getIn(["config", fleetKey], true);
  const first = isMap(fleet) && !fleet.flow ? fleet.items[0]?.key : undefined;
  if (first === undefined) throw new UserError(`members: expected a stack file with ${fleetKey}; next: ${typed()} check`);
  const [at] = rangeOf(first);
  return `${text.slice(0, at)}${line}\n${text.slice(lineStart(text, at), at)}${text.slice(at)}`;
}

/** @returns whether anything was to be written */
export const writeWatcher = (stack: string, key: string | undefined, folder = stacksFolder): boolean =>
  rewriteStackFile(stack, (text) => withWatcher(text, key), folder);
