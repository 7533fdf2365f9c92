// Whether the next up leaves what was changed on a balancer: a file that the stack wants as a whole, and that says another share, goes back. Pure.
import { completeFacts, type Facts } from "../../provisioners/engine/facts.ts";
import { expandRole, type FleetPlan, rolesOf } from "../../provisioners/expand.ts";
import { isUserError } from "../../spec/problem.ts";
import { type Balancer, nextFiles, type Placed, type Shares } from "./drain.ts";
import { groupsIn, type Peer } from "./nginx.ts";

/** What the next up writes over a change. */
export interface PutBack {
  readonly place: Placed;
  /** On the balancer. */
  readonly path: string;
  readonly role: string;
  /** What to write there in its place, so that the change stays. */
  readonly words: string;
  /** haproxy's runtime state outlives an up that changes none of its files. */
  readonly until: "the next up" | "haproxy's next reload";
}

export interface WantedFile {
  readonly role: string;
  readonly content: string;
}
/** What the next up writes at a path of a server; undefined where it writes nothing there. */
export type WantedAt = (server: string, path: string) => WantedFile | undefined;

/** @param factsOf as they were at the last run that looked */
export const wantedAt =
  (plan: FleetPlan, factsOf: (server: string) => unknown): WantedAt =>
  (name, path) => {
    const server = plan.servers.find((each) => each.name === name);
    const facts = completeFacts((factsOf(name) ?? {}) as Partial<Facts>);
    if (!server || !facts) return undefined;
    try {
      for (const role of rolesOf(server))
        for (const want of Object.values(expandRole(plan, server, role, facts)))
          if ("path" in want && want.path === path && "content" in want && typeof want.content === "string" && !("encoding" in want))
            return { role, content: want.content };
    } catch (error) {
      // The next up will say it.
      if (!isUserError(error)) throw error;
    }
    return undefined;
  };

export function putBack(balancers: readonly Balancer[], places: readonly Placed[], shares: Shares, wanted: WantedAt): readonly PutBack[] {
  return balancers.flatMap((balancer) => {
    const own = places.filter((place) => place.balancer === balancer.server);
    const next = own.length === 0 ? {} : nextFiles(balancer, shares);
    return own.flatMap((place) => (place.kind === "haproxy" ? inHaproxy(place, wanted) : inNginx(place, balancer, next, wanted)));
  });
}

const haproxyFile = "/etc/haproxy/haproxy.cfg";

function inHaproxy(place: Placed, wanted: WantedAt): readonly PutBack[] {
  const file = place.target.now === 0 ? wanted(place.balancer, haproxyFile) : undefined;
  const named = place.server ?? place.target.name;
  const lines = file?.content.split("\n").map((line) => line.trim().split(/\s+/)) ?? [];
  const line = lines.find(([word, name]) => word === "server" && name === named);
  if (!file || !line || line.includes("disabled")) return [];
  return [{ place, path: haproxyFile, role: file.role, words: `\`disabled\` behind \`server ${named}\``, until: "haproxy's next reload" }];
}

function inNginx(place: Placed, { real, groups }: Balancer, next: Readonly<Record<string, string>>, wanted: WantedAt): readonly PutBack[] {
  const { group, host, port, balancer } = place;
  const files = groups.filter(({ name }) => name === group).map(({ file }) => file);
  return files.flatMap((file): readonly PutBack[] => {
    const path = real[file] ?? file;
    const one = wanted(balancer, path);
    const peerIn = (text: string): Peer | undefined =>
      groupsIn(file, text)
        .filter(({ name }) => name === group)
        .flatMap(({ peers }) => peers)
        .find((peer) => peer.host === host && peer.port === port);
    const [now, then] = [peerIn(next[file] ?? ""), one && peerIn(one.content)];
    if (!one || !now || (then?.down === now.down && (now.down || then.weight === now.weight))) return [];
    const words = now.down ? "`down`" : now.weight === 1 ? "neither `down` nor a weight" : `\`weight=${now.weight}\``;
    return [{ place, path, role: one.role, words: `${words} behind \`server ${host}:${port}\``, until: "the next up" }];
  });
}
