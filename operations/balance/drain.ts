// A server out of everything that balances over it, and in again: found on the balancers themselves, changed there without a restart.

import type { Shell } from "../../provisioners/engine/shell.ts";
import { sleep } from "../../provisioners/ssh/retry.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { FleetServer } from "../fleet-up.ts";
import type { OpenServers, Outcome } from "../on-servers.ts";
import { type HaproxyServerState, haproxyCommands, haproxyServers } from "./haproxy.ts";
import { filesIn, type Group, groupsIn, isLocal, type Peer, withShares } from "./nginx.ts";
import { leftScript, lookScript, nginxScript, partsIn, tellScript } from "./scripts.ts";

/** What balances on one server. */
export interface Balancer {
  readonly server: string;
  readonly haproxy: readonly HaproxyServerState[];
  /** nginx' files by path, and the groups in them. */
  readonly files: Readonly<Record<string, string>>;
  readonly groups: readonly Group[];
  /** Where those of them really lie that are named by a link. */
  readonly real: Readonly<Record<string, string>>;
  /** What nginx says against its own files: it runs with older ones, and takes no change. */
  readonly broken?: string;
}

/** A server that is to have another share. */
export interface Target {
  readonly name: string;
  /** Names and addresses by which balancers know it. */
  readonly hosts: readonly string[];
  /** Its share until now, and from now on. */
  readonly before: number;
  readonly now: number;
}

/** One place in which a target stands. */
export interface Placed {
  readonly balancer: string;
  readonly kind: "haproxy" | "nginx";
  /** Backend or upstream. */
  readonly group: string;
  readonly target: Target;
  /** haproxy's own name for it. */
  readonly server?: string;
  readonly host: string;
  readonly port: number;
  /** Whether somebody is left who gets the requests. */
  readonly others: number;
}

const mark = "@fleet-balance";
/** Milliseconds, of a look and of a change: that one waits half a minute for old workers, and puts all back itself where they go on. */
const [deadline, changeDeadline] = [30_000, 90_000];

export async function balancersOn(open: OpenServers, servers: readonly FleetServer[]): Promise<readonly Outcome<Balancer>[]> {
  return await open.each(servers, ({ name }, shell, signal) => balancerOn(name, shell, signal));
}

export async function balancerOn(server: string, shell: Shell, signal: AbortSignal): Promise<Balancer> {
  const { stdout } = await shell.run(lookScript(mark), { signal, deadline, onAbort: "end" });
  const { state = "", stat = "", nginx = "", real = "", broken } = partsIn(mark, stdout.toString("utf8"));
  const files = filesIn(nginx);
  const groups = Object.entries(files).flatMap(([file, text]) => groupsIn(file, text));
  const links = Object.fromEntries(real.split("\n").flatMap((line) => (line.includes("\t") ? [line.split("\t") as [string, string]] : [])));
  return {
    server,
    haproxy: haproxyServers(state, stat),
    files,
    groups,
    real: links,
    ...(broken !== undefined && { broken: broken.trim() }),
  };
}

/** As its names are known here and on the other servers. */
export function hostsOf({ name, connection, facts }: FleetServer): readonly string[] {
  const known = Array.isArray(facts.addresses) ? facts.addresses.map(String) : [];
  return [...new Set([name, connection.address, ...known])];
}

const own = ["127.0.0.1", "localhost", "::1"];
/** A balancer's own address is the server that it runs on. */
const isMeant = (target: Target, host: string, balancer: string): boolean =>
  target.hosts.includes(host) || (target.name === balancer && own.includes(host));

const meant = (targets: readonly Target[], host: string, balancer: string): Target | undefined =>
  targets.find((target) => isMeant(target, host, balancer));

const haproxyTarget = (targets: readonly Target[], each: HaproxyServerState, balancer: string): Target | undefined =>
  targets.find(({ name }) => name === each.name) ?? meant(targets, each.host, balancer);

/** Pure: where the targets stand, and who would be left beside them. */
export function placesOf(balancers: readonly Balancer[], targets: readonly Target[]): readonly Placed[] {
  return balancers.flatMap(({ server, haproxy, groups }) => {
    const inHaproxy = haproxy.flatMap((each): Placed[] => {
      const target = haproxyTarget(targets, each, server);
      if (!target) return [];
      const rest = haproxy.filter(
        (other) => other.backend === each.backend && !other.out && haproxyTarget(targets, other, server) === undefined,
      );
      const { backend: group, name, host, port } = each;
      return [{ balancer: server, kind: "haproxy", group, target, server: name, host, port, others: rest.length }];
    });
    const shared = groups.filter(({ peers }) => !isLocal(peers));
    const inNginx = shared.flatMap(({ name, peers }) =>
      peers.flatMap((peer): Placed[] => {
        const target = meant(targets, peer.host, server);
        if (!target) return [];
        const rest = peers.filter((other) => !other.down && meant(targets, other.host, server) === undefined);
        return [{ balancer: server, kind: "nginx", group: name, target, host: peer.host, port: peer.port, others: rest.length }];
      }),
    );
    return [...inHaproxy, ...inNginx];
  });
}

/** Throws a UserError where a balancer can't be told: a server that is out of some of them alone is not out. */
export function refuseBroken(balancers: readonly Balancer[]): void {
  for (const { server, broken } of balancers)
    if (broken !== undefined)
      throw new UserError(`${server}: expected nginx to take its own files, got: ${broken}; next: mend it there; nothing was changed`);
}

