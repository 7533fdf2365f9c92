// The stack file with another word in it: only what is said of it is touched, the rest of the text stays to the letter, comments too. Pure.
import {
  type Document,
  isCollection,
  isNode,
  isScalar,
  isSeq,
  isMap as isYamlMap,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { UserError } from "../spec/problem.ts";
import { fleetKey } from "../spec/secrets.ts";

/** Below the fleet's own key: `["servers", "isu1", "roles"]`. */
export type TextPath = readonly string[];

const full = (path: TextPath): readonly string[] => ["config", fleetKey, ...path];

export const rangeOf = (node: unknown): readonly [number, number] => {
  const [from = 0, to = from] = isNode(node) ? (node.range ?? []) : [];
  return [from, to];
};

/** What both YAML parsers that read the file take for this very text. */
const quoted = (value: string | number): string =>
  typeof value === "number" || (/^[A-Za-z/][A-Za-z0-9._/-]*$/.test(value) && !/^(?:true|false|null|yes|no|on|[0-9a-f]+)$/i.test(value))
    ? String(value)
    : JSON.stringify(value);

export const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;
/** Behind the line's own end. */
export const lineEnd = (text: string, at: number): number => {
  const found = text.indexOf("\n", at);
  return found === -1 ? text.length : found + 1;
};
/** A block's range may reach over the empty lines behind it. */
export const trimmed = (text: string, to: number): number => {
  let end = to;
  while (end > 0 && /\s/.test(text[end - 1]!)) end--;
  return end;
};

/** How much of the path is there, as maps that hold something. */
function depthOf(document: Document, path: readonly string[]): number {
  for (let depth = path.length - 1; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isYamlMap(node) && node.items.length > 0) return depth;
  }
  throw new UserError(`${path.slice(2).join(".")}: expected a place for it in the stack file, got none; write it there`);
}

/** Where a line of its own comes to stand among those of its map. */
type Standing = "first" | "last";

/** The value at a path becomes this text; what is missing on the way is written too. */
export function withValue(text: string, at: TextPath, value: string | number | readonly string[], standing?: Standing): string {
  const there = parseDocument(text).getIn(full(at), true);
  const words = typeof value === "object" ? `[ ${value.map(quoted).join(", ")} ]` : quoted(value);
  if (!isScalar(there) || there.value === null) return withWords(text, at, words, standing);
  if (String(there.value) === String(value)) return text;
  const [from, to] = rangeOf(there);
  return `${text.slice(0, from)}${words}${text.slice(to)}`;
}

/** What stands at a path, as data; undefined where nothing does. */
export function valueAt(text: string, at: TextPath): unknown {
  const document = parseDocument(text);
  const node: unknown = document.getIn(full(at), true);
  return isNode(node) ? node.toJS(document) : node;
}

/** Something new beside what is there, as YAML text. */
export function withWords(text: string, at: TextPath, words: string, standing: Standing = "last"): string {
  const path = full(at);
  const document = parseDocument(text);
  const depth = depthOf(document, path);
  const map = document.getIn(path.slice(0, depth), true) as YAMLMap;
  const [key = "", ...below] = path.slice(depth);
  const value = below.reduceRight((inner, name) => `{ ${quoted(name)}: ${inner} }`, words);
  const there = map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
  if (there) return filled(text, there, value, at);
  const said = `${quoted(key)}: ${value}`;
  const last = map.items.at(-1)!;
  const end = trimmed(text, rangeOf(last.value ?? last.key)[1]);
  if (map.flow) return `${text.slice(0, end)}, ${said}${text.slice(end)}`;
  const [first] = rangeOf(map.items[0]!.key);
  const indent = text.slice(lineStart(text, first), first);
  if (standing === "first") return `${text.slice(0, first)}${said}\n${indent}${text.slice(first)}`;
  const next = lineEnd(text, end);
  const before = text.slice(0, next);
  return `${before}${before.endsWith("\n") ? "" : "\n"}${" ".repeat(indent.length)}${said}\n${text.slice(next)}`;
}

