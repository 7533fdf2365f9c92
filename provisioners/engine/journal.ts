// What a server remembers: one file of records, only ever added to, each with a checksum. Folded, they say what was there when each thing
// was first wanted, whether it was changed since, and who wants it now. Pure; observe.ts reads the file, memory-script.ts writes it.
import { createHash } from "node:crypto";
import { type Address, type Common, unkept } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { memoryDirectory } from "./prelude.ts";

export const journalPath = `${memoryDirectory}/journal`;

/** What stands on a server but once, whatever it is called: a path, or else the resource's own address. */
export type Thing = string;

export function thingOf(address: Address, want: Common): Thing {
  const { kind } = kindOf(address);
  return (kind.shared ? undefined : kind.path?.(want)) ?? address;
}

/** What was wanted and what was there when a thing was first wanted. */
export interface Original {
  readonly address: Address;
  /** Whose folder has the copies. */
  readonly role: string;
  readonly want: Common;
  readonly have: unknown;
  /** It was right as it was, and no run has changed it since: there is nothing to put back. */
  readonly right?: true | undefined;
  /** Its undo left something of others' there, and nobody wants it: whoever gives the server back asks once more. */
  readonly stays?: true | undefined;
  /** Where the link of ours leads that was wanted there last, if another kind or another target was wanted first. */
  readonly link?: string | undefined;
}

export type Entry =
  | { readonly first: Original }
  | { readonly wants: string; readonly add: readonly Thing[]; readonly drop: readonly Thing[] }
  /** Of one that was right until now. */
  | { readonly changed: Thing }
  | { readonly undone: Thing }
  | { readonly stays: Thing }
  | { readonly owner: Owner };

/** The one stack that may change a server. */
export interface Owner {
  /** Of its own, in its state: a stack may be renamed. */
  readonly id: string;
  readonly stack: string;
  /** `ada@laptop` */
  readonly who: string;
  /** UTC */
  readonly since: string;
}

export interface Memory {
  readonly originals: ReadonlyMap<Thing, Original>;
  /** By who wants. */
  readonly wanted: ReadonlyMap<string, ReadonlySet<Thing>>;
  readonly owner?: Owner | undefined;
  /** Lines that are no records: torn by a full disk or a power cut, or written by somebody else. */
  readonly damaged: number;
  /** Bytes of the file. */
  readonly size: number;
}

export const nothing: Memory = { originals: new Map(), wanted: new Map(), damaged: 0, size: 0 };

const sumOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** A line of the file. What a kind calls sensitive is not in it, and contents are kept as copies. */
export function lineOf(entry: Entry): string {
  const safe = "first" in entry ? { first: { ...entry.first, want: withoutSecrets(entry.first) } } : entry;
  const text = JSON.stringify(safe, (name, value) => ((unkept as readonly string[]).includes(name) ? undefined : value))
    // The end of the here-document that it travels in can't stand in it.
    .replaceAll("FLEET_END", "FLEET\\u005fEND");
  return `${sumOf(text)} ${text}\n`;
}

function withoutSecrets({ address, want }: Original): Common {
  const names: readonly string[] = kindOf(address).kind.sensitive?.(want) ?? [];
  return Object.fromEntries(Object.entries(want).filter(([name]) => !names.includes(name)));
}

/** Lines that were read: each role of a server hears all of its memory at every look. */
const known = new Map<string, Entry | undefined>();
const knownLines = 50_000;

/** Undefined for what no run of this product wrote, or wrote to the end. */
function entryIn(line: string): Entry | undefined {
  if (known.has(line)) return known.get(line);
  if (known.size >= knownLines) known.clear();
  const entry = readEntry(line);
  known.set(line, entry);
  return entry;
}

function readEntry(line: string): Entry | undefined {
  const text = line.slice(17);
  return line[16] === " " && line.slice(0, 16) === sumOf(text) ? (JSON.parse(text) as Entry) : undefined;
}

export function memoryIn(file: Buffer): Memory {
  const lines = file.toString("utf8").split("\n").filter(Boolean);
  const entries = lines.map(entryIn);
  const read = entries.filter((entry) => entry !== undefined);
  return { ...withEntries(nothing, read), damaged: entries.length - read.length, size: file.length };
}

/** A memory, and what was added to it. */
export function withEntries(memory: Memory, entries: readonly Entry[]): Memory {
  const [originals, wanted] = [new Map(memory.originals), new Map(memory.wanted)];
  let { owner } = memory;
  for (const entry of entries) {
    if ("first" in entry) originals.set(thingOf(entry.first.address, entry.first.want), entry.first);
    else if ("undone" in entry) originals.delete(entry.undone);
    else if ("changed" in entry) marked(originals, entry.changed, { right: undefined });
    else if ("stays" in entry) marked(originals, entry.stays, { stays: true });
    else if ("owner" in entry) {
      // Whoever comes after another wants what it says itself, and nothing of what that one wanted.
      if (owner && owner.stack !== entry.owner.stack && owner.id !== entry.owner.id) wanted.clear();
      owner = entry.owner;
    } else {
      wanted.set(entry.wants, changed(wanted.get(entry.wants) ?? new Set(), entry));
      for (const thing of entry.add) marked(originals, thing, { stays: undefined });
    }
  }
  return { ...memory, owner, originals, wanted: new Map([...wanted].filter(([, things]) => things.size > 0)) };
}

