// What names a role's old place in a text, said of its new one: environment variables, URLs, upstreams; and what a unit requires. Pure.
import { structuredPatch } from "diff";
import type { Clients } from "../../provisioners/roles/move.ts";

/** From one server's eyes: by which names the old place goes there, and by which the new one will. */
export interface Renaming {
  readonly from: readonly string[];
  readonly to: string;
  readonly clients: Clients;
}

/** What became of one word. */
export interface Rewritten {
  /** `CONTEST_DB_HOST`, or the line's own beginning. */
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export interface RewrittenText {
  readonly text: string;
  readonly changes: readonly Rewritten[];
}

export const loopback: readonly string[] = ["127.0.0.1", "localhost", "[::1]", "::1"];

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A host in a value, with its port where one stands behind it. */
const hosts = (names: readonly string[]): RegExp =>
  new RegExp(
    `(?<![\\w.:-]|\\w\\[)(${[...names]
      .sort((a, b) => b.length - a.length)
      .map(escaped)
      .join("|")})(?![\\w-]|\\.\\w)(?::(\\d+)(?!\\d))?`,
    "g",
  );

const saysSo = (name: string, words: readonly string[]): boolean =>
  words.length > 0 &&
  new RegExp(`(?:^|[^a-z])(?:${words.map(escaped).join("|")})[a-z]*(?:[^a-z]|$)`, "i").test(name.replace(/([a-z0-9])([A-Z])/g, "$1_$2"));

/** A value of a variable: where it names no port, its own name, its scheme or its neighbour says whose it is. */
export function rewrittenValue(name: string, value: string, { from, to, clients }: Renaming, neighbourPort?: string): string {
  if (from.length === 0) return value;
  const isOurs = (port: string | undefined) => port !== undefined && clients.ports.includes(Number(port));
  const scheme = /^["']?([a-z][a-z0-9+.:-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
  const named = scheme === undefined ? saysSo(name, clients.words) || isOurs(neighbourPort) : clients.schemes.includes(scheme);
  return value.replace(hosts(from), (whole, _host: string, port: string | undefined) => {
    if (port === undefined) return named ? to : whole;
    return isOurs(port) ? `${to}:${port}` : whole;
  });
}

const assignment = /^([ \t]*(?:export[ \t]+|Environment=[ \t]*["']?)?)([A-Za-z_]\w*)([ \t]*=[ \t]*)(.*)$/;

/** Lines of `NAME=value`, as environment files and units have them. */
export function rewrittenVariables(text: string, renaming: Renaming): RewrittenText {
  const lines = text.split("\n");
  const values = new Map(
    lines.flatMap((line) => {
      const found = assignment.exec(line);
      return found ? [[found[2]!, found[4]!.replace(/^["']|["']$/g, "")] as const] : [];
    }),
  );
  const changes: Rewritten[] = [];
  const next = lines.map((line) => {
    const found = assignment.exec(line);
    if (!found) return line;
    const [, before = "", name = "", equals = "", value = ""] = found;
    const port = /HOST(?:NAME)?$|ADDR(?:ESS)?$/i.test(name) ? values.get(name.replace(/HOST(?:NAME)?$|ADDR(?:ESS)?$/i, "PORT")) : undefined;
    const now = rewrittenValue(name, value, renaming, port);
    if (now === value) return line;
    changes.push({ name, before: `${name}=${shown(value, now)}`, after: `${name}=${shown(now, value)}` });
    return `${before}${name}${equals}${now}`;
  });
  return { text: next.join("\n"), changes };
}

/** What differs alone: the rest of a URL may be a password. */
function shown(value: string, other: string): string {
  let start = 0;
  while (start < value.length && value[start] === other[start]) start++;
  let end = 0;
  while (end < value.length - start && end < other.length - start && value.at(-1 - end) === other.at(-1 - end)) end++;
  const from = Math.max(0, value.slice(0, start).search(/[\w.:[\]-]*$/));
  const rest = value.slice(value.length - end);
  return value.slice(from, value.length - end + (/^[\w.:[\]-]*/.exec(rest)?.[0].length ?? 0));
}

/** Line by line what became of a text; of an assignment, as little as of one that is rewritten here. */
export function changedLines(before: string, after: string): readonly Rewritten[] {
  return structuredPatch("", "", before, after, "", "", { context: 0 }).hunks.flatMap(({ lines }) => {
    const [gone, come] = ["-", "+"].map((sign) => lines.filter((line) => line.startsWith(sign)).map((line) => line.slice(1)));
    return Array.from({ length: Math.max(gone!.length, come!.length) }, (_, at) => changedLine(gone![at] ?? "", come![at] ?? ""));
  });
}

function changedLine(before: string, after: string): Rewritten {
  const [, , name = "", , value = ""] = assignment.exec(before) ?? [];
  const [, , other, , now = ""] = assignment.exec(after) ?? [];
  if (name !== "" && name === other) return { name, before: `${name}=${shown(value, now)}`, after: `${name}=${shown(now, value)}` };
  return { name: (before || after).trim().split(/[\s=]/)[0] ?? "", before: before.trim(), after: after.trim() };
}

/** Addresses of balancers' and proxies' files: a port alone tells whose they are. */
export function rewrittenAddresses(text: string, { from, to, clients }: Renaming): RewrittenText {
  const changes: Rewritten[] = [];
  const lines = text.split("\n").map((line) => {
    if (/^\s*#/.test(line) || /^\s*(?:listen|bind)\b/.test(line) || from.length === 0) return line;
    const now = line.replace(hosts(from), (whole, _host: string, port: string | undefined) =>
      port !== undefined && clients.ports.includes(Number(port)) ? `${to}:${port}` : whole,
    );
    if (now !== line) changes.push({ name: line.trim().split(/\s+/)[0] ?? "", before: line.trim(), after: now.trim() });
    return now;
  });
  return { text: lines.join("\n"), changes };
}

/** Words by which a unit takes another with it: a unit that is off must neither be pulled in nor stop it. */
const bonds = /^(\s*(?:Requires|Requisite|BindsTo|Wants|PartOf|Upholds)\s*=)(.*)$/;

/** A unit's text that asks for none of these units; `After=` is an order alone, and stays. */
export function withoutBonds(text: string, units: readonly string[]): RewrittenText {
  const changes: Rewritten[] = [];
  const lines = text.split("\n").flatMap((line) => {
    const [, key = "", list = ""] = bonds.exec(line) ?? [];
    const words = list.trim().split(/\s+/).filter(Boolean);
    const left = words.filter((word) => !units.includes(word));
    if (left.length === words.length) return [line];
    const now = left.length === 0 ? [] : [`${key}${left.join(" ")}`];
    changes.push({ name: key.trim().replace(/\s*=$/, ""), before: line.trim(), after: now[0] ?? "" });
    return now;
  });
  return { text: lines.join("\n"), changes };
}
