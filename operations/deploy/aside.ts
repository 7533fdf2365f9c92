// A server is out of what balances over it while it has its turn, and in again: no request meets a service that starts. nginx would send nothing
// for seconds to one that it found away, and has nobody left once the next one restarts.
import { type HostError, isUnreachable, type Shell } from "../../provisioners/engine/shell.ts";
import { type Balancer, balancerOn, balancersOn, ended, hostsOf, type Placed, placesOf, sharesBy, tell } from "../balance/drain.ts";
import type { FleetServer } from "../fleet-up.ts";
import type { OpenServers } from "../on-servers.ts";

export interface AsideOptions {
  /** All of the stack: any may balance. */
  readonly servers: readonly FleetServer[];
  /** By server, in per cent, as the stack file has them; 100 where nothing is said. */
  readonly shares: Readonly<Record<string, number>>;
  readonly onLine: (server: string, line: string) => void;
}

/** Milliseconds for its open requests to end, and for those that clients have begun to send. A stream never does. */
const patience = 10_000;

export class Aside {
  readonly #options: AsideOptions;
  /** By server, where it stands beside others. */
  readonly #places: Readonly<Record<string, readonly Placed[]>>;
  /** By server, why it does not answer: nothing balances there, and nobody else is left to it. */
  readonly silent: ReadonlyMap<string, HostError>;

  private constructor(options: AsideOptions, places: Readonly<Record<string, readonly Placed[]>>, silent: Aside["silent"]) {
    this.#options = options;
    this.#places = places;
    this.silent = silent;
  }

  /** Looks for what balances over `chosen`. Whoever can't be asked, or takes no change, is left as it is. */
  static async over(open: OpenServers, chosen: readonly FleetServer[], options: AsideOptions): Promise<Aside> {
    const outcomes = await balancersOn(open, options.servers);
    const balancers = outcomes.flatMap((each) => ("value" in each && each.value.broken === undefined ? [each.value] : []));
    const silent = new Map(outcomes.flatMap((each) => ("error" in each && isUnreachable(each.error) ? [[each.server, each.error]] : [])));
    const off = options.servers.filter(({ name }) => silent.has(name));
    const answering = chosen.filter(({ name }) => !silent.has(name));
    const places = answering.map((server) => [server.name, placesBeside(balancers, server, options.shares, off)] as const);
    return new Aside(options, Object.fromEntries(places), silent);
  }

  /** Who is told. */
  get balancers(): readonly FleetServer[] {
    const names = new Set(Object.values(this.#places).flatMap((places) => places.map(({ balancer }) => balancer)));
    return this.#options.servers.filter(({ name }) => names.has(name));
  }

  async out(server: FleetServer, shells: ReadonlyMap<string, { readonly shell: Shell }>, signal: AbortSignal): Promise<void> {
    if (!(await this.#tell(server, shells, "out"))) return;
    const until = Date.now() + patience;
    for (const [balancer, places] of Map.groupBy(this.#places[server.name]!, (each) => each.balancer))
      await ended(shells.get(balancer)!.shell, places, { until, signal });
  }

  /** Also after our own end: nobody stays out for it. */
  async in(server: FleetServer, shells: ReadonlyMap<string, { readonly shell: Shell }>): Promise<void> {
    await this.#tell(server, shells, "in");
  }

  /** @returns whether any was told */
  async #tell(server: FleetServer, shells: ReadonlyMap<string, { readonly shell: Shell }>, way: "out" | "in"): Promise<boolean> {
    const { shares, onLine, servers } = this.#options;
    const places = this.#places[server.name] ?? [];
    if (places.length === 0) return false;
    const usual = shares[server.name] ?? 100;
    const [before, now] = way === "out" ? [usual, 0] : [0, usual];
    const target = { name: server.name, hosts: hostsOf(server), before, now };
    const names = new Set(places.map(({ balancer }) => balancer));
    try {
      // Not ours: whoever is told half stays out. Each step ends by its own deadline.
      const { signal } = new AbortController();
      // As it is now: the turn before has changed it, too.
      for (const name of names) {
        const { shell } = shells.get(name)!;
        await tell(await balancerOn(name, shell, signal), shell, { targets: [target], shareOf: sharesBy(servers, shares) }, signal);
      }
      onLine(server.name, `${way} of ${[...names].join(", ")}`.replace("in of", "in again on"));
      return true;
    } catch (error) {
      onLine(server.name, `not taken ${way}: ${(error as Error).message}`);
      return false;
    }
  }
}

/** Pure. Where the server stands with others that answer meanwhile, which those that are off do not; one that is out already stays so. */
export function placesBeside(
  balancers: readonly Balancer[],
  server: FleetServer,
  shares: Readonly<Record<string, number>>,
  off: readonly FleetServer[] = [],
): readonly Placed[] {
  const before = shares[server.name] ?? 100;
  if (before === 0) return [];
  const targets = [server, ...off].map((each) => ({ name: each.name, hosts: hostsOf(each), before, now: 0 }));
  const places = placesOf(balancers, targets).filter(({ target }) => target.name === server.name);
  // A balancer is told as a whole.
  const alone = new Set(places.filter(({ others }) => others === 0).map(({ balancer }) => balancer));
  return places.filter(({ balancer }) => !alone.has(balancer));
}