function marked(originals: Map<Thing, Original>, thing: Thing, mark: Pick<Original, "right" | "stays">): void {
  const original = originals.get(thing);
  if (original) originals.set(thing, { ...original, ...mark });
}

function changed(
  things: ReadonlySet<Thing>,
  { add, drop }: { readonly add: readonly Thing[]; readonly drop: readonly Thing[] },
): Set<Thing> {
  const gone = new Set(drop);
  return new Set([...[...things].filter((thing) => !gone.has(thing)), ...add]);
}

/** The memory of one role as earlier versions kept it (`<role>/originals.jsonl`), which knew no wanters and no checksums. */
export function withLegacy(memory: Memory, role: string, file: Buffer): { readonly memory: Memory; readonly found: readonly Original[] } {
  const lines = file.toString("utf8").split("\n").filter(Boolean);
  const parsed = lines.map((line) => parsedLegacy(line, role));
  const read = parsed.filter((each) => each !== undefined);
  const found = read.filter(({ address, want }) => !memory.originals.has(thingOf(address, want)));
  const { originals } = withEntries(
    memory,
    found.map((first) => ({ first })),
  );
  return { memory: { ...memory, originals, damaged: memory.damaged + parsed.length - read.length }, found };
}

function parsedLegacy(line: string, role: string): Original | undefined {
  try {
    const { address, want, have } = JSON.parse(line) as Original;
    kindOf(address);
    return typeof want === "object" ? { address, role, want, have } : undefined;
  } catch {
    return undefined;
  }
}

/** Who wants: `by`, which was called `was` at its last run, where it has another name by now. */
export interface Wanter {
  readonly by: string;
  readonly was?: string | undefined;
}

/** What somebody wants from now on, as the records that make it so; none where it is so already. */
export function claims(memory: Memory, { by, was }: Wanter, things: ReadonlySet<Thing>): readonly Entry[] {
  const former = was === undefined || was === by ? [] : [claim(memory, was, new Set())];
  return [claim(memory, by, things), ...former].filter((entry) => entry !== undefined);
}

function claim({ wanted }: Memory, by: string, things: ReadonlySet<Thing>): Entry | undefined {
  const before = wanted.get(by) ?? new Set();
  const add = [...things].filter((thing) => !before.has(thing));
  const drop = [...before].filter((thing) => !things.has(thing));
  return add.length + drop.length > 0 ? { wants: by, add, drop } : undefined;
}

/** Who comes to a server: without an id, for the first time as far as its state knows. */
export type Comer = Pick<Owner, "stack" | "who"> & { readonly id?: string | undefined };

/**
 * Another stack that a server belongs to; undefined where it is free, or the comer's own. One operator's stack of one name is one stack, whatever
 * its state says: a state may be lost, or another backend's by mistake.
 */
export function foreignOwner({ owner }: Memory, { id, stack, who }: Comer): Owner | undefined {
  const same = owner?.id === id || (owner?.stack === stack && owner.who === who);
  return same ? undefined : owner;
}

/**
 * What nobody wants any more once `by` wants no more than `things`: what it wanted before and no one else does, and what a run of this
 * role left behind (an undo that failed, a memory that knew no wanters).
 */
export const unwanted = (memory: Memory, role: string, who: Wanter, things: ReadonlySet<Thing>): readonly Original[] =>
  dropped(memory, role, who, things)
    .filter(({ others }) => !others)
    .map(({ original }) => original);

/** What the same drops and somebody else still wants, where it watches files: it stays, and hears of those that go back under it. */
export const bereft = (memory: Memory, role: string, who: Wanter, things: ReadonlySet<Thing>): readonly Original[] =>
  dropped(memory, role, who, things)
    .filter(({ others, original }) => others && kindOf(original.address).kind.heard !== undefined)
    .map(({ original }) => original);

function dropped(memory: Memory, role: string, { by, was }: Wanter, things: ReadonlySet<Thing>) {
  const isMine = (who: string) => who === by || who === was;
  const all = (mine: boolean) => new Set([...memory.wanted].filter(([who]) => isMine(who) === mine).flatMap(([, each]) => [...each]));
  const [mine, others] = [all(true), all(false)];
  return [...memory.originals]
    .filter(([thing, original]) => !things.has(thing) && !original.stays && (mine.has(thing) || original.role === role))
    .map(([thing, original]) => ({ original, others: others.has(thing) }));
}
