// A role to another server: looked at, planned and shown; done step by step; taken back, now or later.
import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { completeFacts, type Facts } from "../../provisioners/engine/facts.ts";
import type { LateValues } from "../../provisioners/engine/placeholders.ts";
import { problemsIn } from "../../provisioners/engine/problems.ts";
import { type Command, Secret, sh } from "../../provisioners/engine/shell-quote.ts";
import { expandRole, type FleetPlan, rolesOf } from "../../provisioners/expand.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import { type Holdings, holdingsIn, type Move } from "../../provisioners/roles/move.ts";
import { roleNamed, roles } from "../../provisioners/roles/roles.ts";
import { planOf, planOfDraft } from "../../provisioners/stack.ts";
import { changes } from "../../pulumi/interruption.ts";
import { choice } from "../../spec/messages.ts";
import { UserError, UserFacingError } from "../../spec/problem.ts";
import { type FleetServer, type FleetUp, fleetUp } from "../fleet-up.ts";
import { OpenServers, wasInterrupted } from "../on-servers.ts";
import { operator } from "../operator.ts";
import { stackFileOf, stackTextOf } from "../stack-file.ts";
import { editsOf, serverIn, type UnitText, unitsOf, type Wish } from "./edits.ts";
import { draftOf, ownFile, refuseEdited, takenBack, textAt, writeAfter, writeBefore } from "./here.ts";
import { type FileRecord, forgetScript, readScript, recordsIn, type SplitRecord, writeScript } from "./record.ts";
import { Runner, type RunnerOptions, SplitFailed, type Times } from "./runner.ts";
import { changedRoles, checksScript, type Step, type StepGround, stepsOf } from "./steps.ts";

/** What is about to be done. Nothing has been changed yet. */
export interface SplitPlan {
  readonly record: SplitRecord;
  readonly steps: readonly Step[];
  readonly ground: StepGround;
  readonly fleet: FleetUp;
  /** By file, what changes in it. */
  readonly changes: readonly { readonly server: string; readonly path: string; readonly lines: readonly (readonly [string, string])[] }[];
  readonly notes: readonly string[];
}

interface PlanOptions {
  readonly health?: string;
  /** Also where its checks do not hold before, or nobody names it. */
  readonly anyway?: boolean;
}

export const movable = (): readonly string[] => roles.filter(({ move }) => move).map(({ name }) => name);

/** One look each, at the same time. Throws HostError. */
async function asked(
  open: OpenServers,
  servers: readonly FleetServer[],
  scriptOf: (server: string) => Command,
): Promise<Readonly<Record<string, string>>> {
  const outcomes = await open.each(servers, async (server, shell, signal) => {
    const { code, stdout, stderr } = await shell.run(scriptOf(server.name), { signal, onAbort: "end", deadline: 120_000 });
    if (code !== 0)
      throw new UserError(`${server.name}: ${`${stderr}\n${stdout.toString("utf8")}`.trim() || `ended with exit code ${code}`}`);
    return stdout.toString("utf8");
  });
  const failed = outcomes.find(wasInterrupted) ?? outcomes.find((each) => "error" in each);
  if (failed && "error" in failed) throw failed.error;
  return Object.fromEntries(outcomes.map((each) => [each.server, "value" in each ? each.value : ""]));
}

const factsFrom =
  (fleet: FleetUp) =>
  (name: string): Facts => {
    const facts = completeFacts((fleet.servers.find((each) => each.name === name)?.facts ?? {}) as Partial<Facts>);
    if (!facts) throw new UserError(`${name}: expected its facts in the state, got none; next: ./fleet up ${fleet.stack}`);
    return facts;
  };

const lateIn = ({ servers }: FleetUp): LateValues =>
  Object.assign({}, ...servers.flatMap(({ remembered }) => remembered.map(({ inputs }) => inputs.late ?? {}))) as LateValues;

