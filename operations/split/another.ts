// One more server beside those that a balancer names: the same words for it as for the one that is there. Pure.
import type { OverlayFile } from "../../spec/overlay.ts";
import { type Renaming, type Rewritten, type RewrittenText, rewrittenAddresses } from "./rewrite.ts";

/** @param name of the server that comes, for balancers that name each */
export function withAnother({ path, content }: Pick<OverlayFile, "path" | "content">, renaming: Renaming, name: string): RewrittenText {
  if (path.startsWith("/etc/nginx/")) return nginx(path, content, renaming);
  if (path.startsWith("/etc/haproxy/")) return haproxy(content, renaming, name);
  return { text: content, changes: [] };
}

const here = (text: string, renaming: Renaming): string => rewrittenAddresses(text, renaming).text;

function nginx(path: string, text: string, renaming: Renaming): RewrittenText {
  const changes: Rewritten[] = [];
  const within = text.replace(/\bupstream\s+\S+\s*\{[^}]*\}/g, (block) => {
    const isThere = renaming.clients.ports.some((port) => block.includes(`${renaming.to}:${port}`));
    if (isThere) return block;
    return block.replace(/(^|[{;\n])([ \t]*)(server\s+[^;#]+;)/g, (whole, before: string, indent: string, server: string) => {
      const other = here(server, renaming);
      if (other === server) return whole;
      changes.push({ name: "server", before: "", after: other });
      return `${whole}${before === "\n" ? `\n${indent}` : " "}${other}`;
    });
  });
  return withUpstream(path, within, renaming, changes);
}

/** What is passed to an address itself is passed to a group of both. Its name is no host's: the `Host` that was sent was the address. */
function withUpstream(path: string, text: string, renaming: Renaming, changes: Rewritten[]): RewrittenText {
  // Only there a block stands at the file's own level.
  if (!/^\/etc\/nginx\/(?:sites-(?:available|enabled)|conf\.d)\//.test(path)) return { text, changes };
  const groups = new Map<string, string>();
  const passed = text.replace(/^([ \t]*proxy_pass\s+https?:\/\/)([^\s/;$]+)/gm, (whole, before: string, host: string) => {
    const other = here(host, renaming);
    if (other === host) return whole;
    const group = `fleet-app-${host.split(":").at(-1)}`;
    groups.set(group, `upstream ${group} { server ${host}; server ${other}; }`);
    changes.push({ name: "proxy_pass", before: whole.trim(), after: `${before.trim()}${group}` });
    return `${before}${group}`;
  });
  for (const block of groups.values()) changes.push({ name: "upstream", before: "", after: block });
  return { text: [...groups.values(), passed].join("\n"), changes };
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
