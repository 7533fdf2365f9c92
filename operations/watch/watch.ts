// The watch over one stack: looks at all its servers over kept connections, and goes along with what other runs make of the stack.
import type { Connection } from "../../provisioners/engine/shell.ts";
import type { Remembered } from "../../provisioners/provider/as-remembered.ts";
import { same } from "../../provisioners/provider/difference.ts";
import { sleep } from "../../provisioners/ssh/retry.ts";
import { isLocal, localMark, lockFiles } from "../../pulumi/state.ts";
import { type FleetServer, type FleetUp, fleetUp } from "../fleet-up.ts";
import { aroundIn, aroundName } from "./around.ts";
import { type AroundSeen, aimOf, refusals } from "./healing.ts";
import { begin, heal, isNews, judge, type Look, type Memory, type Sum, type WatchEvent } from "./rules.ts";
import { Sight } from "./sight.ts";

export interface WatchOptions {
  readonly stack: string;
  readonly attempts?: Memory["attempts"];
  /** Makes an up of these resources alone, by their URNs, or of all of the stack. Absent where nothing is to be healed. */
  readonly up?: (urns: readonly string[] | "all") => Promise<{ readonly code: number; readonly said: string }>;
  /** Its own way into the servers, in place of the fleet's. */
  readonly login?: Pick<Connection, "user" | "privateKey">;
  /** What `fleet preview --around --json` prints: asked where something stands around the servers. Throws an Error. */
  readonly around?: (signal: AbortSignal) => Promise<string>;
}

/** Milliseconds that a run which has just ended gets to write its state. */
const settleTime = 1_000;
/** Milliseconds between two looks at what stands around the servers: an engine's run. */
const aroundEvery = 45_000;
/** Milliseconds between two readings of a state that is kept elsewhere. */
const stateAge = 600_000;

export class Watch {
  readonly #options: WatchOptions;
  readonly #sight = new Sight();
  #fleet: FleetUp;
  #read: { readonly at: number; readonly mark: string };
  #memory: Memory;
  #around: (AroundSeen & { readonly at: number; readonly look: Look }) | undefined;

  private constructor(fleet: FleetUp, options: WatchOptions) {
    this.#fleet = fleet;
    this.#options = options;
    this.#memory = begin(options.attempts);
    this.#read = { at: Date.now(), mark: localMark(options.stack) };
  }

  /** Throws a UserError where nothing of the stack stands. */
  static async over(options: WatchOptions): Promise<Watch> {
    return new Watch(enteredBy(await fleetUp(options.stack), options.login), options);
  }

