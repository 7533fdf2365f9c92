// Servers as they were handed out: `isu1=203.0.113.11` typed one by one, or a table that was pasted from a mail or a portal.
import { isIPv4 } from "node:net";
import { UserError } from "../../spec/problem.ts";
import { Address, Port, ServerName } from "../../spec/scalars.ts";

export interface HandedOutServer {
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  /** By which the team's other servers reach it, where the table says so. */
  readonly privateAddress?: string;
}

/** Throws a UserError for what is no `name=address[:port]`. */
export function serversIn(pairs: readonly string[]): readonly HandedOutServer[] {
  return onceEach(
    pairs.map((pair) => {
      const [, name = "", address = "", port] = /^([^=]+)=([^:]+)(?::([0-9]+))?$/.exec(pair) ?? [];
      return checked({ name, address, ...(port !== undefined && { port: Number(port) }) }, pair);
    }),
  );
}

/**
 * A line a server: the first word that can be a name, the first address, and a second address as the private one, in any order and with whatever
 * stands between (tabs, commas, `|`). Lines without an address (a heading, a rule) are passed over.
 */
export function serversInTable(text: string): readonly HandedOutServer[] {
  const rows = text.split("\n").map((line) => line.split(/[\s|,;=]+/).filter(Boolean));
  const found = rows.flatMap((words) => {
    const addresses = words.filter((word) => isIPv4(word.replace(/:[0-9]+$/, "")));
    return addresses.length === 0 ? [] : [rowOf(words, addresses)];
  });
  if (found.length === 0) throw new UserError("expected a table with a server a line (`isu1 203.0.113.11`), got no line with an address");
  return onceEach(found);
}

function rowOf(words: readonly string[], [first = "", second]: readonly string[]): HandedOutServer {
  const name = words.map((word) => word.toLowerCase()).find((word) => ServerName.safeParse(word).success);
  const [address = "", port] = first.split(":");
  if (name === undefined) throw new UserError(`expected a server's name beside ${first}, got none; write \`isu1 ${first}\``);
  return checked(
    { name, address, ...(port && { port: Number(port) }), ...(second !== undefined && { privateAddress: second }) },
    words.join(" "),
  );
}

function checked(server: HandedOutServer, written: string): HandedOutServer {
  const checks = [ServerName.safeParse(server.name), Address.safeParse(server.address), Port.optional().safeParse(server.port)];
  const wrong = checks.find((each) => !each.success)?.error?.issues[0]?.message;
  if (wrong !== undefined) throw new UserError(`${written}: ${wrong}; write a server as \`isu1=203.0.113.11\``);
  return server;
}

function onceEach(servers: readonly HandedOutServer[]): readonly HandedOutServer[] {
  for (const [index, { name, address, port }] of servers.entries()) {
    const same = servers.findIndex((each) => each.name === name || (each.address === address && each.port === port));
    if (same !== index) throw new UserError(`${name}: expected each server once, got its name or address again; remove one of them`);
  }
  return servers;
}