/** Throws a UserError where nobody would be left to answer. */
export function refuseLast(places: readonly Placed[]): void {
  const last = places.find(({ others, target }) => target.now === 0 && others === 0);
  if (!last) return;
  throw new UserError(
    `${last.target.name}: expected another server that answers for ${last.kind} ${last.group} on ${last.balancer}, got none; next: ${typed()} enable another one, or add --anyway`,
  );
}

export interface Shares {
  readonly targets: readonly Target[];
  /** Of servers that are not meant now, what the stack file says of them. */
  readonly shareOf: (balancer: string, host: string) => number;
}

/** What the stack file says of whoever a balancer knows by a name or an address; 100 where it says nothing. */
export const sharesBy =
  (servers: readonly FleetServer[], shares: Readonly<Record<string, number>>): Shares["shareOf"] =>
  (balancer, host) => {
    const server = servers.find((each) => hostsOf(each).includes(host)) ?? (host === "127.0.0.1" ? { name: balancer } : undefined);
    return server ? (shares[server.name] ?? 100) : 100;
  };

/** nginx' files as they are to be. Pure. */
export function nextFiles(
  { server, files }: Pick<Balancer, "server" | "files">,
  { targets, shareOf }: Shares,
): Readonly<Record<string, string>> {
  const before = ({ host }: Peer) => meant(targets, host, server)?.before ?? shareOf(server, host);
  const stays = (share: number) => (share === 100 ? undefined : share);
  const now = ({ host }: Peer) => meant(targets, host, server)?.now ?? stays(shareOf(server, host));
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, withShares(text, before, now)]));
}

/** Whether nothing is to be told to anybody. Pure. */
export function isSo(balancers: readonly Balancer[], places: readonly Placed[], shares: Shares): boolean {
  const isOut = (server: string, name: string) =>
    balancers.find((each) => each.server === server)?.haproxy.find((each) => each.name === name)?.out;
  return (
    shares.targets.every(({ before, now }) => before === now) &&
    balancers.every((each) => Object.entries(nextFiles(each, shares)).every(([path, text]) => each.files[path] === text)) &&
    places.every(({ kind, balancer, server, target }) => kind === "nginx" || isOut(balancer, server ?? "") === (target.now === 0))
  );
}

/** Tells one balancer. Throws an Error with its own words where it refuses, and is as it was then. */
export async function tell(balancer: Balancer, shell: Shell, shares: Shares, signal: AbortSignal): Promise<void> {
  const { targets } = shares;
  const orders = balancer.haproxy.flatMap((each) => {
    const target = haproxyTarget(targets, each, balancer.server);
    const usual = target && each.weight > 0 && target.before > 0 ? Math.round((each.weight * 100) / target.before) : each.weight || 100;
    return target ? [{ server: each, commands: haproxyCommands(each, target.now, usual) }] : [];
  });
  if (orders.length > 0) await done(shell, "haproxy", tellScript(orders), signal);
  const next = nextFiles(balancer, shares);
  const changes = Object.entries(balancer.files).flatMap(([path, was]) => {
    const content = next[path]!;
    return content === was ? [] : [{ path, was, content }];
  });
  if (changes.length > 0) await done(shell, "nginx", nginxScript(changes), signal);
}

async function done(shell: Shell, what: string, script: Parameters<Shell["run"]>[0], signal: AbortSignal): Promise<void> {
  const { code, stderr } = await shell.run(script, { signal, deadline: changeDeadline });
  if (code !== 0) throw new Error(`${what} refused it, and is as it was: ${stderr.trim().split("\n").slice(-3).join("; ")}`);
}

/** By address: what balances may know a server by its name, connections know none. */
export function peersOf(places: readonly Placed[]): readonly { readonly host: string; readonly port: number }[] {
  const isAddress = (host: string): boolean => /^[\d.]+$|:/.test(host);
  const all = places.flatMap(({ host, port, target }) =>
    [host, ...target.hosts].filter(isAddress).map((each) => [`${each} ${port}`, { host: each, port }] as const),
  );
  return [...new Map(all).values()];
}

/** What may still bring a request to a server that is out. */
export interface Left {
  /** From a balancer to the server. */
  readonly connections: number;
  /** nginx' from before a reload, which have a client yet: of this server, or of any other. */
  readonly workers: number;
}

/** Waits until a balancer sends nothing more to where it was told to send nothing. @returns what is left of it at `until` */
export async function ended(
  shell: Shell,
  places: readonly Placed[],
  { until, signal, onLeft = () => {} }: { until: number; signal: AbortSignal; onLeft?: (left: Left) => void },
): Promise<Left> {
  const script = leftScript(peersOf(places));
  const reloads = places.some(({ kind }) => kind === "nginx");
  for (;;) {
    const { stdout } = await shell.run(script, { signal, deadline });
    const [connections = 0, workers = 0] = stdout.toString("utf8").trim().split("\n").map(Number);
    const left = { connections, workers: reloads ? workers : 0 };
    onLeft(left);
    if (left.connections + left.workers === 0 || Date.now() >= until || signal.aborted) return left;
    await sleep(500, signal);
  }
}
