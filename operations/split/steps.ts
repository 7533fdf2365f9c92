// A split as steps in their order, each with what takes it back. Pure: what a step does is said here, and done by the runner.

import type { Facts } from "../../provisioners/engine/facts.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import { type LateValues, latesIn, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import { type Command, lines, raw, type Secret, sh } from "../../provisioners/engine/shell-quote.ts";
import { expandRole, type FleetPlan, overlayRole, rolesOf } from "../../provisioners/expand.ts";
import { CheckWant, check } from "../../provisioners/resources/check.ts";
import type { DataMove, Move, MoveContext, MoveStep } from "../../provisioners/roles/move.ts";
import { roleNamed } from "../../provisioners/roles/roles.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { serverIn } from "./edits.ts";
import { keptFolder, type SplitRecord } from "./record.ts";
import { forgetPack, packScript, receiveScript, swapAgain, swapBackScript, swapForgetScript, swapScript, unpackScript } from "./trees.ts";

/** What a step asks of the runner. A script that fails rejects with its own words. */
export interface Hands {
  run(server: string, script: Command): Promise<string>;
  converge(server: string, role: string, wants: Wants): Promise<void>;
  /** What one script prints, by way of this computer, to another server: in parts, each to a script of its own. Answers its SHA-256. */
  carry(from: string, read: Command, to: string, write: (first: boolean) => Command): Promise<string>;
  /** The stack file and the team's files on this computer. */
  files(when: "after" | "before"): Promise<void>;
}

export interface Step {
  /** A server, or `here`. */
  readonly at: string;
  readonly what: string;
  readonly run: (hands: Hands) => Promise<void>;
  readonly undo?: (hands: Hands) => Promise<void>;
  /** Writes stop with it, or go on after it. */
  readonly writes?: "stop" | "go";
  /** From here on the data is the new server's: what fails later is told, and the rest is done all the same. */
  readonly commit?: true;
}

export interface StepGround {
  readonly record: SplitRecord;
  readonly old: FleetPlan;
  readonly next: FleetPlan;
  readonly move: Move;
  readonly factsOf: (server: string) => Facts;
  readonly late: LateValues;
  readonly secret: Secret;
  /** On the way back: what is taken back. */
  readonly of?: SplitRecord;
  /** Asked on its clients beside the roles' own checks. */
  readonly health?: string;
}

/** What a role wants there, marks in the places of late values; nothing where the server has it not. */
function wantsIn({ factsOf }: StepGround, plan: FleetPlan, name: string, role: string): Wants {
  const server = serverIn(plan, name);
  return rolesOf(server).includes(role) ? expandRole(plan, server, role, factsOf(name)) : {};
}

function wantsOn(ground: StepGround, plan: FleetPlan, name: string, role: string): Wants {
  const wants = wantsIn(ground, plan, name, role);
  const missing = latesIn(wants).filter((each) => ground.late[each] === undefined);
  if (missing.length === 0) return resolvePlaceholders(wants, ground.late);
  throw new UserError(
    `split: ${name}: role ${role} needs what only an up can make (${missing.join(", ")}); next: give ${name} the role in the stack file, ${typed()} up, then the split`,
  );
}

/** Of a server, in the order in which an up does them. */
export function changedRoles(ground: StepGround, server: string): readonly string[] {
  const { old, next } = ground;
  const roles = [...new Set([...rolesOf(serverIn(next, server)), ...rolesOf(serverIn(old, server))])];
  const text = (plan: FleetPlan, role: string) => JSON.stringify(wantsIn(ground, plan, server, role));
  return roles.filter((role) => text(old, role) !== text(next, role));
}

