// Whom the programs that come to a server connect to from there: what they name by loopback stays on the old server, and is named by its address. Pure.

import { isBelow } from "../../provisioners/resources/address-path.ts";
import type { Move } from "../../provisioners/roles/move.ts";
import { roleNamed } from "../../provisioners/roles/roles.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { withValue } from "../stack-text.ts";
import { type EditGround, isProxy, leaves, namesIn, opened, ownPaths, serverIn, type Wish } from "./edits.ts";
import { loopback, type Renaming, type RewrittenText, rewrittenValue, withoutBonds } from "./rewrite.ts";
import type { TreeEdits } from "./tree-edits.ts";

/** A role that they connect to, where it is. */
export interface Reached {
  readonly server: string;
  readonly role: string;
}

interface Connections {
  /** The stack file's. */
  readonly text: string;
  readonly reached: readonly Reached[];
  readonly notes: readonly string[];
}

/** Another role that can be named: on the old server by loopback too. */
interface Other extends Reached {
  readonly move: Move;
  readonly renaming: Renaming;
}

export function connections(wish: Wish, ground: EditGround, tree: TreeEdits, given: string): Connections {
  const paths = ownPaths(wish, ground);
  const isOwn = (path: string) => paths.some((of) => isBelow(path, of));
  const others = othersOf(wish, ground);
  const reached = new Map<string, Other>();
  refuseSockets(wish, tree, isOwn, others);
  const notes: string[] = [];
  let text = given;
  for (const other of others) {
    const meet = () => reached.set(`${other.server} ${other.role}`, other);
    tree.edit(wish.to, (file) => {
      if (!isOwn(file.path)) return { text: file.content, changes: [] };
      const found = namesIn(file, other.renaming);
      if (found.changes.length > 0) meet();
      else if (namesIn(file, { ...other.renaming, from: [other.renaming.to], to: "elsewhere" }).changes.length > 0) meet();
      return found;
    });
    for (const { path, value } of leaves(serverIn(ground.plan, wish.from).spec.params[wish.role])) {
      const now = rewrittenValue(path.at(-1)!, value, other.renaming);
      if (now === value || path.some((step) => /^\d+$/.test(step))) continue;
      text = withValue(text, ["servers", wish.to, "params", wish.role, ...path], now);
      meet();
    }
  }
  for (const { server, role, move } of reached.values()) {
    if (server !== wish.to) tree.edit(wish.to, (file) => (isOwn(file.path) ? withoutBonds(file.content, move.units) : same(file.content)));
    if (server !== wish.from) continue;
    const there = { plan: ground.plan, move };
    if (opened(tree, server, there, ownPaths({ role, from: server, to: wish.to }, there)))
      notes.push(`${role} of ${server} restarts, so that others reach it: for a moment it answers nobody`);
  }
  return {
    text,
    reached: [...reached.values()].map(({ server, role }) => ({ server, role })),
    notes: [...notes, ...left(wish, ground, tree, isOwn)],
  };
}

const same = (text: string): RewrittenText => ({ text, changes: [] });

/** Those of the old server first: loopback is theirs. */
function othersOf({ role, from }: Wish, { plan }: EditGround): readonly Other[] {
  return plan.servers
    .flatMap(({ name: server, spec, view: { privateAddress } }) =>
      spec.roles
        .filter((each) => each !== role)
        .flatMap((each): readonly Other[] => {
          const move = roleNamed(each).move?.(spec.params[each]);
          if (!move) return [];
          const names = [...(server === from ? loopback : []), server, ...(typeof spec.address === "string" ? [spec.address] : [])];
          return [
            {
              server,
              role: each,
              move,
              renaming: { from: names.filter((name) => name !== privateAddress), to: privateAddress, clients: move.clients },
            },
          ];
        }),
    )
    .sort((a, b) => Number(b.server === from) - Number(a.server === from));
}

const stores = /\S*(?:mysqld?|mariadb|redis|valkey|memcached?)[\w./-]*\.sock\b/i;
const passed = /^\s*(?:.*[;{]\s*)?(?:server|\w+_pass)\s+\S*unix:[^\s;]+/;

/** Throws a UserError where it names what only the old server has. */
function refuseSockets({ from, to }: Wish, tree: TreeEdits, isOwn: (path: string) => boolean, others: readonly Other[]): void {
  if (!others.some(({ server }) => server === from)) return;
  for (const { path, content } of tree.textsOn(to).filter((file) => isOwn(file.path))) {
    const socket = isProxy(path) ? passed : stores;
    const line = content.split("\n").find((each) => !/^\s*#/.test(each) && socket.test(each));
    if (line === undefined) continue;
    const name = /[^\s=]*\.sock\b|unix:[^\s;]+/.exec(line)?.[0] ?? line.trim();
    throw new UserError(
      `split: ${from}:${path}: expected addresses, got a socket, which no other server reaches (${name}); next: ${typed()} edit ${from}:${path} so that it names 127.0.0.1 and the port, then the same`,
    );
  }
}

const assigned = /^\s*(?:export\s+|Environment=)?["']?\w+\s*=/;
const passes = /^\s*(?:.*[;{]\s*)?(?:server|\w+_pass)\s+/;
const loops = /(?<![\w.:-])(?:127\.0\.0\.1|localhost|\[::1\])(?::(\d+))?(?![\w-]|\.\w)/;

/** Loopback that no role of ours is known behind. */
function left({ from, to }: Wish, { move }: EditGround, tree: TreeEdits, isOwn: (path: string) => boolean): readonly string[] {
  const isLeft = (path: string, line: string): boolean => {
    if (/^\s*#/.test(line) || !(isProxy(path) ? passes : assigned).test(line)) return false;
    const found = loops.exec(line);
    return found !== null && (isProxy(path) ? found[1] !== undefined : !move.clients.ports.includes(Number(found[1])));
  };
  const found = tree
    .textsOn(to)
    .filter(({ path }) => isOwn(path))
    .flatMap(({ path, content }) => content.split("\n").flatMap((line) => (isLeft(path, line) ? [`${path}: ${wordOf(line)}`] : [])));
  if (found.length === 0) return [];
  return [`${found.join(", ")}: loopback, which is ${to} itself there; next, where ${from} is meant: ${typed()} edit ${to}:PATH`];
}

/** Without its value, which may hold a password. */
const wordOf = (line: string): string => /(\w+)\s*=/.exec(line.replace("Environment=", ""))?.[1] ?? loops.exec(line)![0];
