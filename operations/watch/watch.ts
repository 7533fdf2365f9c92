// The watch over one stack: looks at all its servers over kept connections, and goes along with what other runs make of the stack.
import { randomUUID } from "node:crypto";
import { completeFacts, type Facts } from "../../provisioners/engine/facts.ts";
import { type Connection, HostError, sentenceOf } from "../../provisioners/engine/shell.ts";
import { expandRole, rolesOf } from "../../provisioners/expand.ts";
import { Comparison, type Remembered } from "../../provisioners/provider/as-remembered.ts";
import { same } from "../../provisioners/provider/difference.ts";
import { sleep } from "../../provisioners/ssh/retry.ts";
import { planOf } from "../../provisioners/stack.ts";
import { isLocal, localMark, lockFiles } from "../../pulumi/state.ts";
import { isUserError } from "../../spec/problem.ts";
import { type FleetServer, type FleetUp, fleetUp } from "../fleet-up.ts";
import { lookAt } from "../look/look.ts";
import { aroundIn, aroundName, urnOf } from "./around.ts";
import { healthRole, unwell } from "./health.ts";
import { begin, heal, isNews, judge, type Look, type Memory, type Sum, type WatchEvent } from "./rules.ts";

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

/** Milliseconds for one server's look. */
const deadline = 20_000;
/** Milliseconds that a run which has just ended gets to write its state. */
const settleTime = 1_000;
/** Milliseconds between two looks at what stands around the servers: an engine's run. */
const aroundEvery = 45_000;
/** Milliseconds between two readings of a state that is kept elsewhere. */
const stateAge = 600_000;

export class Watch {
  readonly #options: WatchOptions;
  readonly #run = randomUUID();
  #fleet: FleetUp;
  #read = { at: Date.now(), mark: "" };
  #comparison = new Comparison();
  #memory: Memory;
  #stuck = false;
  #around: { readonly at: number; readonly look: Look; readonly planned: readonly string[] } | undefined;

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
    if (this.#stuck) this.#anew();
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
    const busy = new Map(
      await Promise.all(
        news.map(
          async ({ server, state }) =>
            [server, state === "seen" && server !== aroundName ? await this.#busy(server, signal) : undefined] as const,
        ),
      ),
    );
    await sleep(settleTime, signal).catch(() => {});
    const changed = await this.#reread();
    if (changed) this.#around = undefined;
    const again = changed ? await this.#lookAt(this.servers, signal) : looks;
    return again.map((look) => {
      const why = busy.get(look.server);
      return why === undefined ? look : { ...look, state: "busy", why };
    });
  }

  async #busy(name: string, signal: AbortSignal): Promise<string | undefined> {
    const { connection } = this.servers.find((each) => each.name === name)!;
    return await this.#inTime(name, signal, (late) => this.#comparison.busy(connection, this.#run, late)).catch(() => undefined);
  }