export function stepsOf(ground: StepGround): readonly Step[] {
  const { record, next, old, of } = ground;
  const { role, from, to } = record.wish;
  const data = dataOf(ground);
  const arrives = !serverIn(old, to).spec.roles.includes(role) || ground.move.connects === true;
  const first = changedRoles(ground, to).filter((each) => each === "base" || each === role || (arrives && each === "files"));
  const last = changedRoles(ground, from).filter((each) => each === "base" || each === role);
  const open = connected(ground);
  const isOver = (server: string, each: string) =>
    !(server === to && first.includes(each)) &&
    !(server === from && last.includes(each)) &&
    !open.some((other) => other.server === server && other.role === each);
  const over = next.servers.flatMap(({ name }) =>
    changedRoles(ground, name)
      .filter((each) => isOver(name, each))
      .map((each) => [name, each] as const),
  );
  const stays = serverIn(next, from).spec.roles.includes(role);
  const { hold, release, stop, go } = data ?? {};
  const reached = asked(ground);
  const done: readonly Step[] = !data
    ? [reached]
    : hold && release
      ? [reached, { ...scripted(to, "lets writes go on, from here on there", release), writes: "go", commit: true }]
      : [{ ...reached, writes: "go", commit: true }];
  return [
    ...treesCome(ground),
    ...(of ? [] : [...open.map((each) => converged(ground, each.server, each.role)), ...welcomes(ground), ...reaches(ground)]),
    ...first.map((each) => converged(ground, to, each)),
    ...(data ? copied(ground, data) : []),
    ...(data && !stop ? stopped(ground) : []),
    ...(stop ? [{ ...scripted(from, "stops writes", stop, go), writes: "stop" } as const] : []),
    ...(data?.copy ?? []).map((step) => remote(ground, step)),
    ...(data ? [verified(ground, data)] : []),
    ...(data?.finish ?? []).map((step) => remote(ground, step)),
    ...(hold ? [scripted(to, "lets nobody write yet", hold, release)] : []),
    ...over.map(([server, each]) => converged(ground, server, each)),
    ...done,
    ...(go && stays ? [scripted(from, "stops no writes any more", go)] : []),
    ...(of && data ? [scripted(from, `puts back what ${from} had before`, before(ground, of))] : []),
    ...last.map((each) => leaving(ground, each)),
    ...(of ? treesGo(ground, of) : []),
    ...(of ? [...open.map((each) => converged(ground, each.server, each.role)), ...welcomes(ground)] : []),
    ...(last.length > 0 ? [asked(ground)] : []),
    ...(data?.after ?? []).map((step) => remote(ground, step)),
    {
      at: "here",
      what: "writes the stack file, and the team's files",
      run: (hands) => hands.files("after"),
      undo: (hands) => hands.files("before"),
    },
  ];
}

/** Whom its programs connect to, as far as that changes: it lets them in before they come, and no more once they have gone. */
function connected(ground: StepGround): readonly { readonly server: string; readonly role: string }[] {
  const { record, of, next } = ground;
  const { wish, reached = [] } = of ?? record;
  const server = wish.from;
  const roles = reached.filter((each) => each.server === server).map(({ role }) => role);
  // An environment file that says where one of them listens may be nobody's.
  const all = roles.length > 0 ? [overlayRole, ...roles] : [];
  const changed = changedRoles(ground, server);
  return all.filter((role) => changed.includes(role) && rolesOf(serverIn(next, server)).includes(role)).map((role) => ({ server, role }));
}

/** Accounts that know their clients by address. */
function welcomes({ record, of, next }: StepGround): readonly Step[] {
  const { id, wish } = of ?? record;
  const address = (name: string) => serverIn(next, name).view.privateAddress;
  return ((of ?? record).reached ?? []).flatMap(({ server, role }) => {
    const { run, undo } =
      roleNamed(role)
        .move?.(serverIn(next, server)?.spec.params[role])
        .welcome?.({
          address: address(wish.to),
          known: [...(server === wish.from ? ["localhost", "127.0.0.1", "::1"] : []), address(wish.from)],
          folder: keptFolder(id),
        }) ?? {};
    if (!run || !undo) return [];
    return [
      of
        ? scripted(server, `${role} lets ${wish.to} in no more`, undo)
        : scripted(server, `${role} lets ${wish.to} in as it does ${wish.from}`, run, undo),
    ];
  });
}

/** A firewall in the way is found while nothing depends on it. */
function reaches({ record, next }: StepGround): readonly Step[] {
  return (record.reached ?? []).flatMap(({ server, role }) => {
    const [port] = roleNamed(role).move?.(serverIn(next, server).spec.params[role])?.clients.ports ?? [];
    if (port === undefined) return [];
    const address = serverIn(next, server).view.privateAddress;
    const why = `${record.wish.to} does not reach ${role} of ${server} at ${address}:${port}; next: a firewall between them, or where it listens: ${typed()} run ${server} -- ss -ltn`;
    return [
      scripted(
        record.wish.to,
        `reaches ${role} of ${server}`,
        sh`tries=0
until timeout 5 bash -c ${`: < /dev/tcp/${address}/${port}`} 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 5 ] || { echo ${why} >&2; exit 1; }
  sleep 1
done`,
      ),
    ];
  });
}

