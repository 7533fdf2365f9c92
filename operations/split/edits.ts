// What the stack file and the team's files say once a role is on another server. Pure: text in, text out.
import type { Facts } from "../../provisioners/engine/facts.ts";
import type { FleetPlan, ServerPlan } from "../../provisioners/expand.ts";
import { isBelow } from "../../provisioners/resources/address-path.ts";
import { needsOf } from "../../provisioners/roles/contract.ts";
import type { Move } from "../../provisioners/roles/move.ts";
import { meets } from "../../provisioners/roles/role.ts";
import { roleNamed, territoryOf } from "../../provisioners/roles/roles.ts";
import type { OverlayFile } from "../../spec/overlay.ts";
import { isMap } from "../../spec/path.ts";
import { type TextPath, valueAt, withItem, withoutItem, withoutKey, withValue, withWords } from "../stack-text.ts";
import { groupsIn, withAnother } from "./another.ts";
import { connections, type Reached } from "./connections.ts";
import {
  changedLines,
  loopback,
  type Renaming,
  type Rewritten,
  rewrittenAddresses,
  rewrittenValue,
  rewrittenVariables,
  withoutBonds,
} from "./rewrite.ts";
import { type FileEdit, isText, TreeEdits } from "./tree-edits.ts";

export interface Wish {
  readonly role: string;
  readonly from: string;
  readonly to: string;
  /** On the old server too: a second one, to balance over. */
  readonly stays?: true | undefined;
}

export interface Edits {
  readonly text: string;
  readonly files: readonly FileEdit[];
  /** Whose programs use it, by their names in the stack file. */
  readonly clients: readonly string[];
  /** Whom its programs connect to from there. */
  readonly reached: readonly Reached[];
  /** What only people can decide, a sentence each. */
  readonly notes: readonly string[];
}

/** A unit's file that the team's tree has not, as it is on a server. */
export interface UnitText {
  readonly server: string;
  readonly name: string;
  readonly text: string;
}

export interface EditGround {
  readonly plan: FleetPlan;
  readonly text: string;
  readonly move: Move;
  readonly factsOf: (server: string) => Facts;
  /** Those that ask for its unit. */
  readonly units: readonly UnitText[];
}

export const serverIn = ({ servers }: FleetPlan, name: string): ServerPlan => servers.find((each) => each.name === name)!;

/** The units that a role runs with a server's parameters. */
export const unitsOf = ({ spec: { params } }: ServerPlan, role: string, facts: Facts): readonly string[] =>
  (roleNamed(role).services?.(params[role]) ?? []).flatMap(({ unit }) => (typeof unit === "function" ? unit(facts) : unit) ?? []);

export function editsOf(wish: Wish, ground: EditGround): Edits {
  const { plan, move } = ground;
  const tree = new TreeEdits(plan);
  for (const file of comingAlong(wish, ground)) tree.put(wish.to, file, []);
  const own = ownPaths(wish, ground);
  opened(tree, wish.to, ground, own);
  const clients = new Set<string>();
  for (const { name } of plan.servers) {
    const renaming = renamingFor(name, wish, ground);
    const groups = groupsIn(tree.textsOn(name));
    tree.edit(name, (file) => {
      // Where it listens is none of its clients' words.
      if (name === wish.from && own.some((of) => isBelow(file.path, of))) return { text: file.content, changes: [] };
      const found = wish.stays ? withAnother(file, renaming, wish.to, groups) : namesIn(file, renaming);
      if (found.changes.length > 0) clients.add(name);
      return found;
    });
  }
  for (const { server, name, text } of wish.stays ? [] : ground.units)
    if (!tree.textsOn(server).some(({ path }) => path === `/etc/systemd/system/${name}`))
      tree.put(server, { path: `/etc/systemd/system/${name}`, content: text, mode: "0644" }, []);
  if (!wish.stays)
    tree.edit(wish.from, (file) => (isUnit(file.path) ? withoutBonds(file.content, move.units) : { text: file.content, changes: [] }));
  const params = wish.stays ? { text: ground.text, clients: [], notes: [] } : paramEdits(wish, ground);
  for (const name of params.clients) clients.add(name);
  const placed = stackText(wish, ground, params.text, tree);
  const connected = move.connects ? connections(wish, ground, tree, placed) : { text: placed, reached: [], notes: [] };
  return {
    text: connected.text,
    files: tree.all(),
    clients: plan.servers.map(({ name }) => name).filter((name) => clients.has(name)),
    reached: connected.reached,
    notes: [...params.notes, ...connected.notes],
  };
}

const isUnit = (path: string): boolean => path.startsWith("/etc/systemd/system/") && /\.(?:service|conf)$/.test(path);
const isEnvironment = (path: string): boolean => /env[^/]*$/i.test(path) || /^\/etc\/(?:default|sysconfig)\//.test(path);
export const isProxy = (path: string): boolean => /^\/etc\/(?:nginx|haproxy|varnish|envoy|apache2)\//.test(path);

/** Others reach it there. @returns whether a file of the team's had to say so */
export function opened(
  tree: TreeEdits,
  server: string,
  { plan, move }: Pick<EditGround, "plan" | "move">,
  own: readonly string[],
): boolean {
  const { privateAddress } = serverIn(plan, server).view;
  const changed = tree.edit(server, (file) => {
    const isOwn = own.some((of) => isBelow(file.path, of));
    const text = isOwn && move.listen ? move.listen({ path: file.path, text: file.content }, privateAddress) : file.content;
    return { text, changes: changedLines(file.content, text) };
  });
  return changed.length > 0;
}

