// One more server beside those that a balancer names: the same words for it as for the one that is there. Pure.
import type { OverlayFile } from "../../spec/overlay.ts";
import { type Renaming, type Rewritten, type RewrittenText, rewrittenAddresses } from "./rewrite.ts";

/**
 * @param name of the server that comes, for balancers that name each
 * @param groups names of nginx' groups on this server: the new ones are added
 */
export function withAnother(
  { path, content }: Pick<OverlayFile, "path" | "content">,
  renaming: Renaming,
  name: string,
  groups: Set<string>,
): RewrittenText {
  if (path.startsWith("/etc/nginx/")) return nginx(path, content, renaming, groups);
  if (path.startsWith("/etc/haproxy/")) return haproxy(content, renaming, name);
  return { text: content, changes: [] };
}

const upstream = /\bupstream\s+(\S+)\s*\{[^}]*\}/g;
const isComment = (text: string, at: number): boolean => text.slice(text.lastIndexOf("\n", at - 1) + 1, at).includes("#");

/** By their names: nginx refuses a second one of the same, whichever file it stands in. */
export const groupsIn = (texts: readonly Pick<OverlayFile, "content">[]): Set<string> =>
  new Set(texts.flatMap(({ content }) => [...content.matchAll(upstream)].map(([, group]) => group!)));

const here = (text: string, renaming: Renaming): string => rewrittenAddresses(text, renaming).text;

function nginx(path: string, text: string, renaming: Renaming, taken: Set<string>): RewrittenText {
  const changes: Rewritten[] = [];
  const within = text.replace(upstream, (block, _group: string, start: number) => {
    if (isComment(text, start)) return block;
    const isThere = renaming.clients.ports.some((port) => block.includes(`${renaming.to}:${port}`));
    if (isThere) return block;
    return block.replace(/(^|[{;\n])([ \t]*)(server\s+[^;#]+;)/g, (whole, before: string, indent: string, server: string, at: number) => {
      if (isComment(block, at + before.length)) return whole;
      const other = here(server, renaming);
      if (other === server) return whole;
      changes.push({ name: "server", before: "", after: other });
      return `${whole}${before === "\n" ? `\n${indent}` : " "}${other}`;
    });
  });
  return withUpstream(path, within, renaming, { changes, taken });
}

/** What is passed to an address itself is passed to a group of both. Its name is no host's: the `Host` that was sent was the address. */
function withUpstream(
  path: string,
  text: string,
  renaming: Renaming,
  { changes, taken }: { readonly changes: Rewritten[]; readonly taken: Set<string> },
): RewrittenText {
  // Only there a block stands at the file's own level.
  if (!/^\/etc\/nginx\/(?:sites-(?:available|enabled)|conf\.d)\//.test(path)) return { text, changes };
  const groups = new Map<string, { readonly name: string; readonly block: string }>();
  const passed = text.replace(/^([ \t]*proxy_pass\s+https?:\/\/)([^\s/;$]+)/gm, (whole, before: string, host: string) => {
    const other = here(host, renaming);
    if (other === host) return whole;
    const port = host.split(":").at(-1)!;
    const group = groups.get(port)?.name ?? unused(`fleet-app-${port}`, taken);
    groups.set(port, { name: group, block: `upstream ${group} { server ${host}; server ${other}; }` });
    changes.push({ name: "proxy_pass", before: whole.trim(), after: `${before.trim()}${group}` });
    return `${before}${group}`;
  });
  const blocks = [...groups.values()].map(({ block }) => block);
  for (const block of blocks) changes.push({ name: "upstream", before: "", after: block });
  return { text: [...blocks, passed].join("\n"), changes };
}

/** Each file has its own group: another file may be served or not. */
function unused(name: string, taken: Set<string>): string {
  let free = name;
  for (let at = 2; taken.has(free); at++) free = `${name}-${at}`;
  taken.add(free);
  return free;
}

function haproxy(text: string, renaming: Renaming, name: string): RewrittenText {
  const changes: Rewritten[] = [];
  if (renaming.clients.ports.some((port) => text.includes(`${renaming.to}:${port}`))) return { text, changes };
  const lines = text.split("\n").flatMap((line) => {
    const other = here(line, renaming);
    if (!/^\s*server\s/.test(line) || other === line) return [line];
    const named = other.replace(/^(\s*server\s+)(\S+)/, `$1$2-${name}`);
    changes.push({ name: "server", before: "", after: named.trim() });
    return [line, named];
  });
  return { text: lines.join("\n"), changes };
}