/** A key that stands there and holds nothing: `{}`, `[]`, or no word at all. */
function filled(text: string, { key, value }: Pair, words: string, at: TextPath): string {
  const isEmpty = (isCollection(value) && value.items.length === 0) || (isScalar(value) && value.value === null);
  if (!isEmpty) throw new UserError(`${at.join(".")}: expected a place for it in the stack file, got something else; write it there`);
  const [from, to] = rangeOf(value);
  const colon = text.indexOf(":", rangeOf(key)[1]) + 1;
  return from === to ? `${text.slice(0, colon)} ${words}${text.slice(colon)}` : `${text.slice(0, from)}${words}${text.slice(to)}`;
}

/** The key goes, with what is below it; a map that would be left empty goes as well. */
export function withoutKey(text: string, at: TextPath): string {
  const path = full(at);
  const map = parseDocument(text).getIn(path.slice(0, -1), true);
  if (!isYamlMap(map)) return text;
  const index = map.items.findIndex(({ key }) => isScalar(key) && String(key.value) === path.at(-1));
  if (index === -1) return text;
  if (map.items.length === 1 && at.length > 1) return withoutKey(text, at.slice(0, -1));
  const ends = (pair: Pair): readonly [number, number] => [rangeOf(pair.key)[0], trimmed(text, rangeOf(pair.value ?? pair.key)[1])];
  const [from, to] = ends(map.items[index]!);
  if (!map.flow) return `${text.slice(0, lineStart(text, from))}${text.slice(lineEnd(text, to))}`;
  return cut(text, map.items.map(ends), index);
}

/** Of a list in brackets, with the comma that parts it from the others. */
function cut(text: string, ranges: readonly (readonly [number, number])[], index: number): string {
  const [from, to] = ranges[index]!;
  if (index > 0) return `${text.slice(0, ranges[index - 1]![1])}${text.slice(to)}`;
  return `${text.slice(0, from)}${text.slice(ranges[1]?.[0] ?? to)}`;
}

const listAt = (text: string, at: TextPath): YAMLSeq | undefined => {
  const list = parseDocument(text).getIn(full(at), true);
  return isSeq(list) ? list : undefined;
};
const wordsOf = (list: YAMLSeq): readonly string[] => list.items.map((item) => String(isScalar(item) ? item.value : item));

/** A list without an item; one that would be left empty goes with its key. */
export function withoutItem(text: string, at: TextPath, item: string): string {
  const list = listAt(text, at);
  const index = list ? wordsOf(list).indexOf(item) : -1;
  if (!list || index === -1) return text;
  if (list.items.length === 1) return withoutKey(text, at);
  const ranges = list.items.map((each) => [rangeOf(each)[0], trimmed(text, rangeOf(each)[1])] as const);
  if (list.flow) return cut(text, ranges, index);
  const [from, to] = ranges[index]!;
  return `${text.slice(0, lineStart(text, from))}${text.slice(lineEnd(text, to))}`;
}

/** A list with an item, before the first of those that are to stand behind it. */
export function withItem(text: string, at: TextPath, item: string, before: readonly string[] = []): string {
  const list = listAt(text, at);
  if (!list || list.items.length === 0) return withValue(text, at, [item]);
  const words = wordsOf(list);
  if (words.includes(item)) return text;
  const found = words.findIndex((word) => before.includes(word));
  const ranges = list.items.map((each) => [rangeOf(each)[0], trimmed(text, rangeOf(each)[1])] as const);
  const place = found === -1 ? ranges.at(-1)![1] : ranges[found]![0];
  if (list.flow) return `${text.slice(0, place)}${found === -1 ? `, ${quoted(item)}` : `${quoted(item)}, `}${text.slice(place)}`;
  const line = found === -1 ? lineEnd(text, place) : lineStart(text, place);
  const own = text.slice(lineStart(text, ranges[0]![0]), ranges[0]![0]);
  return `${text.slice(0, line)}${own}${quoted(item)}\n${text.slice(line)}`;
}