/** Throws a UserError for what can't be moved like this. */
function moveOf({ role, from, to }: Wish, plan: FleetPlan): Move {
  const names = plan.servers.map(({ name }) => name);
  for (const name of [from, to])
    if (!names.includes(name)) throw new UserError(`split: ${name}: expected a server of the stack${choice(name, names)}`);
  if (from === to) throw new UserError(`split: expected two servers, got ${from} twice`);
  const { spec } = serverIn(plan, from);
  if (!spec.roles.includes(role)) {
    const where = plan.servers.filter((each) => each.spec.roles.includes(role)).map(({ name }) => name);
    const next = where.length > 0 ? `; next: --move ${role}:${where[0]}:${to}` : choice(role, spec.roles);
    throw new UserError(`split: expected role \`${role}\` on ${from}, which has ${spec.roles.join(", ")}${next}`);
  }
  const move = roleNamed(role).move?.(spec.params[role]);
  if (!move)
    throw new UserError(
      `split: ${role}: expected a role that can be moved (${movable().join(", ")}); next: write it at ${to} in the stack file, then ./fleet up`,
    );
  return move;
}

/** What the last up did, and what the stack file says, must be one. */
function refuseOutrun(fleet: FleetUp, plan: FleetPlan, factsOf: (name: string) => Facts): void {
  for (const server of plan.servers) {
    const up = fleet.servers.find(({ name }) => name === server.name);
    const ahead = !up
      ? "server"
      : [...new Set([...rolesOf(server), ...up.roles])].find((role) => {
          const wants = rolesOf(server).includes(role) ? expandRole(plan, server, role, factsOf(server.name)) : undefined;
          return sorted(wants) !== sorted(up.wants[role]);
        });
    if (ahead !== undefined)
      throw new UserError(
        `${server.name}: expected a stack file that says what the last up did, got another ${ahead === "server" ? "server" : `role \`${ahead}\``}; next: ./fleet up ${fleet.stack}, then the split`,
      );
  }
}

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

/** Units that ask for one of these, by name and text: what the team's tree may not have. */
const bondsScript = (
  units: readonly string[],
): Command => sh`for unit in $(systemctl show -p RequiredBy -p RequisiteOf -p BoundBy -p ConsistsOf --value -- ${units} | tr ' ' '\n' | sort -u); do
  case $unit in *.service) ;; *) continue ;; esac
  path=$(systemctl show -p FragmentPath --value -- "$unit")
  [ -f "$path" ] && printf 'unit %s %s\n' "$unit" "$(base64 -w0 < "$path")"