  async #lookAt(servers: readonly FleetServer[], signal: AbortSignal, around = true): Promise<readonly Look[]> {
    const looks = servers.map(async (server) => [await this.#lookAtOne(server, signal)]);
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

  async #lookAtOne(server: FleetServer, signal: AbortSignal): Promise<Look> {
    const { name, connection, remembered } = server;
    const look = async (): Promise<Look> => ({
      server: name,
      state: "seen",
      differences: await this.#inTime(name, signal, async (late) => {
        const differing = await this.#comparison.look(connection, remembered, late);
        return [...differing, ...unwell(name, await lookAt(server, await this.#comparison.shell(connection, late), late))];
      }),
    });
    // A connection that broke since the last look is no server that is off.
    const again = (error: unknown) =>
      error instanceof HostError && error.fault !== "timeout" && !(name in this.#memory.off) && !signal.aborted;
    try {
      return await look().catch((error: unknown) => (again(error) ? look() : Promise.reject(error)));
    } catch (error) {
      const why = sentenceOf(error as Error);
      return { server: name, state: "off", why, differences: [] };
    }
  }

  /** A server that keeps its connection and says nothing holds up no look at the others; the next round's connections are new ones. */
  async #inTime<T>(name: string, signal: AbortSignal, work: (late: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#stuck = true;
      const error = new HostError(name, "timeout", `no answer within ${deadline / 1000} s, over a connection that stands`);
      controller.abort(error);
      reject(error);
    }, deadline);
    const end = () => reject(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    try {
      return await Promise.race([work(AbortSignal.any([signal, controller.signal])), promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }

  /** Nobody waits for an end that a stuck server may not take. */
  #anew(): void {
    void this.#comparison.close().catch(() => {});
    this.#comparison = new Comparison();
    this.#stuck = false;
  }

  /** @returns whether the stack is another one now */
  async #reread(): Promise<boolean> {
    this.#read = { at: Date.now(), mark: localMark(this.#options.stack) };
    const fleet = enteredBy(await fleetUp(this.#options.stack), this.#options.login);
    const changed = !same(plain(fleet), plain(this.#fleet));
    this.#fleet = fleet;
    if (!changed) return false;
    // By other passwords or addresses, perhaps.
    this.#anew();
    return true;
  }

  async #heal(looks: readonly Look[], signal: AbortSignal): Promise<readonly WatchEvent[]> {
    if (looks.every(({ differences }) => differences.length === 0)) return [];
    const { memory, roles, events } = heal(this.#memory, looks, this.#refusals(), Date.now());
    this.#memory = memory;
    if (roles.length === 0) return events;
    const servers = this.servers.filter(({ name }) => roles.some(({ server }) => server === name));
    const urns = roles.flatMap(({ server, role }) => this.#urnOf(server, role) ?? []);
    if (urns.length === 0) return events;
    const { code, said } = await this.#options.up!(this.#isAllNeeded(urns) ? "all" : urns);
    if (signal.aborted) return events;
    await this.#reread();
    const isAround = roles.some(({ server }) => server === aroundName);
    if (isAround) this.#around = undefined;
    const fresh = await this.#lookAt(
      this.servers.filter(({ name }) => servers.some((each) => each.name === name)),
      signal,
      isAround,
    );
    // Servers that were not asked again are as they were.
    const rest = looks.filter(({ server }) => !fresh.some((each) => each.server === server));
    const after = this.#judge([...rest, ...fresh]);
    const failed: readonly WatchEvent[] =
      code === 0
        ? []
        : [
            {
              kind: "problem",
              server: [...new Set(roles.map(({ server }) => server))].join(","),
              what: `the up ended with ${code}: ${said}`,
            },
          ];
    return [...events, ...failed, ...after];
  }

  /** A server that was off comes back under another address, which all of it goes by; so where nothing else is open, all of the stack is put right. */
  #isAllNeeded(urns: readonly string[]): boolean {
    if (!urns.some((urn) => urn.includes("$fleet:index:InstancePower::"))) return false;
    const refused = this.#refusals();
    return this.servers.every(({ name, roles }) => roles.every((role) => refused({ server: name, role }) === undefined));
  }

  #urnOf(name: string, role: string): string | undefined {
    if (name === aroundName) {
      const difference = this.#around?.look.differences.find((each) => each.role === role);
      return difference && urnOf(`${difference.resource} ${role}`, this.#fleet.around);
    }
    const server = this.servers.find((each) => each.name === name);
    return server?.remembered.find(({ inputs }) => inputs.role === role)?.urn;
  }

  /** An up that would do more than put back what the last one left is somebody's to type. */
  #refusals(): (role: { readonly server: string; readonly role: string }) => string | undefined {
    const { stack } = this.#options;
    const open = `stacks/Pulumi.${stack}.yaml or its files want something else than the last up left; next: ./fleet up ${stack}`;
    try {
      const plan = planOf(stack);
      return ({ server: name, role }) => {
        if (role === healthRole) return "no up puts that right";
        if (name === aroundName) return this.#around?.planned.includes(role) ? open : undefined;
        const planned = plan.servers.find((each) => each.name === name);
        const up = this.servers.find((each) => each.name === name);
        const facts = completeFacts((up?.facts ?? {}) as Partial<Facts>);
        const wants = planned && facts && rolesOf(planned).includes(role) ? expandRole(plan, planned, role, facts) : undefined;
        return same(wants, up?.wants[role]) ? undefined : open;
      };
    } catch (error) {
      if (!isUserError(error)) throw error;
      return () => `the stack has problems (${error.message.split("\n")[0]}); next: ./fleet check ${stack}`;
    }
  }

  async close(): Promise<void> {
    await this.#comparison.close();
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

/** Another one where the state was written since. Undefined ones, of states that are kept elsewhere, are all the same. */