export function namesIn(file: OverlayFile, renaming: Renaming): { readonly text: string; readonly changes: readonly Rewritten[] } {
  if (isEnvironment(file.path) || isUnit(file.path)) return rewrittenVariables(file.content, renaming);
  if (isProxy(file.path)) return rewrittenAddresses(file.content, renaming);
  return { text: file.content, changes: [] };
}

/** On its own server loopback is the old place too. */
function renamingFor(server: string, { from, to }: Wish, { plan, move }: EditGround): Renaming {
  const { view, spec } = serverIn(plan, from);
  const known = [view.privateAddress, from, ...(typeof spec.address === "string" ? [spec.address] : [])];
  return {
    from: [...new Set([...(server === from ? loopback : []), ...known])],
    ...{ to: serverIn(plan, to).view.privateAddress, clients: move.clients },
  };
}

/** The files of the team's that say how the role runs on the old server. */
export function ownPaths({ role, from }: Wish, { plan, move }: Pick<EditGround, "plan" | "move">): readonly string[] {
  const { spec, overlay } = serverIn(plan, from);
  const texts = overlay.filter(isText).map(({ path, content }) => ({ path, text: content }));
  return [...territoryOf(role, spec.params[role]).flatMap((each) => each.paths), ...(move.beside?.(texts) ?? [])];
}

/** Those of the old server that say more than the new one's. */
function comingAlong(wish: Wish, ground: EditGround): readonly OverlayFile[] {
  const { plan } = ground;
  const [old, next] = [serverIn(plan, wish.from), serverIn(plan, wish.to)];
  const paths = ownPaths(wish, ground);
  const there = new Map(next.overlay.map((entry) => [entry.path, entry]));
  return old.overlay
    .filter(({ path }) => paths.some((of) => isBelow(path, of)))
    .filter(isText)
    .filter((file) => {
      const other = there.get(file.path);
      return !other || !isText(other) || other.content !== file.content;
    });
}

/** Parameters that name the old place: by the contract of a role that needs it, and by value. */
function paramEdits(
  wish: Wish,
  ground: EditGround,
): { readonly text: string; readonly clients: readonly string[]; readonly notes: readonly string[] } {
  const { plan } = ground;
  const clients = new Set<string>();
  const notes: string[] = [];
  let { text } = ground;
  const set = (server: string, path: TextPath, value: string): void => {
    const own = ["servers", server, "params", ...path];
    text = withValue(text, own, value);
    clients.add(server);
  };
  const given = plan.team.endpoints.filter((each) => each.server === wish.from && each.role === wish.role);
  for (const { name, spec } of plan.servers) {
    const renaming = renamingFor(name, wish, ground);
    for (const role of spec.roles) {
      for (const need of needsOf(role, spec.params[role])) {
        if (!given.some((each) => meets(each, need))) continue;
        clients.add(name);
        if (need.of === wish.from) set(name, [role, ...need.at.split(".")], wish.to);
      }
      if (role === wish.role) continue;
      for (const { path, value } of leaves(spec.params[role])) {
        const now = rewrittenValue(path.at(-1)!, value, renaming);
        const written = [
          ["servers", name, "params", role, ...path],
          ["params", role, ...path],
        ].some((at) => valueAt(text, at) === value);
        if (now === value || !written) continue;
        if (path.some((step) => /^\d+$/.test(step))) {
          notes.push(
            `${name}: params.${role}.${path.join(".")} names ${wish.from}'s ${wish.role} (${value}), in a list: say it there by hand`,
          );
          continue;
        }
        set(name, [role, ...path], now);
      }
    }
  }
  return { text, clients: [...clients], notes };
}

export function leaves(
  value: unknown,
  path: readonly string[] = [],
): readonly { readonly path: readonly string[]; readonly value: string }[] {
  if (typeof value === "string") return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((each, at) => leaves(each, [...path, String(at)]));
  return isMap(value) ? Object.entries(value).flatMap(([key, each]) => leaves(each, [...path, key])) : [];
}

/** Which role is where. */
function stackText({ role, from, to, stays }: Wish, { plan, factsOf, move }: EditGround, given: string, tree: TreeEdits): string {
  const [old, next] = [serverIn(plan, from), serverIn(plan, to)];
  const [atOld, atNew] = [
    ["servers", from],
    ["servers", to],
  ] as const;
  const behind = old.spec.roles.slice(old.spec.roles.indexOf(role) + 1);
  const own = valueAt(given, [...atOld, "params", role]);
  let text = given;
  if (!next.spec.roles.includes(role)) text = withItem(text, [...atNew, "roles"], role, behind);
  if (own !== undefined) {
    if (!stays) text = withoutKey(text, [...atOld, "params", role]);
    if (valueAt(text, [...atNew, "params", role]) === undefined) text = withWords(text, [...atNew, "params", role], JSON.stringify(own));
  }
  if (!stays) {
    text = withoutItem(text, [...atOld, "roles"], role);
    text = withoutItem(text, [...atOld, "adopted"], role);
  }
  // Nothing of the team's says where it listens: then the role does.
  const paths = territoryOf(role, next.spec.params[role] ?? old.spec.params[role]).flatMap((each) => each.paths);
  const isTeams = move.many || tree.textsOn(to).some(({ path }) => paths.some((of) => isBelow(path, of)));
  if (move.listen && next.spec.adopted?.includes(role) && !isTeams) text = withoutItem(text, [...atNew, "adopted"], role);
  if (!stays) for (const unit of unitsOf(old, role, factsOf(from))) text = withValue(text, [...atOld, "services", unit], "off");
  for (const unit of Object.keys(next.spec.services ?? {}))
    if (unitsOf(old, role, factsOf(to)).includes(unit)) text = withoutKey(text, [...atNew, "services", unit]);
  return text;
}
