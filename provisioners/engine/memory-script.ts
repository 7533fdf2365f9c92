// What a run writes into the server's memory: before its first change what was there, after its last what is to be forgotten.
import { dirname } from "node:path";
import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import type { Work } from "./apply.ts";
import { type Entry, journalPath, lineOf, type Memory, type Original, thingOf, withEntries } from "./journal.ts";
import { relinked } from "./own-links.ts";
import { memoryDirectory, stateDirectory, storeKey } from "./prelude.ts";
import { type First, firstOf } from "./shared-path.ts";
import { type Command, quote, sh, withInput } from "./shell-quote.ts";

/** `$fleet_left`: the store keys of what could not be undone in this run. */
export const leave = (address: Address): string => `fleet_left="$fleet_left ${storeKey(address)}"`;

/** What this run is the first to want, changed by it or right as it is: what is there is the original, whatever becomes of it. */
function firsts({ role, wants, seen, changes, forgotten }: Work): readonly First[] {
  const undone = new Set(forgotten.map(({ thing }) => thing));
  const known = new Set(seen.memory.originals.keys());
  const next = changedOf(changes);
  const fresh = [...next, ...rightOf(wants, seen, new Set(next))].filter((address) => {
    const thing = thingOf(address, wants[address]!);
    return !known.has(thing) && known.add(thing);
  });
  const changed = new Set(next);
  return fresh.map((address) => {
    const right = changed.has(address) ? {} : { right: true as const };
    const original = { address, role, want: wants[address]!, have: seen.haves.get(address), ...right };
    return firstOf(original, [...seen.memory.originals.values()], undone);
  });
}

const changedOf = (changes: Work["changes"]): readonly Address[] => changes.filter(({ undo }) => !undo).map(({ address }) => address);

/** What does not apply is neither right nor wrong; what only asks or acts has no original. */
function rightOf(wants: Work["wants"], { haves }: Work["seen"], changed: ReadonlySet<Address>): readonly Address[] {
  return (Object.keys(wants) as Address[]).filter((address) => {
    const { kind } = kindOf(address);
    return !changed.has(address) && !kind.fleeting && kind.notApplicable?.(wants[address]!, haves.get(address)) === undefined;
  });
}

/** What was right until this run. */
const nowChanged = ({ wants, seen, changes }: Work): readonly Entry[] =>
  changedOf(changes)
    .map((address) => thingOf(address, wants[address]!))
    .filter((thing) => seen.memory.originals.get(thing)?.right)
    .map((thing) => ({ changed: thing }));

const isLeft = (address: Address, want: Common): boolean =>
  address.startsWith("service[") && (want as Common & { readonly keep?: boolean }).keep === true;

/** Services that whoever wanted them first left as they were: once another switches one, it is to come back as it was then. */
function switched({ wants, seen, changes }: Work): readonly Entry[] {
  const alone = { changed: new Set<Address>(), gone: [], pending: false };
  return changedOf(changes).flatMap((address) => {
    const want = wants[address]!;
    const original = seen.memory.originals.get(thingOf(address, want));
    if (!original || !isLeft(address, original.want) || isLeft(address, want)) return [];
    const isHeardAlone = kindOf(address).kind.plan(want, seen.haves.get(address), alone).length === 0;
    return isHeardAlone ? [] : [{ first: { ...original, want: { ...original.want, keep: false }, right: undefined, stays: undefined } }];
  });
}

/**
 * The file of what stood there. It must be whole before the record that speaks of it is. Nothing is remembered of a place that nothing is
 * written to, which a user's link leads to; what is right as it is holds nothing that the fleet does not know.
 */
function copies(all: readonly First[]): readonly Command[] {
  return all.flatMap(({ original: { address, want, have, right }, from, parts }) => {
    const { kind } = kindOf(address);
    const [path, type] = [kind.path?.(want), kind.standing?.(have).type];
    if (path === undefined || type === undefined) return [];
    if (!["file", "link", "other"].includes(type))
      return right ? [] : [sh`[ ! -d ${dirname(path)} ] || ( fleet_enter ${dirname(path)} ) || exit 4`];
    const copy = `"$state/originals/${storeKey(address)}"`;
    // Who has a part of a file only writes through a link to it: the copy is of what the link leads to.
    const through = kind.shared && type === "link" ? `$([ ! -e ${quote(path)} ] || echo -L) ` : "";
    const source = from ? copyOf(from) : path;
    const without = type === "file" ? parts.map((part) => `fleet_without_block ${copy}.new ${quote(copyOf(part))} && `).join("") : "";
    const taken = right ? `cp -a ${through}-- ${quote(source)} ${copy}.new ` : `fleet_copy ${quote(source)} ${copy}.new ${through}`;
    return [{ text: `${taken}&& ${without}mv -fT -- ${copy}.new ${copy} || exit 4`, masked: "" }];
  });
}

const copyOf = ({ role, address }: Original): string => `${stateDirectory(role)}/originals/${storeKey(address)}`;

/** Adds records. Each is one line, so one that a full disk tears is told from a whole one. */
function append(entries: readonly Entry[]): readonly Command[] {
  if (entries.length === 0) return [];
  const text = entries.map(lineOf).join("");
  return [withInput(sh`( umask 077; cat >> ${journalPath} ) || exit 4`, text), sh`sync -- ${journalPath} || exit 4`];
}

