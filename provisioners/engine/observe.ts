// Look at everything that a role names, in one remote command: what is there now, and what the server remembers of earlier runs.

import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { ask } from "./ask.ts";
import type { Wants } from "./order.ts";
import { stateDirectory } from "./prelude.ts";
import { Look } from "./probe.ts";
import type { RunOptions, Shell } from "./shell.ts";

export interface Original {
  readonly want: Common;
  readonly have: unknown;
}

export interface Observation {
  readonly haves: ReadonlyMap<Address, unknown>;
  /** What was wanted and what was there at the first change, for every resource that this role ever changed. */
  readonly originals: ReadonlyMap<Address, Original>;
  /** Changed by this role once, and no longer wanted: to be undone. */
  readonly removed: Wants;
  /** Services that are owed a reload or restart by a run that did not end. */
  readonly pending: ReadonlySet<Address>;
}

/**
 * Throws HostError. Costs one remote command at most, whatever the number of resources, and a second one where there is something to undo:
 * what a role did is remembered on the server, so that no lost state or killed run can make it forget.
 */
export async function observe(shell: Shell, role: string, wants: Wants, options: RunOptions = {}): Promise<Observation> {
  const first = await ask(shell, (look) => questionsOf(look, role, wants), options);
  const gone = [...first.originals].filter(([address]) => !(address in wants));
  const removed: Wants = Object.fromEntries(gone.map(([address, { want }]) => [address, want]));
  if (gone.length === 0) return { ...first, removed };
  const second = await ask(shell, (look) => questionsOf(look, role, removed), options);
  return { ...first, removed, haves: new Map([...first.haves, ...second.haves]) };
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
  const originals = new Map(readers.map(([address]) => [address, { want: wants[address]!, have: haves.get(address) }]));
  return { haves, originals, removed: {}, pending: new Set() };
}

/** What a role wants to know of its server; the answer is read when that has answered. */
function questionsOf(look: Look, role: string, wants: Wants): () => Omit<Observation, "removed"> {
  const journal = look.path(`${stateDirectory(role)}/originals.jsonl`, { content: true });
  const owed = look.path(`${stateDirectory(role)}/pending`, { content: true });
  const readers = readersOf(wants, look);
  const linesOf = (file: ReturnType<typeof journal>) => (file.content?.toString("utf8") ?? "").split("\n").filter(Boolean);
  return () => ({
    haves: new Map(readers.map(([address, read]) => [address, read()])),
    originals: new Map(linesOf(journal()).map(parseOriginal)),
    pending: new Set(linesOf(owed()) as Address[]),
  });
}

function parseOriginal(line: string): [Address, Original] {
  const { address, want, have } = JSON.parse(line) as Original & { address: Address };
  return [address, { want, have }];
}
