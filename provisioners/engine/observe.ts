// Look at everything that a role names, in one remote command: what is there now, and what the server remembers of earlier runs.

import { type Address, missing } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { ask } from "./ask.ts";
import {
  bereft,
  claims,
  type Entry,
  journalPath,
  type Memory,
  memoryIn,
  nothing,
  type Original,
  thingOf,
  unwanted,
  type Wanter,
  withLegacy,
} from "./journal.ts";
import type { Wants } from "./order.ts";
import { withoutOwnLinks } from "./own-links.ts";
import { memoryDirectory, stateDirectory } from "./prelude.ts";
import { Look, type PathSeen } from "./probe.ts";
import { revertDirectory } from "./revert.ts";
import type { RunOptions, Shell } from "./shell.ts";
import { type WayBack, waysBackOn } from "./ways-back.ts";

/** Something that was changed once and that nobody wants any more: to be undone. */
export interface Removed extends Original {
  /** What is there now. */
  readonly now: unknown;
}

export interface Observation {
  readonly haves: ReadonlyMap<Address, unknown>;
  readonly memory: Memory;
  /** What the server must remember before anything is changed: of earlier versions' memory, and who wants what. */
  readonly owing: readonly Entry[];
  readonly removed: readonly Removed[];
  /** What this role drops and another still wants: it hears of what is undone under it. */
  readonly bereft: readonly Removed[];
  /** Services that are owed a reload or restart by a run that did not end. */
  readonly pending: ReadonlySet<Address>;
  /** A run that did not end left contents that it would have rolled back to. */
  readonly unfinished: boolean;
  /** An earlier version's memory of this role is still there. */
  readonly legacy: boolean;
  /** A change of a way in that no run has confirmed yet: it goes back by itself. */
  readonly armed: boolean;
}

/** @param by @default the role's name */
export interface ObserveOptions extends RunOptions, Partial<Wanter> {}

/** Of a server with nothing on it. */
export const blankObservation: Observation = {
  ...{ haves: new Map(), memory: nothing, owing: [], removed: [], bereft: [], pending: new Set() },
  ...{ unfinished: false, legacy: false, armed: false },
};

/**
 * Throws HostError. Costs one remote command at most, whatever the number of resources, and a second one where there is something to undo:
 * what a role did is remembered on the server, so that no lost state or killed run can make it forget.
 */
export async function observe(shell: Shell, role: string, wants: Wants, options: ObserveOptions = {}): Promise<Observation> {
  const { by = role, was, ...run } = options;
  const { removed, bereft, ...first } = await ask(shell, (look) => questionsOf(look, role, wants, { by, was }), run);
  // Where nothing is undone there is nothing to hear of.
  const looked = await lookAtRemoved(shell, removed.length === 0 ? [] : [...removed, ...bereft], run);
  return { ...first, removed: looked.slice(0, removed.length), bereft: looked.slice(removed.length) };
}

/** All that the server remembers, whoever wants it: for a server that is given back. Throws HostError. */
export async function observeAll(
  shell: Shell,
  options: RunOptions = {},
): Promise<Pick<Observation, "memory" | "owing" | "removed" | "armed"> & { readonly ways: readonly WayBack[] }> {
  const { memory, ...looked } = await lookAtMemory(shell, options);
  return { memory, ...looked, removed: await lookAtRemoved(shell, [...memory.originals.values()], options) };
}

/** Throws HostError. */
export function observeMemory(shell: Shell, options: RunOptions = {}): Promise<Memory> {
  return ask(
    shell,
    (look) => {
      const journal = look.path(journalPath, { content: "whole" });
      return () => memoryIn(bytesOf(journal()));
    },
    options,
  );
}

const readersOf = (wants: Wants, look: Look) =>
  (Object.keys(wants) as Address[]).map((address) => [address, kindOf(address).kind.read(wants[address]!, look)] as const);

/**
 * What a role finds on a host that nobody has looked at yet. The host is thrown away, not handed back: nothing of what was there needs to be
 * remembered, as if it had been already.
 */