const itemsOf = ({ record, move }: StepGround) => (move.tree ? record.seen.from.items : []);

function treesCome(ground: StepGround): readonly Step[] {
  const { record, move } = ground;
  const { from, to } = record.wish;
  const items = itemsOf(ground);
  if (items.length === 0) return [];
  const copies = items.map(
    ({ name }, at): Step => ({
      at: to,
      what: `gets a copy of ${name}`,
      run: async (hands) => {
        const sha256 = await hands.carry(from, packScript(name), to, (first) => receiveScript(record.id, at, first));
        await hands.run(to, unpackScript(record.id, at, sha256));
      },
      undo: async (hands) => void (await hands.run(to, forgetPack(record.id, at))),
    }),
  );
  const what = `${record.seen.to.items.length > 0 ? "puts it in the place of what is there, and keeps that" : "puts it in its place"}`;
  return [...copies, scripted(to, what, swapScript(record.id, items, move.units), swapBackScript(record.id, items, move.units))];
}

/** Of the way back, once its role has left: what that remembers of these folders' files is what had come, and goes with it. */
function treesGo({ record, move }: StepGround, of: SplitRecord): readonly Step[] {
  const came = of.seen.from.items;
  if (!move.tree || came.length === 0) return [];
  const { run, undo } = swapAgain(record.id, of.id, came, move.units);
  return [scripted(record.wish.from, `puts back what ${record.wish.from} had before`, run, undo)];
}

/** Once all of a way back is done: what either server still has beside what is in its place. */
export const forgetTrees = ({ record, move, of }: StepGround): readonly Command[] =>
  move.tree && of ? [swapForgetScript(record.id, [...of.seen.from.items, ...record.seen.from.items])] : [];

/** Of the old server. Whoever wants its unit on again, says so after the one that wanted it off. */
function leaving(ground: StepGround, role: string): Step {
  const { old, record } = ground;
  const { from, role: moved } = record.wish;
  const step = converged(ground, from, role);
  if (role === moved || !rolesOf(serverIn(old, from)).includes(moved)) return step;
  const before = wantsOn(ground, old, from, moved);
  return {
    ...step,
    undo: async (hands) => {
      await step.undo!(hands);
      await hands.converge(from, moved, before);
    },
  };
}

const scripted = (at: string, what: string, run: Command, undo?: Command): Step => ({
  at,
  what,
  run: async (hands) => void (await hands.run(at, run)),
  ...(undo && { undo: async (hands: Hands) => void (await hands.run(at, undo)) }),
});

function remote({ record: { wish } }: StepGround, { at, what, run, undo, pass }: MoveStep): Step {
  const step = scripted(wish[at], what, run, undo);
  if (!pass) return step;
  const other = wish[at === "from" ? "to" : "from"];
  return { ...step, run: async (hands) => void (await hands.run(other, pass(await hands.run(wish[at], run)))) };
}

function converged(ground: StepGround, server: string, role: string): Step {
  const { old, next } = ground;
  const [before, after] = [wantsOn(ground, old, server, role), wantsOn(ground, next, server, role)];
  return {
    at: server,
    what: Object.keys(after).length === 0 ? `role ${role} wants nothing here any more` : `role ${role} as the stack will say`,
    run: (hands) => hands.converge(server, role, after),
    undo: (hands) => hands.converge(server, role, before),
  };
}

export function contextOf({ record, old, next, move, secret, of }: StepGround): MoveContext {
  const { from, to } = record.wish;
  const port = move.clients.ports[0] ?? 0;
  const place = (plan: FleetPlan, name: string) => ({ name, address: serverIn(plan, name).view.privateAddress, port });
  return {
    from: place(old, from),
    to: place(next, to),
    seen: record.seen,
    clients: [...new Set([from, ...record.clients])].map((name) => serverIn(next, name).view.privateAddress),
    folder: keptFolder(record.id),
    ...(of && { back: keptFolder(of.id) }),
    secret,
  };
}

const dataOf = (ground: StepGround): DataMove | undefined => ground.move.data?.(contextOf(ground));