  get servers(): readonly FleetServer[] {
    return this.#fleet.servers;
  }
  get fleet(): FleetUp {
    return this.#fleet;
  }
  get memory(): Memory {
    return this.#memory;
  }
  get sum(): Sum {
    return this.#memory.sum;
  }
  /** Nothing differs, and every server was seen. */
  get isRight(): boolean {
    return Object.keys(this.#memory.differing).length === 0 && Object.keys(this.#memory.off).length === 0;
  }

  /** One look at all, and what comes of it, told as it is known. Throws a UserError once nothing of the stack stands any more. */
  async round(signal: AbortSignal, tell: (events: readonly WatchEvent[]) => Promise<void>): Promise<void> {
    this.#sight.next();
    const late = Date.now() - this.#read.at > stateAge && !isLocal();
    if (late || localMark(this.#options.stack) !== this.#read.mark) await this.#reread();
    const looks = await this.#sure(await this.#lookAt(this.servers, signal), signal);
    if (signal.aborted) return;
    await tell(this.#judge(looks));
    if (this.#options.up) await tell(await this.#heal(looks, signal));
  }

  #judge(looks: readonly Look[]): readonly WatchEvent[] {
    const { memory, events } = judge(this.#memory, looks, Date.now());
    this.#memory = memory;
    return events;
  }

  /** What is new may be somebody's work under way, or what an up has just made: it is told once neither can be. */
  async #sure(looks: readonly Look[], signal: AbortSignal): Promise<readonly Look[]> {
    const news = looks.filter((look) => isNews(this.#memory, look));
    if (news.length === 0) return looks;
    const seen = this.servers.filter(({ name }) => news.some(({ server, state }) => server === name && state === "seen"));
    const busy = new Map(await Promise.all(seen.map(async (server) => [server.name, await this.#sight.busy(server, signal)] as const)));
    await sleep(settleTime, signal).catch(() => {});
    const changed = await this.#reread();
    if (changed) this.#around = undefined;
    const again = changed ? await this.#lookAt(this.servers, signal) : looks;
    return again.map((look) => {
      const why = busy.get(look.server);
      return why === undefined ? look : { ...look, state: "busy", why };
    });
  }

  async #lookAt(servers: readonly FleetServer[], signal: AbortSignal, around = true): Promise<readonly Look[]> {
    const looks = servers.map(async (server) => [await this.#sight.look(server, server.name in this.#memory.off, signal)]);
    return (await Promise.all([...looks, around ? this.#lookAround(signal) : []])).flat();
  }

  /** Not while somebody's run is at the stack: what differs then is its work. */
  async #lookAround(signal: AbortSignal): Promise<readonly Look[]> {
    const { around } = this.#options;
    const known = this.#fleet.around;
    if (!around || known.length === 0) return [];
    if (this.#around && Date.now() - this.#around.at < aroundEvery) return [this.#around.look];
    const at = Date.now();
    if (isLocal() && lockFiles(this.#options.stack).length > 0)
      return [{ server: aroundName, state: "busy", why: "a run is at the stack", differences: [] }];
    try {
      const { differences, planned } = aroundIn(await around(signal), known);
      this.#around = { at, planned, look: { server: aroundName, state: "seen", differences } };
    } catch (error) {
      const why = `could not be looked at: ${(error as Error).message}`;
      this.#around = { at, planned: [], look: { server: aroundName, state: "off", why, differences: [] } };
    }
    return [this.#around.look];
  }

  /** @returns whether the stack is another one now */
  async #reread(): Promise<boolean> {
    this.#read = { at: Date.now(), mark: localMark(this.#options.stack) };
    const fleet = enteredBy(await fleetUp(this.#options.stack), this.#options.login);
    const changed = !same(plain(fleet), plain(this.#fleet));
    this.#fleet = fleet;
    if (!changed) return false;
    // By other passwords or addresses, perhaps.
    this.#sight.anew();
    return true;
  }

  async #heal(looks: readonly Look[], signal: AbortSignal): Promise<readonly WatchEvent[]> {
    if (looks.every(({ differences }) => differences.length === 0)) return [];
    const around = this.#around;
    const refused = refusals(this.#fleet, around);
    const { memory, roles, events } = heal(this.#memory, looks, refused, Date.now());
    this.#memory = memory;
    const aim = aimOf(this.#fleet, roles, { around, refused });
    if (aim === undefined) return events;
    const healed = new Set(roles.map(({ server }) => server));
    const { code, said } = await this.#options.up!(aim);
    if (signal.aborted) return events;
    await this.#reread();
    const isAround = healed.has(aroundName);
    if (isAround) this.#around = undefined;
    const asked = this.servers.filter(({ name }) => healed.has(name));
    const fresh = await this.#lookAt(asked, signal, isAround);
    // Servers that were not asked again are as they were.
    const rest = looks.filter(({ server }) => !fresh.some((each) => each.server === server));
    const after = this.#judge([...rest, ...fresh]);
    const problem: WatchEvent = { kind: "problem", server: [...healed].join(","), what: `the up ended with ${code}: ${said}` };
    return [...events, ...(code === 0 ? [] : [problem]), ...after];
  }

  async close(): Promise<void> {
    await this.#sight.close();
  }
}

/** Its looks go by this login; what they are compared with does, too. */
function enteredBy(fleet: FleetUp, login: WatchOptions["login"]): FleetUp {
  if (login === undefined) return fleet;
  const entered = ({ password: _, sudoPassword: __, ...connection }: Connection): Connection => ({ ...connection, ...login });
  const moved = (properties: Remembered["inputs"]): Remembered["inputs"] =>
    properties.connection === undefined
      ? properties
      : { ...properties, connection: entered(properties.connection as unknown as Connection) as unknown as typeof properties };
  const servers = fleet.servers.map((server) => ({
    ...server,
    connection: entered(server.connection),
    remembered: server.remembered.map((each) => ({ ...each, inputs: moved(each.inputs), outputs: moved(each.outputs) })),
  }));
  return { ...fleet, servers };
}

const plain = ({ servers }: FleetUp): unknown =>
  JSON.parse(JSON.stringify(servers.map(({ connection, remembered }) => ({ connection, remembered }))));