/**
 * Takes out of the file what is no record, so that what comes next is not glued to it. What was added since the look is after the bytes that
 * the look saw, and stays.
 */
function mend({ damaged, size, originals, wanted, owner }: Memory): readonly Command[] {
  if (damaged === 0) return [];
  const entries: readonly Entry[] = [
    ...(owner ? [{ owner }] : []),
    ...[...originals.values()].map((first) => ({ first })),
    ...[...wanted].map(([wants, things]) => ({ wants, add: [...things], drop: [] })),
  ];
  return [
    withInput(
      sh`( umask 077; { cat && { [ ! -e ${journalPath} ] || tail -c ${`+${size + 1}`} -- ${journalPath}; }; } > ${`${journalPath}.new`} ) && sync -- ${`${journalPath}.new`} && mv -fT -- ${`${journalPath}.new`} ${journalPath} || exit 4`,
      entries.map(lineOf).join("") || "\n",
    ),
  ];
}

/** Records alone, beside any role. */
export const recordScript = (memory: Memory, entries: readonly Entry[]): readonly Command[] => [
  sh`umask 022\nmkdir -p -- ${memoryDirectory} && chmod 0700 ${memoryDirectory} || exit 4`,
  ...mend(memory),
  ...append(entries),
];

/** Before the first change: what was there (once, for undo), who wants what, and which services are owed word of it. */
export function remember(work: Work): Command[] {
  const { wants, seen, changes } = work;
  const first = firsts(work);
  const owed = changes
    .filter(({ address, undo }) => !undo && kindOf(address).kind.watches !== undefined && wants[address])
    .map(({ address }) => address);
  return [
    { text: `mkdir -p -- "$state/originals" && chmod 0700 ${memoryDirectory} "$state" || exit 4`, masked: "" },
    sh`fleet_keep_accounts ${memoryDirectory} || exit 4`,
    ...copies(first),
    ...mend(seen.memory),
    ...append([
      ...seen.owing,
      ...first.map(({ original }) => ({ first: original })),
      ...relinked(wants, seen.memory),
      ...switched(work),
      ...nowChanged(work),
    ]),
    // What an earlier version kept is in the journal now.
    ...(seen.legacy ? [sh`rm -f -- "$state/originals.jsonl"`] : []),
    ...(owed.length > 0 ? [withInput(sh`cat >> "$state/pending" || exit 4`, `${owed.join("\n")}\n`), sh`sync -f "$state"`] : []),
  ];
}

/**
 * After an undo the server remembers nothing of it, but where something of others' stays there; a server that was lent keeps no trace. The
 * last that a run does.
 */
export function forget({ role, wants, seen, forgotten, last }: Work): Command[] {
  const parents = forgotten.flatMap(({ address }) => parentsOf(address, seen));
  const records = forgotten.map(
    ({ address, thing }) => sh`fleet_undone ${storeKey(address)} ${lineOf({ undone: thing })} ${last ? "" : lineOf({ stays: thing })}`,
  );
  const ended = forgotten.length > 0 ? [...records, ...parents, sh`fleet_drop_copies`] : [];
  if (Object.keys(wants).length > 0) return ended;
  const undone = forgotten.map(({ thing }) => ({ undone: thing }));
  return [...ended, ...leaveNothing(role, withEntries(seen.memory, [...seen.owing, ...undone]))];
}

/** What its way there made, and nobody wants as a thing of its own. */
function parentsOf(address: Address, { removed, memory }: Work["seen"]): readonly Command[] {
  const want = removed.find((each) => each.address === address)?.want;
  const { kind } = kindOf(address);
  const path = want && (kind.parents?.(want) ?? kind.path?.(want));
  if (path === undefined) return [];
  const wanted = new Set([...memory.wanted.values()].flatMap((things) => [...things]));
  const above = path.split("/").map((_, index, names) => names.slice(0, index).join("/"));
  const folders = above.filter((folder) => folder !== "").toReversed();
  const end = folders.findIndex((folder) => wanted.has(folder));
  return [sh`fleet_no_parents ${end < 0 ? folders : folders.slice(0, end)}`];
}

/** Below the folders of all roles: marks of what stays. */
const stays: Command = { text: "/*/originals/*.stays", masked: "" };

/** Of a role that wants nothing any more. */
function leaveNothing(role: string, { originals, wanted }: Memory): Command[] {
  if ([...originals.values()].some((original) => original.role === role)) return [];
  const all =
    originals.size + wanted.size > 0
      ? sh``
      : sh`\nset -- ${memoryDirectory}${stays}\n[ -e "$1" ] || { fleet_accounts_back ${memoryDirectory} && rm -rf -- ${journalPath} ${memoryDirectory}/.accounts && rmdir --ignore-fail-on-non-empty -- ${memoryDirectory}; }`;
  return [sh`set -- "$state"/originals/*.stays\nif [ -z "$fleet_left" ] && [ ! -e "$1" ]; then rm -rf -- "$state"${all}\nfi`];
}