/** What came there goes, under whichever name it came meanwhile. */
function before(ground: StepGround, of: SplitRecord): Command {
  const { from, to } = contextOf(ground);
  const names = new Set(of.seen.from.items.map(({ name }) => name));
  const items = [...of.seen.from.items, ...ground.record.seen.from.items.filter(({ name }) => !names.has(name))];
  const context: MoveContext = {
    ...{ from: to, to: from, clients: [], folder: keptFolder(of.id), secret: ground.secret },
    seen: { from: { ...of.seen.from, items }, to: of.seen.to },
  };
  return ground.move.data!(context).putBack;
}

/** Kept first: whatever comes after it can be taken back. */
function copied(ground: StepGround, { keep, putBack, before: steps }: DataMove): readonly Step[] {
  const { to } = ground.record.wish;
  const all = steps.map((step) => remote(ground, step));
  return [scripted(to, "keeps what it has, for the way back", keep, putBack), ...all];
}

/** Whoever may write in spite of the stop, does not run meanwhile. */
function stopped(ground: StepGround): readonly Step[] {
  const names = [...new Set([ground.record.wish.from, ...ground.record.clients])];
  return names.flatMap((name, at) => {
    const units = clientUnits(ground, name);
    if (units.length === 0) return [];
    const step = scripted(name, `stops ${units.join(", ")}`, sh`systemctl stop -- ${units}`, sh`systemctl start -- ${units}`);
    return [{ ...step, ...(at === 0 && { writes: "stop" as const }) }];
  });
}

const clientUnits = (ground: StepGround, name: string): readonly string[] =>
  serverIn(ground.old, name)
    .spec.roles.filter((role) => role !== "base" && role !== ground.record.wish.role && !/^(?:nginx|haproxy)$/.test(role))
    .flatMap((role) => Object.entries(wantsOn(ground, ground.old, name, role)))
    .flatMap(([address, want]) => {
      const { running } = want as { readonly running?: boolean };
      const unit = /^service\[(.+\.service)\]$/.exec(address)?.[1];
      return unit === undefined || running === false ? [] : [unit];
    });

function verified({ record: { wish } }: StepGround, { digest }: DataMove): Step {
  return {
    at: wish.to,
    what: `counts and sums are those of ${wish.from}`,
    run: async (hands) => {
      const [there, here] = await Promise.all([hands.run(wish.from, digest), hands.run(wish.to, digest)]);
      if (there === here) return;
      const lines = new Set(there.split("\n"));
      const other = here.split("\n").find((line) => !lines.has(line)) ?? "something is missing";
      throw new Error(`what came differs from what ${wish.from} has: ${other.replaceAll("\t", " ")}`);
    },
  };
}

/** The checks of its clients' roles, and of where it is now. */
function asked(ground: StepGround): Step {
  const { next, record } = ground;
  const names = [...new Set([...record.clients, record.wish.to])].filter((name) => serverIn(next, name));
  return {
    at: names.join(","),
    what: "the checks of its roles hold",
    run: async (hands) => {
      for (const name of names) await hands.run(name, checksScript(ground, name));
    },
  };
}

/** All checks of a server's roles, one after the other: the first that fails says why. */
export function checksScript(ground: StepGround, name: string, plan: FleetPlan = ground.next): Command {
  const wants = rolesOf(serverIn(plan, name)).flatMap((role) => Object.entries(wantsOn(ground, plan, name, role)));
  const own = wants.filter(([address]) => address.startsWith("check[")).map(([, want]) => CheckWant.parse(want));
  const { wish, clients } = ground.record;
  const isNew = name === wish.to && ground.move.connects === true && plan === ground.next;
  const app = own.find((want) => want.port !== undefined && want.name.startsWith("app"))?.port?.port;
  const port = wish.role === "nginx" ? 80 : (app ?? 80);
  const url = ground.health?.startsWith("/") ? `http://127.0.0.1:${port}${ground.health}` : ground.health;
  const all = [
    ...own,
    ...(url === undefined || !(isNew || clients.includes(name)) ? [] : [{ name: "split", http: { url, status: 200 }, deadline: 30 }]),
  ];
  return lines([raw("set -e"), ...all.map((want) => waitFor(want as CheckWant))]);
}

function waitFor(want: CheckWant): Command {
  const [step] = check.plan(want, { holds: false, got: "" }, { changed: new Set(), gone: [], pending: false });
  const { run } = step!;
  return lines([raw("("), run, raw(`) || { echo ${`'check ${want.name.replaceAll("'", "")} does not hold'`}; exit 1; }`)]);
}
