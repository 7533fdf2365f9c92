// Who talks to whom: what is connected at the look, and what configuration says of other servers.
import type { ServerFacts } from "./facts.ts";

export interface Talk {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** What listens there. */
  readonly what: string;
  readonly how: "connected" | "configured";
}

interface Known {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly facts: ServerFacts;
}

export function talksOf(servers: readonly Known[]): readonly Talk[] {
  const nameOf = (address: string) => servers.find(({ addresses }) => addresses.includes(address))?.name;
  const listening = (name: string, port: number) => programAt(servers.find((each) => each.name === name)?.facts, port);
  const connected = servers.flatMap(({ name, facts }) =>
    facts.links.flatMap(({ port, peer, peerPort, program }) => {
      const to = peer === "127.0.0.1" ? name : nameOf(peer);
      // The other end of the same connection is told where it was opened.
      if (to === undefined || facts.listeners.some((each) => each.port === port) || program === "sshd") return [];
      return [{ from: `${name} ${program || "?"}`, to, port: peerPort, what: listening(to, peerPort), how: "connected" as const }];
    }),
  );
  const configured = servers.flatMap(({ name, facts }) =>
    upstreamsIn(facts.nginx).flatMap(({ address, port }) => {
      const to = ["127.0.0.1", "localhost"].includes(address) ? name : nameOf(address);
      return to === undefined ? [] : [{ from: `${name} nginx`, to, port, what: listening(to, port), how: "configured" as const }];
    }),
  );
  const key = ({ from, to, port }: Talk) => `${from} ${to} ${port}`;
  return [...new Map([...configured, ...connected].map((talk) => [key(talk), talk] as const)).values()].sort((a, b) =>
    key(a) < key(b) ? -1 : 1,
  );
}

const programAt = (facts: ServerFacts | undefined, port: number): string =>
  facts?.listeners.find((each) => each.protocol === "tcp" && each.port === port)?.program ?? "";

/** Of `nginx -T`: what it passes requests to. */
export function upstreamsIn(text: string): readonly { readonly address: string; readonly port: number }[] {
  const directives = text
    .replace(/#.*$/gm, "")
    .matchAll(/\b(?:server\s+|(?:proxy|fastcgi|uwsgi|grpc)_pass\s+(?:https?:\/\/)?)([a-zA-Z0-9.-]+):([0-9]+)\b[^;{}\n]*;/g);
  const all = Array.from(directives, ([, address = "", port]) => ({ address, port: Number(port) }));
  return [...new Map(all.map((each) => [`${each.address}:${each.port}`, each])).values()];
}
