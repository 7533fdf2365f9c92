// What can't be split, and why, before anything is changed: a UserError each.

import { problemsIn } from "../../provisioners/engine/problems.ts";
import { expandRole, type FleetPlan, rolesOf } from "../../provisioners/expand.ts";
import type { Move } from "../../provisioners/roles/move.ts";
import { roleNamed, roles } from "../../provisioners/roles/roles.ts";
import { choice } from "../../spec/messages.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { asLastUp } from "../as-last-up.ts";
import type { FleetUp } from "../fleet-up.ts";
import { serverIn, type Wish } from "./edits.ts";
import { recordsIn, type SplitRecord } from "./record.ts";
import { changedRoles, type StepGround } from "./steps.ts";

export const movable = (): readonly string[] => roles.filter(({ move }) => move).map(({ name }) => name);

/** How a role says that it moves, by its parameters there. */
export const moveIn = (plan: FleetPlan, { role, from }: Wish): Move | undefined =>
  roleNamed(role).move?.(serverIn(plan, from).spec.params[role]);

/** Throws a UserError for what can't be moved like this. */
export function moveOf(wish: Wish, plan: FleetPlan): Move {
  const { role, from, to } = wish;
  const names = plan.servers.map(({ name }) => name);
  for (const name of [from, to])
    if (!names.includes(name)) throw new UserError(`split: ${name}: expected a server of the stack${choice(name, names)}`);
  if (from === to) throw new UserError(`split: expected two servers, got ${from} twice`);
  const { spec } = serverIn(plan, from);
  const option = wish.stays ? "--add" : "--move";
  if (!spec.roles.includes(role)) {
    const where = plan.servers.filter((each) => each.spec.roles.includes(role) && each.name !== to).map(({ name }) => name);
    const isThere = serverIn(plan, to).spec.roles.includes(role);
    const next =
      where.length > 0 ? `; next: ${option} ${role}:${where[0]}:${to}` : isThere ? `; it is on ${to} already` : choice(role, spec.roles);
    throw new UserError(`split: expected role \`${role}\` on ${from}, which has ${spec.roles.join(", ")}${next}`);
  }
  const move = moveIn(plan, wish);
  if (!move)
    throw new UserError(
      `split: ${role}: expected a role that can be moved (${movable().join(", ")}); next: write it at ${to} in the stack file, then ${typed()} up`,
    );
  if (wish.stays && !move.many)
    throw new UserError(
      `split: ${role}: expected a role that several servers may share (app), got one that is on one; next: --move ${role}:${from}:${to}`,
    );
  return move;
}

/**
 * What the last up did, and what the stack file says, must be one.
 * @param before the split that is taken back: its role may still be the old server's in the state, which forgets a role only in an up without a failure
 */
export function refuseOutrun({ stack, servers }: Pick<FleetUp, "stack" | "servers">, plan: FleetPlan, before?: Wish): void {
  const isLate = (server: string, role: string) =>
    server === before?.from && role === before.role && !rolesOf(serverIn(plan, server)).includes(role);
  for (const server of plan.servers) {
    const up = servers.find(({ name }) => name === server.name);
    const role =
      up && [...new Set([...rolesOf(server), ...up.roles])].find((each) => !isLate(server.name, each) && !asLastUp(plan, up, each));
    if (!up || role !== undefined)
      throw new UserError(
        `${server.name}: expected a stack file that says what the last up did, got another ${up ? `role \`${role}\`` : "server"}; next: ${typed()} up ${stack}, then the split`,
      );
  }
}

/** Of a role that is balanced over: whoever comes to it has to hear of the new place. */
export function refuseUnbalanced(ground: StepGround): void {
  const { record, next } = ground;
  const { role, from, to, stays } = record.wish;
  const others = ["base", "files", role, ...(record.reached ?? []).map((each) => each.role)];
  const isHeard = next.servers.some(({ name }) => changedRoles(ground, name).some((each) => !others.includes(each)));
  if (record.clients.length > 0 || isHeard) return;
  const ports = ground.move.clients.ports.join(", ");
  const what = stays
    ? `a balancer of the team's that names ${from}'s ${role}, and not ${to}'s`
    : `a proxy of the team's that names ${from}'s ${role}`;
  throw new UserError(
    `split: expected ${what} by its port (${ports}), got none; next: name ${from}'s address and the port in nginx' upstream (a unix socket reaches nobody else): ${typed()} edit ${from}:/etc/nginx/…, then the same`,
  );
}

/** Pure. What an earlier split brought is in use: it must not give way to another server's of the same name. */
export function refuseReplacing({ wish, seen }: Pick<SplitRecord, "wish" | "seen">, records: readonly SplitRecord[]): void {
  const { role, from, to } = wish;
  const earlier = records.find((each) => each.state === "done" && each.wish.role === role && each.wish.to === to);
  const names = seen.from.items.map(({ name }) => name).filter((name) => earlier?.seen.from.items.some((each) => each.name === name));
  if (!earlier || names.length === 0) return;
  throw new UserError(
    `split: ${to}: expected no ${names.join(", ")} that is in use, got that of ${earlier.wish.from}, which a split brought: ${from}'s would take its place; next: ${typed()} edit ${from}'s environment file so that its programs use ${to}, or ${typed()} split ${earlier.stack} --undo first`,
  );
}

export function refuseCut([newest]: readonly SplitRecord[]): void {
  if (newest?.state !== "under-way") return;
  const { role, from, to } = newest.wish;
  throw new UserError(
    `split: the one of ${role} from ${from} to ${to}, begun ${newest.at} by ${newest.who}, was cut short; next: ${typed()} split ${newest.stack} --undo takes it back`,
  );
}

/** Its locks were waited for: whoever held them may have gone on with it. */
export function refuseAlive(record: SplitRecord, told: readonly string[]): void {
  const now = recordsIn(told, record.stack).find(({ id }) => id === record.id);
  if (now?.state === "under-way" && now.begun === record.begun) return;
  const { role, from, to } = record.wish;
  throw new UserError(
    `split: the one of ${role} from ${from} to ${to} was not cut short: ${record.who} has gone on with it; next: ${typed()} history -s ${record.stack}, then the same again if that is wanted`,
  );
}

/** What came, what it takes the place of, and the dump of that. */
export function refuseSpace({ wish, seen }: SplitRecord): void {
  const comes = seen.from.items.reduce((sum, { bytes }) => sum + bytes, 0);
  const names = new Set(seen.from.items.map(({ name }) => name));
  const kept = seen.to.items.filter(({ name }) => names.has(name)).reduce((sum, { bytes }) => sum + bytes, 0);
  const needed = Math.ceil(1.2 * comes) + kept + 64 * 2 ** 20;
  if (seen.to.free !== undefined && seen.to.free < needed)
    throw new UserError(
      `split: ${wish.to}: expected ${mebibytes(needed)} of free disk, got ${mebibytes(seen.to.free)}; next: make room there (${typed()} status), or name another server`,
    );
}

/** As an up would refuse it, but before anything is touched. */
export function refuseGuarded(ground: StepGround): void {
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

export function notBefore(error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  return new UserError(
    `split: it does not answer as it is now, before anything is changed: ${error.message}; next: ${typed()} verify, or --anyway`,
  );
}

export const mebibytes = (bytes: number): string =>
  bytes >= 10 * 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(0)} GiB`
    : bytes >= 2 ** 30
      ? `${(bytes / 2 ** 30).toFixed(1)} GiB`
      : `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;