export function blank(wants: Wants): Observation {
  const look = new Look();
  const readers = readersOf(wants, look);
  look.assumeBlank();
  const haves = new Map(readers.map(([address, read]) => [address, read()]));
  const known = readers.map(([address]) => {
    const want = wants[address]!;
    return [thingOf(address, want), { address, role: "", want, have: haves.get(address) }] as const;
  });
  return { ...blankObservation, haves, memory: { ...nothing, originals: new Map(known) } };
}

const bytesOf = (file: PathSeen): Buffer => file.content ?? Buffer.alloc(0);
const legacyPath = (role: string): string => `${stateDirectory(role)}/originals.jsonl`;

type Looked = Omit<Observation, "removed" | "bereft"> & Readonly<Record<"removed" | "bereft", readonly Original[]>>;

/** What a role wants to know of its server; the answer is read when that has answered. */
function questionsOf(look: Look, role: string, wants: Wants, who: Wanter): () => Looked {
  const [journal, legacy] = [journalPath, legacyPath(role)].map((path) => look.path(path, { content: "whole" }));
  const owed = look.path(`${stateDirectory(role)}/pending`, { content: true });
  const rollback = look.path(`${stateDirectory(role)}/rollback`);
  const armed = look.path(revertDirectory);
  const readers = readersOf(wants, look);
  return () => {
    const { memory, found } = withLegacy(memoryIn(bytesOf(journal!())), role, bytesOf(legacy!()));
    const things = new Set((Object.keys(wants) as Address[]).map((address) => thingOf(address, wants[address]!)));
    return {
      haves: withoutOwnLinks(wants, new Map(readers.map(([address, read]) => [address, read()])), memory),
      memory,
      owing: [...found.map((first) => ({ first })), ...claims(memory, who, things)],
      removed: unwanted(memory, role, who, things),
      bereft: bereft(memory, role, who, things),
      pending: new Set(bytesOf(owed()).toString("utf8").split("\n").filter(Boolean) as Address[]),
      unfinished: rollback().type === "directory",
      legacy: legacy!().type === "file",
      armed: armed().type !== missing,
    };
  };
}

async function lookAtRemoved(shell: Shell, removed: readonly Original[], options: RunOptions): Promise<readonly Removed[]> {
  if (removed.length === 0) return [];
  const questions = (look: Look) => {
    const readers = removed.map((original) => [original, kindOf(original.address).kind.read(original.want, look, true)] as const);
    return () => readers.map(([original, read]) => ({ ...original, now: read() }));
  };
  return await ask(shell, questions, options);
}

/** With what every role's earlier versions remembered. */
async function lookAtMemory(
  shell: Shell,
  options: RunOptions,
): Promise<Pick<Observation, "memory" | "owing" | "armed"> & { readonly ways: readonly WayBack[] }> {
  const list = { text: `cd ${memoryDirectory} && printf '%s\\n' */originals.jsonl`, masked: "list the roles" };
  const [listed, ways] = await Promise.all([ask(shell, (look) => look.command(list), options), ask(shell, waysBackOn, options)]);
  const roles = listed.stdout
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("*"))
    .map((line) => line.slice(0, line.indexOf("/")));
  const questions = (look: Look) => {
    const journal = look.path(journalPath, { content: "whole" });
    const armed = look.path(revertDirectory);
    const files = roles.map((role) => [role, look.path(legacyPath(role), { content: "whole" })] as const);
    return () =>
      files.reduce(
        ({ memory, owing, ...rest }, [role, file]) => {
          const read = withLegacy(memory, role, bytesOf(file()));
          return { ...rest, memory: read.memory, owing: [...owing, ...read.found.map((first) => ({ first }))] };
        },
        { memory: memoryIn(bytesOf(journal())), owing: [] as readonly Entry[], armed: armed().type !== missing, ways },
      );
  };
  return await ask(shell, questions, options);
}
