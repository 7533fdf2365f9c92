// Upstreams in nginx' own files: who is in them, and the same text with other shares. Pure; open nginx has no way to change them at run time but a reload.
import { sharedOut, unshared, type Weighted } from "../../templates/shares.ts";

export interface Peer extends Weighted {
  readonly host: string;
  readonly port: number;
}

export interface Group {
  readonly file: string;
  readonly name: string;
  readonly peers: readonly Peer[];
}

/** Text by path, of what `nginx -T` prints. */
export function filesIn(dump: string): Readonly<Record<string, string>> {
  const parts = dump.split(/^# configuration file (.+):\n/m).slice(1);
  const files: Record<string, string> = {};
  for (let index = 0; index < parts.length; index += 2) files[parts[index]!] ??= parts[index + 1]!.replace(/\n$/, "");
  return files;
}

const block = /^([ \t]*upstream[ \t]+([^\s{]+)[ \t\r\n]*\{)([^}]*)\}/gm;
/** Several may stand on one line; what stands behind a `#` is no server. */
const line = /(?<=^(?:[^#\n]*;)?)([ \t]*)server[ \t]+([^\s;]+)([^;\n]*);/gm;

/** Of what stands behind the address, in its order. */
const optionsOf = (text: string): readonly string[] => text.trim().split(/\s+/).filter(Boolean);

function peerOf(address: string, options: readonly string[]): Peer {
  const [, host = address, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(address) ?? [];
  return {
    host: address.startsWith("unix:") ? address : host.replace(/^\[|\]$/g, ""),
    port: Number(port ?? 80),
    weight: Number(options.find((each) => /^weight=\d+$/.test(each))?.slice("weight=".length) ?? 1),
    down: options.includes("down"),
  };
}

export const groupsIn = (file: string, text: string): readonly Group[] =>
  [...text.matchAll(block)].map(([, , name = "", body = ""]) => ({
    file,
    name,
    peers: [...body.matchAll(line)].map(([, , address = "", options = ""]) => peerOf(address, optionsOf(options))),
  }));

const own = ["127.0.0.1", "localhost", "::1"];
/** A server's way to its own application balances nothing. */
export const isLocal = (peers: readonly Peer[]): boolean => peers.every(({ host }) => own.includes(host) || host.startsWith("unix:"));

/** In per cent; undefined for a peer whose share is nobody's to say. */
export type ShareOf = (peer: Peer) => number | undefined;

/** The file with the shares of `now` in place of those of `before`; what it says beside them stays as it is. */
export function withShares(text: string, before: ShareOf, now: ShareOf): string {
  return text.replace(block, (all, head: string, _name: string, body: string) => {
    const peers = [...body.matchAll(line)].map(([, , address = "", options = ""]) => peerOf(address, optionsOf(options)));
    if (isLocal(peers)) return all;
    const old = peers.map((peer) => before(peer) ?? 100);
    // Of a peer that somebody else took out, nothing is known: it stays out unless it is meant.
    const usual = unshared(peers, old).map((each, index) => (now(peers[index]!) === undefined ? each : { ...each, down: false }));
    const next = sharedOut(
      usual,
      peers.map((peer) => now(peer) ?? 100),
    );
    let at = -1;
    const told = body.replace(line, (whole, indent: string, address: string, options: string) => {
      at++;
      const { weight, down } = next[at]!;
      if (weight === peers[at]!.weight && down === peers[at]!.down) return whole;
      const rest = optionsOf(options).filter((each) => each !== "down" && !/^weight=\d+$/.test(each));
      const words = [address, ...(weight === 1 ? [] : [`weight=${weight}`]), ...rest, ...(down ? ["down"] : [])];
      return `${indent}server ${words.join(" ")};`;
    });
    return told === body ? all : `${head}${told}}`;
  });
}
