// The stack file after a deploy: what runs is what the next up wants. Comments and order stay.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, isNode, isScalar, isMap as isYamlMap, parseDocument, type YAMLMap } from "yaml";
import { stacksFolder } from "../../provisioners/project.ts";
import { UserError } from "../../spec/problem.ts";
import { fleetKey } from "../../spec/secrets.ts";

const top = ["config", fleetKey] as const;
const ref = ["params", "app", "git", "ref"] as const;
/** What the role takes where nothing is said. */
const unsaid = "main";

const placeOf = (server?: string): readonly string[] => [...top, ...(server === undefined ? [] : ["servers", server]), ...ref];

/** Pure. By server, what the text says that it runs. */
export function refsIn(text: string, servers: readonly string[]): Readonly<Record<string, string>> {
  const document = parseDocument(text);
  const at = (server?: string) => {
    const value = document.getIn(placeOf(server));
    return value === undefined ? undefined : String(value);
  };
  return Object.fromEntries(servers.map((server) => [server, at(server) ?? at() ?? unsaid]));
}

/** Pure. The text that says so of `all` servers with the application; those that are not in `wanted` keep what they have. */
export function withRefs(text: string, wanted: Readonly<Record<string, string>>, all: readonly string[]): string {
  const now = { ...refsIn(text, all), ...wanted };
  const values = [...new Set(all.map((server) => now[server]!))];
  const document = parseDocument(text);
  const own = (server: string) => document.hasIn(placeOf(server));
  // One for all where all agree; a server's own goes before it.
  const shared = values.length === 1 && document.hasIn(placeOf().slice(0, -1)) ? [[placeOf(), values[0]!] as const] : [];
  const settled = shared.length > 0 ? { shared: values[0]! } : { shared: document.getIn(placeOf()) ?? unsaid };
  const single = all
    .filter((server) => own(server) || now[server] !== String(settled.shared))
    .map((server) => [placeOf(server), now[server]!] as const);
  return [...shared, ...single].reduce((before, [path, value]) => withValue(before, path, value), text);
}

const rangeOf = (node: unknown): readonly [number, number] => {
  const [from = 0, to = from] = isNode(node) ? (node.range ?? []) : [];
  return [from, to];
};

/** A commit's id may look like a number. */
const quoted = (value: string): string =>
  /^[A-Za-z][A-Za-z0-9._/-]*$/.test(value) && !/^[0-9a-f]+$/.test(value) ? value : JSON.stringify(value);

function withValue(text: string, path: readonly string[], value: string): string {
  const document = parseDocument(text);
  const there = document.getIn(path, true);
  if (isScalar(there)) {
    if (String(there.value) === value) return text;
    const [from, to] = rangeOf(there);
    return `${text.slice(0, from)}${quoted(value)}${text.slice(to)}`;
  }
  const depth = depthOf(document, path);
  const map = document.getIn(path.slice(0, depth), true) as YAMLMap;
  const rest = path.slice(depth);
  const words = `${rest[0]}: ${rest.slice(1).reduceRight((inner, name) => `{ ${name}: ${inner} }`, quoted(value))}`;
  if (map.flow) {
    const [from, to] = rangeOf(map);
    const last = map.items.at(-1);
    const end = last ? rangeOf(last.value ?? last.key)[1] : from + 1;
    return last ? `${text.slice(0, end)}, ${words}${text.slice(end)}` : `${text.slice(0, from)}{ ${words} }${text.slice(to)}`;
  }
  const [first] = rangeOf(map.items[0]!.key);
  const indent = text.slice(text.lastIndexOf("\n", first - 1) + 1, first);
  return `${text.slice(0, first)}${words}\n${indent}${text.slice(first)}`;
}

/** How much of the path is there, as maps that hold something. */
function depthOf(document: Document, path: readonly string[]): number {
  for (let depth = path.length - 1; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isYamlMap(node) && (node.flow || node.items.length > 0)) return depth;
  }
  throw new UserError(`${path.slice(top.length).join(".")}: expected a place for it in the stack file, got none; write it there`);
}

const fileOf = (stack: string, folder: string): string => join(folder, `Pulumi.${stack}.yaml`);

export const refsOf = (stack: string, servers: readonly string[], folder = stacksFolder): Readonly<Record<string, string>> =>
  refsIn(readFileSync(fileOf(stack, folder), "utf8"), servers);

/** @returns whether anything was to be written */
export function writeRefs(stack: string, wanted: Readonly<Record<string, string>>, all: readonly string[], folder = stacksFolder): boolean {
  const file = fileOf(stack, folder);
  const before = readFileSync(file, "utf8");
  const now = refsIn(before, Object.keys(wanted));
  if (Object.entries(wanted).every(([server, value]) => now[server] === value)) return false;
  writeFileSync(`${file}.${process.pid}`, withRefs(before, wanted, all));
  renameSync(`${file}.${process.pid}`, file);
  return true;
}
