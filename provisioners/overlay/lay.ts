// Lays the team's files over what a role wants by itself: they are checked, rolled back and heard of as the role's own files are.
import type { OverlayEntry } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import type { Facts } from "../engine/facts.ts";
import { isBelow } from "../resources/address-path.ts";
import type { Address, Common } from "../resources/kind.ts";
import type { Declared } from "../resources/want.ts";
import type { Account, Territory } from "../roles/role.ts";
import { earlyFirst } from "./early.ts";
import { entryWant, folders } from "./entry.ts";
import { type Yielded, yielding } from "./families.ts";
import { hearers, withHearers } from "./hear.ts";
import { type Neighbour, pathsOf } from "./owners.ts";
import { withoutTheirs } from "./sysctl.ts";

export interface Ground {
  readonly facts: Facts;
  /** The user below whose home files are the user's. */
  readonly account: Account;
  /** The roles of the server. */
  readonly neighbours: readonly Neighbour[];
}

/** What one role wants with the team's files that are its own, and without what the team says otherwise. */
export function lay(role: Neighbour, entries: readonly OverlayEntry[], all: readonly OverlayEntry[], ground: Ground): readonly Declared[] {
  refuseClashes(role, all);
  const written = new Set(all.map(({ path }) => path));
  const mine = entries.map((entry) => ({
    entry,
    declared: entryWant(entry, {
      own: role.own,
      all,
      blocks: blocksAt(entry.path, ground.neighbours),
      territory: placeOf(entry.path, role.territory),
      account: ground.account,
    }),
  }));
  const laid = new Map(mine.map(({ entry, declared }) => [entry.path, declared.address]));
  const said = new Set(
    role.territory.flatMap(({ paths, instead = [] }) => (entries.some(({ path }) => paths.includes(path)) ? instead : [])),
  );
  const kept = role.own.filter((each) => !said.has(each.address) && !pathsOf(each).some((path) => written.has(path)));
  const moved = new Map(
    role.own.flatMap((each) => pathsOf(each).flatMap((path) => (written.has(path) ? [[each.address, laid.get(path)] as const] : []))),
  );
  const own = kept.flatMap((each) => withoutTheirs(yielding(rewired(each, moved), pathsOf(each)[0], all).declared, all));
  const has = new Set(own.map(({ address }) => address));
  const made = folders(entries, ground.account).filter(({ address }) => !has.has(address));
  const placed = mine.map(({ declared }) => declared);
  return earlyFirst(withHearers([...own, ...made, ...placed], hearers(mine, role, ground.facts)), role.territory);
}

/** What is dropped for the team's files, a sentence each, wholly or in part. A role's own file or unit only has another content. */
export function replaced(roles: readonly Neighbour[], entries: readonly OverlayEntry[]): readonly string[] {
  const written = new Set(entries.map(({ path }) => path));
  return roles.flatMap(({ role, own }) =>
    own.flatMap((each) => {
      const paths = pathsOf(each);
      const over = paths.filter((path) => written.has(path));
      if (over.length > 0) return over.map((path) => `the team's \`${path}\` ${inPlaceOf(each.address)} of the role \`${role}\``);
      return inPart(yielding(each, paths[0], entries).left, each.address, role);
    }),
  );
}

function inPart(left: Yielded["left"], address: Address, role: string): readonly string[] {
  const files = [...new Set(left.map(({ file }) => file))];
  return files.map((file) => {
    const keys = left.flatMap((each) => (each.file === file ? [`\`${each.key}\``] : []));
    return `the team's \`${file}\` says ${keys.join(", ")}: \`${address}\` of the role \`${role}\` leaves it out`;
  });
}

const inPlaceOf = (address: Address): string =>
  address.startsWith("block[") ? `keeps \`${address}\`` : `takes the place of \`${address}\``;

/** The territory that a path lies in: the longest of its paths counts. */
function placeOf(path: string, territory: readonly Territory[]): Territory | undefined {
  const here = territory.flatMap((each) => each.paths.filter((of) => isBelow(path, of)).map((of) => ({ each, of })));
  return here.sort((a, b) => b.of.length - a.of.length)[0]?.each;
}

/** Blocks that any role keeps in the file: a whole file of the team's holds them at its end. */
const blocksAt = (path: string, roles: readonly Neighbour[]): readonly Declared[] =>
  roles.flatMap(({ own }) => own.filter((each) => each.address.startsWith("block[") && pathsOf(each).includes(path)));

const whole = ["file", "unit", "block", "link", "absent", "sysctl", "limits", "cron"];

/** What a file of the team's can't stand in for. */
function refuseClashes({ role, own }: Neighbour, entries: readonly OverlayEntry[]): void {
  for (const { path } of entries) {
    for (const each of own) {
      const kind = each.address.slice(0, each.address.indexOf("["));
      const clash = pathsOf(each).some((of) => (of === path && !whole.includes(kind)) || of.startsWith(`${path}/`));
      if (clash)
        throw new UserError(
          `files: expected no file \`${path}\`, where the role \`${role}\` wants \`${each.address}\`; move it, or change the role's parameters`,
        );
      const under = ["file", "absent"].includes(kind) && pathsOf(each).some((of) => path.startsWith(`${of}/`));
      if (under)
        throw new UserError(
          `files: expected no file below \`${each.address}\` of the role \`${role}\`, got \`${path}\`; move it, or change the role's parameters`,
        );
    }
  }
}

const references = ["after", "on", "restartOn", "reloadOn"] as const;

/** What named a resource that the team's file took the place of names that file. */
function rewired(declared: Declared, moved: ReadonlyMap<Address, Address | undefined>): Declared {
  const of = declared.want as Common & Partial<Record<(typeof references)[number], readonly Address[]>>;
  const changed = references.flatMap((name) => {
    const list = of[name];
    if (!list?.some((address) => moved.has(address))) return [];
    const next = list.flatMap((address) => (moved.has(address) ? (moved.get(address) ?? []) : address));
    return [[name, [...new Set(next)]] as const];
  });
  return changed.length === 0 ? declared : { ...declared, want: { ...of, ...Object.fromEntries(changed) } };
}
