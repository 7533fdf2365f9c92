// A role to another server: looked at, planned and shown; done step by step; taken back, now or later.

import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { completeFacts, type Facts } from "../../provisioners/engine/facts.ts";
import type { LateValues } from "../../provisioners/engine/placeholders.ts";
import type { HostError } from "../../provisioners/engine/shell.ts";
import { Secret } from "../../provisioners/engine/shell-quote.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import type { Holdings, Move } from "../../provisioners/roles/move.ts";
import { planOf, planOfDraft } from "../../provisioners/stack.ts";
import { changes } from "../../pulumi/interruption.ts";
import { UserError, UserFacingError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { type FleetUp, fleetUp } from "../fleet-up.ts";
import { OpenServers } from "../on-servers.ts";
import { operator } from "../operator.ts";
import { stackFileOf, stackTextOf } from "../stack-file.ts";
import { editsOf, serverIn, unitsOf, type Wish } from "./edits.ts";
import { draftOf, fileRecord, filesBack, refuseEdited, takenBack, writeAfter, writeBefore } from "./here.ts";
import { asked, bondsOn, heldOn, refuseClosed, told, treesOn } from "./look.ts";
import { endScripts, forgetScript, keptFolder, readScript, recordsIn, type SplitRecord } from "./record.ts";
import {
  moveIn,
  moveOf,
  notBefore,
  refuseAlive,
  refuseCut,
  refuseGuarded,
  refuseOutrun,
  refuseReplacing,
  refuseSpace,
  refuseUnbalanced,
} from "./refuse.ts";
import { changedLines, type Rewritten } from "./rewrite.ts";
import { Runner, type RunnerOptions, SplitFailed, type Times } from "./runner.ts";
import { changedRoles, checksScript, forgetTrees, type Step, type StepGround, stepsOf } from "./steps.ts";

/** What is about to be done. Nothing has been changed yet. */
export interface SplitPlan {
  readonly record: SplitRecord;
  readonly steps: readonly Step[];
  readonly ground: StepGround;
  readonly fleet: FleetUp;
  /** By file, what changes in it. */
  readonly changes: readonly { readonly server: string; readonly path: string; readonly lines: readonly Rewritten[] }[];
  readonly notes: readonly string[];
}

interface PlanOptions {
  readonly health?: string;
  /** Also where its checks do not hold before, or nobody names it. */
  readonly anyway?: boolean;
}

export class Splits {
  readonly #open = new OpenServers();
  readonly #stack: string;
  #fleet: FleetUp | undefined;
  /** Who did not answer when all were asked for records, and why. */
  #silent: ReadonlyMap<string, HostError> = new Map();

  constructor(stack: string) {
    this.#stack = stack;
  }

  close = (): Promise<void> => this.#open.close();

  async fleet(): Promise<FleetUp> {
    this.#fleet ??= await fleetUp(this.#stack);
    return this.#fleet;
  }

  /** After an up the state is another one. */
  async again(): Promise<void> {
    this.#fleet = undefined;
    await this.fleet();
  }

  /** The newest first. Each is on two servers: one that is off hides none but those with another one that is off. */
  async records(): Promise<readonly SplitRecord[]> {
    const { servers } = await this.fleet();
    const { texts, silent } = await told(this.#open, servers, readScript);
    this.#silent = silent;
    return recordsIn(texts, this.#stack);
  }

  /** Throws why a server that a split is between does not answer. */
  #refuseSilent({ from, to }: Wish): void {
    const error = this.#silent.get(from) ?? this.#silent.get(to);
    if (error) throw error;
  }

  /** The others, which nothing is done on. */
  #unasked = (): readonly string[] =>
    [...this.#silent.values()].map(
      ({ message }) => `${message}; nothing is done there, and what only it knows of an earlier split is not known`,
    );

  async plan(wish: Wish, options: PlanOptions = {}): Promise<SplitPlan> {
    const fleet = await this.fleet();
    const plan = planOf(this.#stack);
    const move = moveOf(wish, plan);
    refuseOutrun(fleet, plan);
    const before = await this.records();
    this.#refuseSilent(wish);
    refuseCut(before);
    const factsOf = factsFrom(fleet);
    const old = fleet.servers.find(({ name }) => name === wish.from)!;
    const units = await bondsOn(this.#open, old, unitsOf(serverIn(plan, wish.from), wish.role, factsOf(wish.from)));
    const text = stackTextOf(this.#stack);
    const held = await heldOn(this.#open, fleet.servers, wish, plan, move);
    const edits = editsOf(wish, { plan, text, move, factsOf, units });
    if (move.connects) await refuseClosed(this.#open, fleet, { wish, plan, move, edits });
    const seen = move.tree ? await treesOn(this.#open, fleet.servers, { wish, plan, tree: move.tree }) : held;
    const record = this.#record(wish, {
      stackFile: { before: text, after: edits.text },
      files: edits.files.map((each) => fileRecord(filesOf(plan), each)),
      clients: edits.clients,
      ...(edits.reached.length > 0 && { reached: [...edits.reached] }),
      seen,
    });
    refuseReplacing(record, before);
    const nobody = !move.many && edits.clients.length === 0 && move.clients.ports.length > 0 ? [nobodyNames(wish, move)] : [];
    const notes = [
      ...nobody,
      ...(move.connects ? [] : alsoThere(wish, plan)),
      ...edits.notes,
      ...(move.note && (!move.tree || seen.from.items.length > 0) ? [move.note] : []),
      ...this.#unasked(),
    ];
    const changes = edits.files.map(({ server, path, changes: lines }) => ({ server, path, lines }));
    const ground = groundOf({ record, fleet, old: plan, ...options });
    if (move.many) refuseUnbalanced(ground);
    return await this.#ready(ground, fleet, { changes, notes }, options);
  }

  #record(wish: Wish, more: Pick<SplitRecord, "stackFile" | "files" | "clients" | "reached" | "seen">, back?: string): SplitRecord {
    const at = new Date().toISOString();
    const id = `${at.replace(/[-:]|\.\d+/g, "")}-${randomBytes(2).toString("hex")}`;
    return {
      ...{ version: 1, id, at, who: operator(), stack: this.#stack, wish, state: "under-way", begun: 0 },
      ...(back !== undefined && { back }),
      ...more,
    };
  }

  async #ready(
    ground: StepGround,
    fleet: FleetUp,
    told: Pick<SplitPlan, "changes" | "notes">,
    { anyway = false }: PlanOptions,
  ): Promise<SplitPlan> {
    const { record, old } = ground;
    refuseSpace(record);
    refuseGuarded(ground);
    const steps = stepsOf(ground);
    const clients = fleet.servers.filter(({ name }) => record.clients.includes(name));
    if (!anyway)
      await asked(this.#open, clients, (name) => checksScript(ground, name, old)).catch((error: unknown) =>
        Promise.reject(notBefore(error)),
      );
    return { record, steps, ground, fleet, ...told };
  }

  /** The newest split the other way round: with all that was written since. */
  async planBack(options: PlanOptions = {}): Promise<SplitPlan> {
    const fleet = await this.fleet();
    const all = await this.records();
    refuseCut(all);
    const [of] = all;
    if (!of)
      throw new UserError(
        `split: ${this.#stack}: expected a split to take back, got none on ${fleet.servers
          .map(({ name }) => name)
          .filter((name) => !this.#silent.has(name))
          .join(", ")}${[...this.#silent.values()].map(({ message }) => `\n${message}`).join("")}`,
      );
    this.#refuseSilent(of.wish);
    const plan = planOf(this.#stack);
    refuseOutrun(fleet, plan, of.wish);
    const wish: Wish = { role: of.wish.role, from: of.wish.to, to: of.wish.from };
    const { items, ...seen } = await this.#heldNow(fleet, of, wish, plan);
    // What the new server had of its own stays there.
    const own = new Set(of.seen.to.items.map(({ name }) => name).filter((name) => !of.seen.from.items.some((each) => each.name === name)));
    const text = stackTextOf(this.#stack);
    const files = filesBack(filesOf(plan), of.files);
    const record = this.#record(
      wish,
      {
        stackFile: { before: text, after: takenBack(stackFileOf(this.#stack), text, of.stackFile) },
        ...{ files, clients: of.clients },
        seen: { from: { ...seen, items: items.filter(({ name }) => !own.has(name)) }, to: of.seen.from },
      },
      of.id,
    );
    const changes = files.map(({ server, path, own: before, after }) => ({
      ...{ server, path },
      // A file that comes or goes as a whole is said by its name.
      lines: before === undefined || after === undefined ? [] : changedLines(before, after),
    }));
    return await this.#ready(groundOf({ record, fleet, old: plan, of, ...options }), fleet, { changes, notes: this.#unasked() }, options);
  }

  /** What is to come back: of what is on both servers, or was nobody's to copy, nothing. */
  async #heldNow(fleet: FleetUp, of: SplitRecord, wish: Wish, plan: FleetPlan): Promise<Holdings> {
    const move = moveIn(plan, wish)!;
    if (of.wish.stays || move.tree?.stays) return { items: [], writers: [] };
    if (!move.tree) {
      const known = fleet.servers.filter(({ name }) => name === wish.from);
      return (await heldOn(this.#open, known, wish, plan, move)).from;
    }
    return (await treesOn(this.#open, fleet.servers, { wish, plan, tree: move.tree })).from;
  }

  /**
   * What a killed run left. Before the data was the new server's its steps are undone in their order, as far as they were begun; after that the
   * rest is done: what was written there since would be lost else.
   */
  async mend(record: SplitRecord, options: Omit<RunnerOptions, "held" | "servers" | "files">): Promise<"back" | Times> {
    const fleet = await this.fleet();
    const of = record.back === undefined ? undefined : (await this.records()).find(({ id }) => id === record.back);
    const ground = groundOf({ record, fleet, old: planOfDraft(this.#stack, draftOf(record, "before")), of });
    const steps = stepsOf(ground);
    const commit = steps.findIndex((each) => each.commit);
    const ahead = commit !== -1 && record.begun > commit;
    return await this.#holding<"back" | Times>(
      ground,
      fleet,
      `mending of a split of ${record.wish.role}`,
      async (runner, signal) => {
        refuseAlive(record, await runner.read([record.wish.from, record.wish.to], readScript));
        changes();
        if (ahead) return await this.#through(runner, { ground, steps }, signal, record.begun - 1);
        const left = await runner.undo(steps.slice(0, record.begun));
        if (left.length > 0) throw new SplitFailed("split: what was cut short could not be taken back wholly", left);
        await runner.everywhere([record.wish.from, record.wish.to], forgetScript(record.id));
        return "back";
      },
      options,
    );
  }

  async run({ record, steps, ground, fleet }: SplitPlan, options: Omit<RunnerOptions, "held" | "servers" | "files">): Promise<Times> {
    const { role, from, to } = record.wish;
    return await this.#holding(
      ground,
      fleet,
      `split of ${role} from ${from} to ${to}`,
      async (runner, signal) => {
        refuseEdited(filesOf(ground.old), record);
        changes();
        return await this.#through(runner, { ground, steps }, signal);
      },
      options,
    );
  }

  /** To its end, or back. */
  async #through(runner: Runner, { ground, steps }: Pick<SplitPlan, "ground" | "steps">, signal: AbortSignal, first = 0): Promise<Times> {
    const { record } = ground;
    const both = [record.wish.from, record.wish.to];
    try {
      const times = await runner.run(record, steps, signal, first);
      for (const script of [...forgetTrees(ground), ...endScripts({ ...record, begun: steps.length }, times.late)])
        await runner.everywhere(both, script);
      if (record.back === undefined || times.late.length === 0) return times;
      return { ...times, late: [...times.late, `${record.wish.from}: what it had before is still in ${keptFolder(record.back)}`] };
    } catch (error) {
      const left = error instanceof SplitFailed ? error.left : [];
      if (left.length === 0) await runner.everywhere(both, forgetScript(record.id));
      throw error;
    }
  }

  async #holding<T>(
    ground: StepGround,
    fleet: FleetUp,
    change: string,
    work: (runner: Runner, signal: AbortSignal) => Promise<T>,
    options: Omit<RunnerOptions, "held" | "servers" | "files">,
  ): Promise<T> {
    const { record, next } = ground;
    const { from, to } = record.wish;
    const names = new Set([from, to, ...next.servers.map(({ name }) => name).filter((name) => changedRoles(ground, name).length > 0)]);
    const servers = fleet.servers.filter(({ name }) => names.has(name));
    const folder = filesOf(next);
    const files = async (when: "after" | "before"): Promise<void> => (when === "after" ? writeAfter : writeBefore)(folder, record);
    return await this.#open.holding(servers, { change, onWait: options.onOutput }, (held, signal) =>
      work(new Runner({ ...options, held, servers: fleet.servers, files }), signal),
    );
  }
}

/**
 * What a `down` has to take back first, the newest first. Servers that do not answer are not waited for: what is between two others is found all
 * the same.
 */
export async function openSplits(stack: string, gone: readonly string[] = []): Promise<readonly SplitRecord[]> {
  const open = new OpenServers();
  try {
    const { servers } = await fleetUp(stack);
    const asked = servers.filter(({ name }) => !gone.includes(name));
    const { texts } = await told(open, asked, readScript);
    return recordsIn(texts, stack).filter(({ wish }) => !gone.includes(wish.from) && !gone.includes(wish.to));
  } catch (error) {
    if (error instanceof UserFacingError) return [];
    throw error;
  } finally {
    await open.close();
  }
}

const filesOf = ({ spec }: FleetPlan): string => resolve(stacksFolder, spec.files);

const factsFrom =
  (fleet: FleetUp) =>
  (name: string): Facts => {
    const facts = completeFacts((fleet.servers.find((each) => each.name === name)?.facts ?? {}) as Partial<Facts>);
    if (!facts) throw new UserError(`${name}: expected its facts in the state, got none; next: ${typed()} up ${fleet.stack}`);
    return facts;
  };

const lateIn = ({ servers }: FleetUp): LateValues =>
  Object.assign({}, ...servers.flatMap(({ remembered }) => remembered.map(({ inputs }) => inputs.late ?? {}))) as LateValues;

/** Of what its record says, whatever the files say meanwhile. */
function groundOf({
  record,
  fleet,
  old,
  of,
  health,
}: Pick<StepGround, "record" | "old"> & PlanOptions & { readonly fleet: FleetUp; readonly of?: SplitRecord | undefined }): StepGround {
  return {
    ...{ record, old, next: planOfDraft(record.stack, draftOf(record, "after")), move: moveIn(old, record.wish)! },
    ...{ factsOf: factsFrom(fleet), late: lateIn(fleet), secret: new Secret(randomBytes(18).toString("base64url")) },
    ...{ ...(of && { of }), ...(health !== undefined && { health }) },
  };
}

const nobodyNames = ({ role, from, to }: Wish, { connects, clients }: Move): string =>
  connects
    ? `nothing answers at ${from}'s ports ${clients.ports.join(", ")} any more: whoever comes from outside (the bench, DNS) has to come to ${to}`
    : `nothing of the team's on any server names ${from}'s ${role}: whatever uses it has to be told of ${to} by hand`;

/** Whose programs go on with a copy of their own: from here on what they write is not what the others read. */
function alsoThere({ role, from, to }: Wish, { servers }: FleetPlan): readonly string[] {
  const others = servers.filter(({ name, spec }) => name !== from && name !== to && spec.roles.includes(role)).map(({ name }) => name);
  return others.length === 0
    ? []
    : [
        `${others.join(", ")}: has ${role} too, and its programs go on with that; next, where they are to use ${to}'s: ${typed()} edit their environment file`,
      ];
}
