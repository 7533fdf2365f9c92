// Code onto the servers of a stack that is up: looked at and fetched on all of them at once, switched on one after the other, all under their locks.
import { HostError, type LockingShell, type Shell } from "../../provisioners/engine/shell.ts";
import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { changes } from "../../pulumi/interruption.ts";
import { UserError } from "../../spec/problem.ts";
import type { FleetServer } from "../fleet-up.ts";
import { Barrier } from "../measure/run/barrier.ts";
import { OpenServers, type Outcome, throwFailed } from "../on-servers.ts";
import { operator } from "../operator.ts";
import { Aside, type AsideOptions } from "./aside.ts";
import { type Looked, refuseOutrun, refuseUnfit, rollbackTarget, targetOf } from "./decide.ts";
import type { LocalRepository } from "./local.ts";
import { type Once, runOnce } from "./once.ts";
import type { Place } from "./places.ts";
import { type Deployed, isCommit, short, subjectIn } from "./records.ts";
import { type CheckoutSeen, checkoutIn, lookScript, receiveScript, recordScript } from "./scripts.ts";
import type { DeploySettings } from "./settings.ts";
import { take } from "./turn.ts";
import { answering, leftBehind, withSilent } from "./without.ts";

export type Wish =
  /** Of the team's repository. */
  | { readonly what: "deploy"; readonly ref: string }
  /** Of a clone here. */
  | { readonly what: "deploy"; readonly ref: string; readonly from: LocalRepository; readonly commit: string }
  | { readonly what: "rollback"; readonly steps: number };

export interface DeployOptions extends Omit<AsideOptions, "onLine"> {
  readonly stack: string;
  readonly health?: string;
  readonly patience?: number;
  /** Run once, by a deploy: a rollback knows no way back of a migration. */
  readonly once?: Pick<DeploySettings, "before" | "after" | "environmentFile">;
  /** Why it is to be done although something speaks against it. */
  readonly anyway?: string;
  readonly onLine: (server: string, line: string) => void;
  readonly onOutput: (server: string, line: string) => void;
  /** What is known before anything is changed, and which servers it goes to. */
  readonly onTarget: (target: Target, servers: readonly string[]) => void;
}

export interface Target {
  readonly commit: string;
  readonly subject: string;
  /** As it was asked for. */
  readonly ref: string;
}

export interface Told {
  readonly server: string;
  readonly before?: string;
  /** `back`: what ran before runs again. `broken`: not even that. `not-begun`: another server's failure came before. `unreachable`: untouched. */
  readonly result: "deployed" | "unchanged" | "back" | "broken" | "interrupted" | "unknown" | "not-begun" | "unreachable";
  readonly seconds: number;
  readonly reason?: string;
}

export interface Done {
  readonly target: Target;
  readonly servers: readonly Told[];
  /** By server, the ref under which the stack finds what runs now. */
  readonly refs: Readonly<Record<string, string>>;
}

interface Ready {
  readonly target: Target;
  readonly looked: readonly Looked[];
}

/** Throws a UserError where it is refused, a HostError where no server could be reached; nothing was changed then. */
export async function deploy(chosen: readonly Place[], wish: Wish, options: DeployOptions): Promise<Done> {
  const open = new OpenServers();
  try {
    const { aside, beside } = await asideOf(open, chosen, options);
    const places = answering(chosen, aside.silent);
    for (const [server, sentence] of leftBehind(chosen, aside.silent)) options.onLine(server, sentence);
    return withSilent(await bring(places, wish, { open, aside, beside }, options), chosen, aside.silent);
  } finally {
    await open.close();
  }
}

interface Ground {
  readonly open: OpenServers;
  readonly aside: Aside;
  readonly beside: readonly FleetServer[];
}

