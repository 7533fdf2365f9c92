// The stack file with another share of a server: what is drained stays drained in the next up. Comments and order stay.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isNode, isScalar, isMap as isYamlMap, parseDocument } from "yaml";
import { stacksFolder } from "../../provisioners/project.ts";
import { isMap, valueAt } from "../../spec/path.ts";
import { UserError } from "../../spec/problem.ts";
import { fleetKey } from "../../spec/secrets.ts";
import { readYaml } from "../../spec/yaml-source.ts";

const fileOf = (stack: string, folder: string): string => join(folder, `Pulumi.${stack}.yaml`);

/** Of the stack's servers, by name; 100 where nothing is said. */
export function sharesOf(stack: string, folder = stacksFolder): Readonly<Record<string, number>> {
  const servers = valueAt(readYaml(readFileSync(fileOf(stack, folder), "utf8")).value, ["config", fleetKey, "servers"]);
  if (!isMap(servers)) return {};
  return Object.fromEntries(
    Object.entries(servers).map(([name, each]) => [name, isMap(each) && typeof each.share === "number" ? each.share : 100]),
  );
}

/** Pure. Only what is said of the shares is touched: the rest of the text stays to the letter. 100 is what stands nowhere. */
export function withShare(text: string, shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares).reduce((before, [server, share]) => withOne(before, server, share), text);
}

function withOne(text: string, server: string, share: number): string {
  const node = parseDocument(text).getIn(["config", fleetKey, "servers", server], true);
  if (!isYamlMap(node) || node.items.length === 0)
    throw new UserError(`servers.${server}: expected it in the stack file, got none; write share: ${share} there`);
  const places = node.items.map((pair) => [rangeOf(pair.key)[0], rangeOf(pair.value ?? pair.key)[1]] as const);
  const at = node.items.findIndex(({ key }) => isScalar(key) && key.value === "share");
  const put = (from: number, to: number, words: string) => `${text.slice(0, from)}${words}${text.slice(to)}`;
  const lineOf = (offset: number) => text.lastIndexOf("\n", offset - 1) + 1;
  if (at >= 0 && share !== 100) return put(...places[at]!, `share: ${share}`);
  if (at >= 0) {
    if (!node.flow) return put(lineOf(places[at]![0]), text.indexOf("\n", places[at]![1]) + 1 || text.length, "");
    return at > 0 ? put(places[at - 1]![1], places[at]![1], "") : put(places[0]![0], places[1]?.[0] ?? places[0]![1], "");
  }
  if (share === 100) return text;
  if (node.flow) return put(places.at(-1)![1], places.at(-1)![1], `, share: ${share}`);
  const first = places[0]![0];
  return put(first, first, `share: ${share}\n${text.slice(lineOf(first), first)}`);
}

const rangeOf = (node: unknown): readonly [number, number] => {
  const [from = 0, to = from] = isNode(node) ? (node.range ?? []) : [];
  return [from, to];
};

/** @returns whether anything was to be written */
export function writeShares(stack: string, shares: Readonly<Record<string, number>>, folder = stacksFolder): boolean {
  const before = sharesOf(stack, folder);
  if (Object.entries(shares).every(([server, share]) => before[server] === share)) return false;
  const file = fileOf(stack, folder);
  writeFileSync(`${file}.${process.pid}`, withShare(readFileSync(file, "utf8"), shares));
  renameSync(`${file}.${process.pid}`, file);
  return true;
}
