// What an undo leaves on purpose, since people put it there: listed, and removed where somebody says so.
import { counted } from "../../spec/counted.ts";
import { isBelow } from "../resources/address-path.ts";
import type { Purge } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { ask } from "./ask.ts";
import type { Memory } from "./journal.ts";
import { observeAll, type Removed } from "./observe.ts";
import type { RolePlan } from "./plan.ts";
import { stateDirectory, storeKey } from "./prelude.ts";
import type { RunOptions, Shell } from "./shell.ts";
import { type Command, lines, sh } from "./shell-quote.ts";

/** One thing that stays without a purge. */
export interface Leaving {
  readonly of: Removed;
  readonly purge: Purge;
  /** `/var/log/mysql (1 file: mysql-slow.log)` */
  readonly what: string;
}

export interface Leavings {
  readonly memory: Memory;
  readonly all: readonly Leaving[];
}

/** Changes nothing. Throws HostError. */
export async function leavings(shell: Shell, options: RunOptions = {}): Promise<Leavings> {
  const { memory, removed } = await observeAll(shell, options);
  const found = removed.flatMap((of) => {
    const purge = kindOf(of.address).kind.purge?.(of.want, of.have, of.now);
    return purge ? [{ of, purge }] : [];
  });
  const paths = found.flatMap(({ purge: { path } }) => path ?? []);
  const top = found.filter(({ purge: { path } }) => path === undefined || !paths.some((each) => each !== path && isBelow(path, each)));
  const files = await filesBelow(shell, top, options);
  return { memory, all: top.flatMap((each) => leaving(each, removed, files)) };
}

const most = 100_000;

async function filesBelow(shell: Shell, all: readonly Omit<Leaving, "what">[], options: RunOptions): Promise<readonly string[]> {
  const lists = all.flatMap(({ of, purge: { path } }) => (path === undefined ? [] : [listOf(of, path)]));
  if (lists.length === 0) return [];
  const list = sh`{ ${lines(lists)}\n} 2>/dev/null | head -n ${most}`;
  const { stdout } = await ask(shell, (look) => look.command(list), options);
  return stdout.split("\n").filter(Boolean);
}

/** What an archive brought is in a list beside its originals. */
function listOf({ role, address }: Removed, path: string): Command {
  const members = `${stateDirectory(role)}/originals/${storeKey(address)}.members`;
  return sh`find ${path} -xdev ! -type d ! -name '.fleet-*' ! -name '*.fleet-*' -printf '%P\\n' | LC_ALL=C sort | {
  if [ -e ${members} ]; then LC_ALL=C comm -23 - ${members}; else cat; fi
} | sed ${`s|^|${path.replace(/[&|\\]/g, "\\$&")}/|`}`;
}

/** What a shell and its user leave in any home. */
const habits = /^\.(?:bash_logout|bashrc|profile|bash_history|cache\/.*|ssh\/known_hosts)$/;

function leaving({ of, purge }: Omit<Leaving, "what">, removed: readonly Removed[], files: readonly string[]): readonly Leaving[] {
  const { path, whole } = purge;
  if (path === undefined) return [{ of, purge, what: purge.step.change }];
  // What goes with its own undo is no reason.
  const ours = new Set(removed.flatMap(({ address, want }) => kindOf(address).kind.path?.(want) ?? []));
  const theirs = files.filter((file) => isBelow(file, path) && (whole || !(ours.has(file) || habits.test(file.slice(path.length + 1)))));
  if (theirs.length === 0) return [];
  const names = theirs.slice(0, 3).map((file) => file.slice(path.length + 1));
  const count = counted(theirs.length, "file");
  return [{ of, purge, what: `${path} (${count}: ${names.join(", ")}${theirs.length > names.length ? " …" : ""})` }];
}

/** It stays remembered: the undo that follows finds it gone, and takes what belongs to it (the account of a home). */
export function planPurge(all: readonly Leaving[]): RolePlan {
  return {
    changes: all.map(({ of: { address }, purge: { step } }) => ({ address, steps: [step], undo: true })),
    results: all.map(({ of: { address }, purge: { step } }) => ({ address, outcome: "pending", changes: [step.change] })),
    forgotten: [],
  };
}