async function bring(places: readonly Place[], wish: Wish, { open, aside, beside }: Ground, options: DeployOptions): Promise<Done> {
  const seen = new Map<string, CheckoutSeen>();
  const shells = new Map<string, { readonly shell: Shell; readonly signal: AbortSignal }>();
  const count = places.length + beside.length;
  const decided = new Barrier(count, async () => decide(places, seen, wish, options));
  const switched = new Barrier(count, async () => await inTurn(await decided.over, wish, { shells, aside }, options));
  const one = async (server: FleetServer, shell: LockingShell, signal: AbortSignal): Promise<void> => {
    const place = places.find((each) => each.server === server);
    if (place) seen.set(server.name, await lookAt(place, shell, wish, signal));
    shells.set(server.name, { shell, signal });
    decided.arrive();
    const { target, looked } = await decided.over;
    if (place && "from" in wish) await send(place, shell, { repository: wish.from, target, looked }, signal);
    switched.arrive();
    await switched.over;
  };
  const fail = (outcome: Outcome<unknown>) => {
    if (!("error" in outcome)) return;
    decided.fail(outcome.error);
    switched.fail(outcome.error);
  };
  const outcomes = await open.each([...places.map(({ server }) => server), ...beside], one, {
    change: `${wish.what}${"ref" in wish ? ` of ${wish.ref}` : ""}`,
    onWait: options.onLine,
    onOutcome: fail,
  });
  throwFailed(outcomes);
  return await switched.over;
}

/** Who balances, and is no place itself, is held as well. */
async function asideOf(open: OpenServers, places: readonly Place[], { servers, shares, onLine }: DeployOptions) {
  const chosen = places.map(({ server }) => server);
  const aside = await Aside.over(open, chosen, { servers, shares, onLine });
  return { aside, beside: aside.balancers.filter((each) => !chosen.includes(each)) };
}

const askedFor = (wish: Wish): string => (wish.what === "rollback" ? "" : "from" in wish ? wish.commit : wish.ref);

async function lookAt(place: Place, shell: Shell, wish: Wish, signal: AbortSignal): Promise<CheckoutSeen> {
  const fetches = wish.what === "deploy" && !("from" in wish);
  const { code, stdout, stderr } = await shell.run(lookScript(place.git, askedFor(wish), fetches), {
    signal,
    onAbort: "end",
    deadline: 120_000,
  });
  signal.throwIfAborted();
  if (code !== 0)
    throw new UserError(`${place.server.name}: ${place.git.path} could not be looked at: ${stderr.trim() || `exit code ${code}`}`);
  return checkoutIn(stdout.toString("utf8"));
}

function decide(places: readonly Place[], seen: ReadonlyMap<string, CheckoutSeen>, wish: Wish, options: DeployOptions): Ready {
  const looked = refuseUnfit(
    places.map((place) => ({ place, seen: seen.get(place.server.name)! })),
    options.stack,
  );
  const target = targetFor(looked, wish, options.stack);
  if (wish.what === "deploy" && options.anyway === undefined) {
    const lost = looked.map(({ place, seen: { head, source = head, lost: there } }) => {
      const local = "from" in wish ? (wish.from.has(source) ? wish.from.lost(source, target.commit) : undefined) : there;
      return { server: place.server.name, lost: local };
    });
    refuseOutrun(lost, wish.ref);
  }
  options.onTarget(
    target,
    places.map(({ server }) => server.name),
  );
  changes();
  return { target, looked };
}

function targetFor(looked: readonly Looked[], wish: Wish, stack: string): Target {
  if (wish.what === "rollback") {
    const commit = rollbackTarget(looked, wish.steps);
    const records = looked.flatMap(({ seen }) => seen.records);
    return { commit, subject: subjectIn(records, commit), ref: commit };
  }
  if ("from" in wish) return { commit: wish.commit, subject: wish.from.subject(wish.commit), ref: wish.ref };
  return { ...targetOf(looked, wish.ref, stack), ref: wish.ref };
}

interface Sending {
  readonly repository: LocalRepository;
  readonly target: Target;
  readonly looked: readonly Looked[];
}

