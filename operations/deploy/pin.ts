// The stack file after a deploy: what runs is what the next up wants. Comments and order stay.
import { stacksFolder } from "../../provisioners/project.ts";
import { valueAt } from "../../spec/path.ts";
import { fleetKey } from "../../spec/secrets.ts";
import { readYaml } from "../../spec/yaml-source.ts";
import { rewriteStackFile, stackTextOf } from "../stack-file.ts";
import { type TextPath, withValue } from "../stack-text.ts";

const ref = ["params", "app", "git", "ref"] as const;
/** What the role takes where nothing is said. */
const unsaid = "main";

const placeOf = (server?: string): TextPath => [...(server === undefined ? [] : ["servers", server]), ...ref];

/** What a text says at a place of ours; undefined where it says nothing. */
function saidIn(text: string): (at: TextPath) => unknown {
  const { value } = readYaml(text);
  return (at) => valueAt(value, ["config", fleetKey, ...at]);
}

/** Pure. By server, what the text says that it runs. */
export function refsIn(text: string, servers: readonly string[]): Readonly<Record<string, string>> {
  const said = saidIn(text);
  return Object.fromEntries(servers.map((server) => [server, String(said(placeOf(server)) ?? said(placeOf()) ?? unsaid)]));
}

/** Pure. The text that says so of `all` servers with the application; those that are not in `wanted` keep what they have. */
export function withRefs(text: string, wanted: Readonly<Record<string, string>>, all: readonly string[]): string {
  const now = { ...refsIn(text, all), ...wanted };
  const values = [...new Set(all.map((server) => now[server]!))];
  const said = saidIn(text);
  // One for all where all agree; a server's own goes before it.
  const shared = values.length === 1 && said(placeOf().slice(0, -1)) !== undefined ? values[0]! : undefined;
  const settled = shared ?? String(said(placeOf()) ?? unsaid);
  const single = all
    .filter((server) => said(placeOf(server)) !== undefined || now[server] !== settled)
    .map((server) => [placeOf(server), now[server]!] as const);
  return [...(shared === undefined ? [] : [[placeOf(), shared] as const]), ...single].reduce(
    (before, [path, value]) => withValue(before, path, value, "first"),
    text,
  );
}

export const refsOf = (stack: string, servers: readonly string[], folder = stacksFolder): Readonly<Record<string, string>> =>
  refsIn(stackTextOf(stack, folder), servers);

/** @returns whether anything was to be written */
export function writeRefs(stack: string, wanted: Readonly<Record<string, string>>, all: readonly string[], folder = stacksFolder): boolean {
  const now = refsOf(stack, Object.keys(wanted), folder);
  if (Object.entries(wanted).every(([server, value]) => now[server] === value)) return false;
  return rewriteStackFile(stack, (text) => withRefs(text, wanted, all), folder);
}