done
:`;

const unitsIn = (server: string, text: string): readonly UnitText[] =>
  text.split("\n").flatMap((line) => {
    const [, name, bytes] = /^unit (\S+) (\S*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ server, name, text: Buffer.from(bytes ?? "", "base64").toString("utf8") }];
  });

export class Splits {
  readonly #open = new OpenServers();
  readonly #stack: string;
  #fleet: FleetUp | undefined;

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

  /** The newest first. */
  async records(): Promise<readonly SplitRecord[]> {
    const { servers } = await this.fleet();
    return recordsIn(Object.values(await asked(this.#open, servers, () => readScript)), this.#stack);
  }

  async plan(wish: Wish, options: PlanOptions = {}): Promise<SplitPlan> {
    const fleet = await this.fleet();
    const plan = planOf(this.#stack);
    const move = moveOf(wish, plan);
    const factsOf = factsFrom(fleet);
    refuseOutrun(fleet, plan, factsOf);
    const before = await this.records();
    refuseCut(before);
    const known = fleet.servers.filter(({ name }) => name === wish.from || name === wish.to);
    const units = unitsOf(serverIn(plan, wish.from), wish.role, factsOf(wish.from));
    const bonds = await asked(
      this.#open,
      known.filter(({ name }) => name === wish.from),
      () => bondsScript(units),
    );
    const text = stackTextOf(this.#stack);
    const edits = editsOf(wish, { plan, text, move, factsOf, units: unitsIn(wish.from, bonds[wish.from] ?? "") });
    const record = this.#record(wish, {
      stackFile: { before: text, after: edits.text },
      files: edits.files.map((each) => this.#fileRecord(plan, each)),
      clients: [...edits.clients],
      seen: await this.#held(wish, plan, move, known),
    });
    refuseReplacing(record, before);
    const shown = edits.files.map(({ server, path, changes: lines }) => ({
      server,
      path,
      lines: lines.map(({ before, after }) => [before, after] as const),
    }));
    const nobody = edits.clients.length === 0 && move.clients.ports.length > 0 ? [nobodyNames(wish)] : [];
    return await this.#ready(
      record,
      plan,
      { move, fleet, ...options },
      { changes: shown, notes: [...nobody, ...alsoThere(wish, plan), ...edits.notes, ...(move.note ? [move.note] : [])] },
    );
  }

  #record(wish: Wish, more: Pick<SplitRecord, "stackFile" | "files" | "clients" | "seen">, back?: string): SplitRecord {
    const at = new Date().toISOString();
    const id = `${at.replace(/[-:]|\.\d+/g, "")}-${randomBytes(2).toString("hex")}`;
    return {
      ...{ version: 1, id, at, who: operator(), stack: this.#stack, wish, state: "under-way", begun: 0 },
      ...(back !== undefined && { back }),
      ...more,
    };
  }

  #fileRecord(
    plan: FleetPlan,
    {
      server,
      path,
      file,
      before,
    }: { server: string; path: string; file: { content: string; mode: "0644" | "0755"; template?: boolean }; before?: string },
  ): FileRecord {
    const { mode, template = false } = file;
    const own = textAt(ownFile(filesOf(plan), { server, path, template }));
    return {
      server,
      path,
      template,
      mode,
      after: file.content,
      ...(own !== undefined && { own }),
      ...(before !== undefined && { before }),
    };
  }

  /** What either server keeps; nothing where the role is not there yet. */
  async #held(
    { role, from, to }: Wish,
    plan: FleetPlan,
    { look, refuse }: Move,
    known: readonly FleetServer[],
  ): Promise<SplitRecord["seen"]> {
    const nothing: Holdings = { items: [], writers: [] };
    const refused = (said: string) => {
      const why = refuse?.({ said, adopted: serverIn(plan, from).spec.adopted?.includes(role) ?? false });
      if (why !== undefined) throw new UserError(`split: ${from}: ${role}: ${why}`);
    };
    if (!look) refused("");
    if (!look) return { from: mutable(nothing), to: mutable(nothing) };
    const there = known.filter(({ name }) => serverIn(plan, name).spec.roles.includes(role) || name === from);
    const said = await asked(this.#open, there, () => look);
    refused(said[from] ?? "");
    const held = (name: string) => mutable(said[name] === undefined ? nothing : holdingsIn(said[name]));
    return { from: held(from), to: held(to) };
  }

  async #ready(
    record: SplitRecord,
    old: FleetPlan,
    { move, fleet, health, anyway = false }: PlanOptions & { readonly move: Move; readonly fleet: FleetUp },
    told: Pick<SplitPlan, "changes" | "notes">,
    of?: SplitRecord,
  ): Promise<SplitPlan> {
    const next = planOfDraft(this.#stack, draftOf(record, "after"));
    const ground: StepGround = {
      ...{ record, old, next, move, factsOf: factsFrom(fleet), late: lateIn(fleet) },
      ...{ secret: new Secret(randomBytes(18).toString("base64url")), ...(of && { of }), ...(health !== undefined && { health }) },
    };
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
        `split: ${this.#stack}: expected a split to take back, got none on ${fleet.servers.map(({ name }) => name).join(", ")}`,
      );
    const plan = planOf(this.#stack);
    const factsOf = factsFrom(fleet);
    refuseOutrun(fleet, plan, factsOf);
    const wish: Wish = { role: of.wish.role, from: of.wish.to, to: of.wish.from };
    const move = roleNamed(wish.role).move!(serverIn(plan, wish.from).spec.params[wish.role]);
    const known = fleet.servers.filter(({ name }) => name === wish.from);
    const seen = { from: (await this.#held(wish, plan, move, known)).from, to: of.seen.from };
    // What the new server had of its own stays there.
    const own = new Set(of.seen.to.items.map(({ name }) => name).filter((name) => !of.seen.from.items.some((each) => each.name === name)));
    const text = stackTextOf(this.#stack);
    const folder = filesOf(plan);
    const files = of.files.map((each): FileRecord => {
      const file = ownFile(folder, each);
      const now = textAt(file);
      const { own: stood, before, after: wrote, ...place } = each;
      const back = now === undefined || now === wrote ? before : takenBack(file, now, { before: before ?? "", after: wrote ?? "" });
      const shared = stood === undefined && back !== undefined && back === before;
      return {
        ...place,
        ...(now !== undefined && { own: now, before: now }),
        ...(back !== undefined && { after: back }),
        ...(shared && { shared }),
      };
    });
    const after = takenBack(stackFileOf(this.#stack), text, of.stackFile);
    const record = this.#record(
      wish,
      {
        ...{ stackFile: { before: text, after }, files, clients: of.clients },
        seen: { from: { ...seen.from, items: seen.from.items.filter(({ name }) => !own.has(name)) }, to: seen.to },
      },
      of.id,
    );
    const shown = files.map(({ server, path, before = "", after: now = "" }) => ({ server, path, lines: differing(before, now) }));
    return await this.#ready(record, plan, { move, fleet, ...options }, { changes: shown, notes: [] }, of);
  }

  /**
   * What a killed run left. Before the data was the new server's its steps are undone in their order, as far as they were begun; after that the
   * rest is done: what was written there since would be lost else.
   */
  async mend(record: SplitRecord, options: Omit<RunnerOptions, "held" | "servers" | "files">): Promise<"back" | Times> {
    const fleet = await this.fleet();
    const of = record.back === undefined ? undefined : (await this.records()).find(({ id }) => id === record.back);
    const [old, next] = [planOfDraft(this.#stack, draftOf(record, "before")), planOfDraft(this.#stack, draftOf(record, "after"))];
    const move = roleNamed(record.wish.role).move!(serverIn(old, record.wish.from).spec.params[record.wish.role]);
    const secret = new Secret(randomBytes(18).toString("base64url"));
    const ground: StepGround = { record, old, next, move, factsOf: factsFrom(fleet), late: lateIn(fleet), secret, ...(of && { of }) };
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
        if (ahead) return await this.#through(runner, { record, steps }, signal, record.begun - 1);
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
        return await this.#through(runner, { record, steps }, signal);
      },
      options,
    );
  }

  /** To its end, or back. */
  async #through(runner: Runner, { record, steps }: Pick<SplitPlan, "record" | "steps">, signal: AbortSignal, first = 0): Promise<Times> {
    const both = [record.wish.from, record.wish.to];
    try {
      const times = await runner.run(record, steps, signal, first);
      if (record.back === undefined) await runner.everywhere(both, writeScript({ ...record, state: "done", begun: steps.length }));
      else for (const id of [record.id, record.back]) await runner.everywhere(both, forgetScript(id));
      return times;
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
    const outcomes = await open.each(
      servers.filter(({ name }) => !gone.includes(name)),
      async (_, shell, signal) => (await shell.run(readScript, { signal, onAbort: "end", deadline: 30_000 })).stdout.toString("utf8"),
    );
    const told = outcomes.flatMap((each) => ("value" in each ? [each.value] : []));
    return recordsIn(told, stack).filter(({ wish }) => !gone.includes(wish.from) && !gone.includes(wish.to));
  } catch (error) {
    if (error instanceof UserFacingError) return [];
    throw error;
  } finally {
    await open.close();
  }
}

const filesOf = ({ spec }: FleetPlan): string => resolve(stacksFolder, spec.files);

const mutable = ({ items, writers, ...rest }: Holdings): SplitRecord["seen"]["from"] => ({
  ...rest,
  items: items.map((each) => ({ ...each })),
  writers: [...writers],
});

const nobodyNames = ({ role, from, to }: Wish): string =>
  `nothing of the team's on any server names ${from}'s ${role}: whatever uses it has to be told of ${to} by hand`;

/** Whose programs go on with a copy of their own: from here on what they write is not what the others read. */
function alsoThere({ role, from, to }: Wish, { servers }: FleetPlan): readonly string[] {
  const others = servers.filter(({ name, spec }) => name !== from && name !== to && spec.roles.includes(role)).map(({ name }) => name);
  return others.length === 0
    ? []
    : [
        `${others.join(", ")}: has ${role} too, and its programs go on with that; next, where they are to use ${to}'s: fleet edit their environment file`,
      ];
}

/** Pure. What an earlier split brought is in use: it must not give way to another server's of the same name. */
export function refuseReplacing({ wish, seen }: Pick<SplitRecord, "wish" | "seen">, records: readonly SplitRecord[]): void {
  const { role, from, to } = wish;
  const earlier = records.find((each) => each.state === "done" && each.wish.role === role && each.wish.to === to);
  const names = seen.from.items.map(({ name }) => name).filter((name) => earlier?.seen.from.items.some((each) => each.name === name));
  if (!earlier || names.length === 0) return;
  throw new UserError(
    `split: ${to}: expected no ${names.join(", ")} that is in use, got that of ${earlier.wish.from}, which a split brought: ${from}'s would take its place; next: fleet edit ${from}'s environment file so that its programs use ${to}, or ./fleet split ${earlier.stack} --undo first`,
  );
}

function refuseCut([newest]: readonly SplitRecord[]): void {
  if (newest?.state !== "under-way") return;
  const { role, from, to } = newest.wish;
  throw new UserError(
    `split: the one of ${role} from ${from} to ${to}, begun ${newest.at} by ${newest.who}, was cut short; next: ./fleet split ${newest.stack} --undo takes it back`,
  );
}

/** Its locks were waited for: whoever held them may have gone on with it. */
function refuseAlive(record: SplitRecord, told: readonly string[]): void {
  const now = recordsIn(told, record.stack).find(({ id }) => id === record.id);
  if (now?.state === "under-way" && now.begun === record.begun) return;
  const { role, from, to } = record.wish;
  throw new UserError(
    `split: the one of ${role} from ${from} to ${to} was not cut short: ${record.who} has gone on with it; next: ./fleet history -s ${record.stack}, then the same again if that is wanted`,
  );
}

/** What came, what it takes the place of, and the dump of that. */
function refuseSpace({ wish, seen }: SplitRecord): void {
  const comes = seen.from.items.reduce((sum, { bytes }) => sum + bytes, 0);
  const names = new Set(seen.from.items.map(({ name }) => name));
  const kept = seen.to.items.filter(({ name }) => names.has(name)).reduce((sum, { bytes }) => sum + bytes, 0);
  const needed = Math.ceil(1.2 * comes) + kept + 64 * 2 ** 20;
  if (seen.to.free !== undefined && seen.to.free < needed)
    throw new UserError(
      `split: ${wish.to}: expected ${mebibytes(needed)} of free disk, got ${mebibytes(seen.to.free)}; next: make room there (./fleet status), or name another server`,
    );
}

export const mebibytes = (bytes: number): string =>
  bytes >= 10 * 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(0)} GiB`
    : bytes >= 2 ** 30
      ? `${(bytes / 2 ** 30).toFixed(1)} GiB`
      : `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;

/** As an up would refuse it, but before anything is touched. */
function refuseGuarded(ground: StepGround): void {
  const { next, factsOf } = ground;
  const problems = next.servers.flatMap((server) =>
    changedRoles(ground, server.name)
      .filter((role) => rolesOf(server).includes(role))
      .flatMap((role) =>
        problemsIn(expandRole(next, server, role, factsOf(server.name)), next.guard).map(
          ({ path, reason }) => `${server.name} ${role}: ${path}: ${reason}`,
        ),
      ),
  );
  if (problems.length > 0) throw new UserError(`split: ${problems.join("\n")}`);
}

function notBefore(error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  return new UserError(
    `split: it does not answer as it is now, before anything is changed: ${error.message}; next: ./fleet verify, or --anyway`,
  );
}

function differing(before: string, after: string): readonly (readonly [string, string])[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const gone = old.filter((line) => !now.includes(line));
  const come = now.filter((line) => !old.includes(line));
  return Array.from({ length: Math.max(gone.length, come.length) }, (_, at) => [(gone[at] ?? "").trim(), (come[at] ?? "").trim()] as const);
}