/** Where it has all of it already, the pack is empty. */
async function send(place: Place, shell: Shell, { repository, target, looked }: Sending, signal: AbortSignal): Promise<void> {
  const there = looked.find((each) => each.place === place)!.seen;
  if (there.target === target.commit) return;
  const pack = repository.pack(target.commit, [there.head, ...there.records.map(({ commit }) => commit)]);
  await ran(shell, place, receiveScript(place.git, target.commit, pack), signal);
}

async function ran(shell: Shell, place: Place, script: Command, signal?: AbortSignal): Promise<void> {
  const { code, stdout, stderr } = await shell.run(script, { deadline: 600_000, ...(signal && { signal, onAbort: "end" as const }) });
  signal?.throwIfAborted();
  if (code === 0) return;
  throw new UserError(`${place.server.name}: ${place.git.path}: ${`${stdout.toString("utf8")}${stderr}`.trim() || `exit code ${code}`}`);
}

interface Means {
  readonly shells: ReadonlyMap<string, { readonly shell: Shell; readonly signal: AbortSignal }>;
  readonly aside: Aside;
}

/** One after the other: those that are not at it answer. The first that does not take it is the last, and all go back. */
async function inTurn({ target, looked }: Ready, wish: Wish, { shells, aside }: Means, options: DeployOptions): Promise<Done> {
  const told = new Map<string, Told>();
  const done: Looked[] = [];
  let failure: string | undefined;
  const away = async (each: Looked, turn: (turn: Turn) => Promise<Told>): Promise<Told> => {
    const { server } = each.place;
    const { shell, signal } = shells.get(server.name)!;
    const alike = each.seen.head === target.commit;
    if (!alike) await aside.out(server, shells, signal);
    try {
      return await turn(new Turn(each, shell, signal, options));
    } finally {
      if (!alike) await aside.in(server, shells);
    }
  };
  const anew = looked.some(({ seen }) => seen.head !== target.commit);
  const once = async (name: Once["name"]): Promise<string | undefined> => {
    const command = options.once?.[name];
    if (command === undefined || wish.what === "rollback" || !anew || failure !== undefined) return undefined;
    const { place } = looked[0]!;
    const { shell, signal } = shells.get(place.server.name)!;
    const { environmentFile } = options.once!;
    const of = { name, command, commit: target.commit, ...(environmentFile !== undefined && { environmentFile }) };
    const why = await runOnce(place, shell, of, {
      ...{ signal, onLine: (line) => options.onLine(place.server.name, line) },
      onOutput: (line) => options.onOutput(place.server.name, line),
    });
    return why === undefined ? undefined : `${place.server.name}: ${why}`;
  };
  const stopped = () => [...shells.values()].some(({ signal }) => signal.aborted);
  /** All have the commit by then: our own end leaves it with them, so that the stack file says so too. */
  const after = async (): Promise<string | undefined> => {
    try {
      return stopped() ? undefined : await once("after");
    } catch (error) {
      return stopped() ? undefined : (error as Error).message;
    }
  };
  failure = await once("before");
  const unbegun = failure;
  for (const each of looked) {
    const name = each.place.server.name;
    if (failure !== undefined || shells.get(name)!.signal.aborted) {
      told.set(name, { server: name, before: each.seen.head, result: "not-begun", seconds: 0 });
      continue;
    }
    const result = await away(each, (turn) => turn.forward(target, wish.what));
    told.set(name, result);
    if (result.result === "deployed") done.push(each);
    if (result.reason !== undefined) failure = `${name}: ${result.reason.split("\n")[0]}`;
  }
  failure ??= await after();
  if (failure !== undefined)
    for (const each of done.toReversed())
      told.set(each.place.server.name, await away(each, (turn) => turn.back(target, wish.what, `${failure}`)));
  const [first] = looked;
  if (unbegun !== undefined) told.set(first!.place.server.name, { ...told.get(first!.place.server.name)!, reason: unbegun });
  const servers = looked.map(({ place }) => told.get(place.server.name)!);
  return {
    target,
    servers,
    refs: refsAfter(looked, servers, { ...target, named: "ref" in wish && !("from" in wish) && !isCommit(wish.ref) }),
  };
}

