// Which servers are meant: names, patterns, roles, and what is left out.
import { matchesGlob } from "node:path";
import { choice } from "../spec/messages.ts";
import { UserError } from "../spec/problem.ts";
import type { FleetServer } from "./fleet-up.ts";

type Named = Pick<FleetServer, "name" | "roles">;

/** How a command's help says it. */
export const selectionHelp = "servers (isu1,isu2), a pattern ('isu*'), a role (nginx, role:nginx), !isu3 leaves out; all without";

/**
 * Pure. Each word may be several with commas between. A name goes before a role of the same name; none means all, as does a word that only
 * leaves out. Throws a UserError for a word that means nothing.
 */
export function select<Server extends Named>(servers: readonly Server[], words: readonly string[]): readonly Server[] {
  const all = words.flatMap((word) => word.split(",")).filter((word) => word !== "");
  const without = new Set(all.filter((word) => word.startsWith("!")).flatMap((word) => meant(servers, word.slice(1))));
  const named = all.filter((word) => !word.startsWith("!"));
  const wanted = new Set(named.length === 0 ? servers : named.flatMap((word) => meant(servers, word)));
  const left = servers.filter((each) => wanted.has(each) && !without.has(each));
  if (left.length === 0) throw new UserError(`${all.join(" ")}: expected at least one server, got none that is left`);
  return left;
}

function meant<Server extends Named>(servers: readonly Server[], word: string): readonly Server[] {
  if (word === "all") return servers;
  const role = /^role:(.+)$/.exec(word)?.[1];
  if (role !== undefined) return found(servers, word, ({ roles }) => roles.includes(role));
  if (servers.some(({ name }) => name === word)) return servers.filter(({ name }) => name === word);
  if (/[*?[{]/.test(word)) return found(servers, word, ({ name }) => matchesGlob(name, word));
  return found(servers, word, ({ roles }) => roles.includes(word));
}

function found<Server extends Named>(servers: readonly Server[], word: string, fits: (server: Server) => boolean): readonly Server[] {
  const fitting = servers.filter(fits);
  if (fitting.length > 0) return fitting;
  const known = [...new Set([...servers.map(({ name }) => name), ...servers.flatMap(({ roles }) => roles)])];
  throw new UserError(`${word}: expected a server or a role that is up${choice(word.replace(/^role:/, ""), known)}`);
}
