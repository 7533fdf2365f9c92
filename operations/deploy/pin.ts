// The stack file after a deploy: what runs is what the next up wants. Comments and order stay.
import { stacksFolder } from "../../provisioners/project.ts";
import { valueAt } from "../../spec/path.ts";
import { fleetKey } from "../../spec/secrets.ts";
import { readYaml } from "../../spec/yaml-source.ts";
import { rewriteStackFile, stackTextOf } from "../stack-file.ts";
import { type TextPath, withoutKey, withValue } from "../stack-text.ts";
import { isCommit } from "./records.ts";

const git = ["params", "app", "git"] as const;
/** What the role takes where nothing is said. */
const unsaid = "main";

const gitOf = (server?: string): TextPath => [...(server === undefined ? [] : ["servers", server]), ...git];
const placeOf = (server?: string): TextPath => [...gitOf(server), "ref"];
/** What it was before a commit came in its place. */
const followsOf = (server?: string): TextPath => [...gitOf(server), "follows"];

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

/** Pure. The branch or tag that a server is to have again, also while it is pinned to a commit; undefined where a commit is all that was ever said. */
export function followedIn(text: string, server: string): string | undefined {
  const said = saidIn(text);
  const all = [placeOf(server), followsOf(server), placeOf(), followsOf()].flatMap((at) => said(at) ?? []).map(String);
  return all.find((each) => !isCommit(each)) ?? (said(placeOf()) === undefined ? unsaid : undefined);
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
    .map((server) => [server, now[server]!] as const);
  const changes = [...(shared === undefined ? [] : [[undefined, shared] as const]), ...single];
  const full = changes.reduce((before, [server, value]) => pinned(before, server, value), text);
  return shared === undefined ? full : all.reduce(withoutOwn, full);
}

/** A server's own goes again where all agree, and it is all the same what it followed. What would be empty without it keeps it. */
function withoutOwn(text: string, server: string): string {
  const bare = withoutKey(withoutKey(text, followsOf(server)), placeOf(server));
  const same = refsIn(bare, [server])[server] === refsIn(text, [server])[server] && followedIn(bare, server) === followedIn(text, server);
  return same && saidIn(bare)(["servers", server]) !== undefined ? bare : text;
}

/** A name that a commit takes the place of is kept beside it; a name needs no other. */
function pinned(text: string, server: string | undefined, value: string): string {
  const was = saidIn(text)(placeOf(server)) ?? (server === undefined ? unsaid : undefined);
  const named = withValue(text, placeOf(server), value, "first");
  if (!isCommit(value)) return withoutKey(named, followsOf(server));
  return was === undefined || isCommit(String(was)) ? named : withValue(named, followsOf(server), String(was));
}

export const followedOf = (stack: string, server: string, folder = stacksFolder): string | undefined =>
  followedIn(stackTextOf(stack, folder), server);

export const refsOf = (stack: string, servers: readonly string[], folder = stacksFolder): Readonly<Record<string, string>> =>
  refsIn(stackTextOf(stack, folder), servers);

/** @returns whether anything was to be written */
export function writeRefs(stack: string, wanted: Readonly<Record<string, string>>, all: readonly string[], folder = stacksFolder): boolean {
  const now = refsOf(stack, Object.keys(wanted), folder);
  if (Object.entries(wanted).every(([server, value]) => now[server] === value)) return false;
  return rewriteStackFile(stack, (text) => withRefs(text, wanted, all), folder);
}