/** Of these nobody says what runs. */
const unsure: ReadonlySet<Told["result"]> = new Set(["unknown", "broken", "interrupted"]);

/**
 * Pure. A commit that went back must not come again with the next up: what runs is what it finds. Where nothing was touched, nothing is said.
 * A stack that was pinned follows a name again once one is deployed.
 */
export function refsAfter(
  looked: readonly Looked[],
  servers: readonly Told[],
  { commit, ref, named }: Pick<Target, "commit" | "ref"> & { readonly named: boolean },
): Done["refs"] {
  if (servers.every(({ result }) => unsure.has(result) || result === "not-begun")) return {};
  const rows = looked.flatMap(({ place, seen }, index) => {
    const { server, result } = servers[index]!;
    if (unsure.has(result)) return [];
    const runs = result === "deployed" || result === "unchanged" ? commit : seen.head;
    if (named && runs === commit && isCommit(place.git.ref)) return [[server, ref] as const];
    return [[server, seen.follows === runs ? place.git.ref : runs] as const];
  });
  return Object.fromEntries(rows);
}

/** Forward on one server, and back. */
class Turn {
  readonly #looked: Looked;
  readonly #shell: Shell;
  readonly #signal: AbortSignal;
  readonly #options: DeployOptions;
  readonly #begun = performance.now();

  constructor(looked: Looked, shell: Shell, signal: AbortSignal, options: DeployOptions) {
    this.#looked = looked;
    this.#shell = shell;
    this.#signal = signal;
    this.#options = options;
  }

  get #name(): string {
    return this.#looked.place.server.name;
  }

  #told(result: Told["result"], reason?: string): Told {
    const seconds = Math.round((performance.now() - this.#begun) / 100) / 10;
    return { server: this.#name, before: this.#looked.seen.head, result, seconds, ...(reason !== undefined && { reason }) };
  }

  #take(commit: string): Promise<readonly string[]> {
    const { health, patience, onLine, onOutput } = this.#options;
    return take(this.#looked.place, this.#shell, commit, {
      ...(health !== undefined && { health }),
      ...(patience !== undefined && { patience }),
      ...{ signal: this.#signal, onLine: (line) => onLine(this.#name, line), onOutput: (line) => onOutput(this.#name, line) },
    });
  }

  /** Whoever shows it names the server. */
  #why(error: unknown): string {
    return error instanceof HostError && error.host === this.#name ? error.sentence : (error as Error).message;
  }

  async #record(target: Target, what: Deployed["what"], result: Deployed["result"]): Promise<void> {
    const { place, seen } = this.#looked;
    const { anyway } = this.#options;
    const of = { ...target, what, before: seen.head, beforeSubject: seen.runs, result, ...(anyway !== undefined && { anyway }) };
    await ran(this.#shell, place, recordScript(place.git, { at: new Date().toISOString(), who: operator(), ...of }));
  }

  async forward(target: Target, what: Deployed["what"]): Promise<Told> {
    try {
      const failed = await this.#take(target.commit);
      if (failed.length > 0) return await this.back(target, what, failed.join("\n"));
      if (this.#looked.seen.head === target.commit) return this.#told("unchanged");
      await this.#record(target, what, "done");
      return this.#told("deployed");
    } catch (error) {
      if (this.#signal.aborted) return this.#told("interrupted");
      return this.#told("unknown", this.#why(error));
    }
  }

  /** To what ran before. */
  async back(target: Target, what: Deployed["what"], why: string): Promise<Told> {
    const { head } = this.#looked.seen;
    try {
      this.#options.onLine(this.#name, `goes back to ${short(head)}`);
      const failed = await this.#take(head);
      if (failed.length > 0) return this.#told("broken", `${why}\nand back at ${short(head)} on ${this.#name}:\n${failed.join("\n")}`);
      if (head !== target.commit) await this.#record(target, what, "back");
      return this.#told("back", why);
    } catch (error) {
      return this.#told("unknown", `${why}\n${(error as Error).message}`);
    }
  }
}
