// Look at everything that a role names, in one remote command: what is there now, and what the server remembers of earlier runs.

import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import type { Wants } from "./order.ts";
import { stateDirectory } from "./prelude.ts";
import { Look, LookMoved } from "./probe.ts";
import { HostError, type RunOptions, type Shell } from "./shell.ts";

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

const attempts = 3;

/**
 * Throws HostError. Costs one remote command, whatever the number of resources, and a second one where there is something to undo:
 * what a role did is remembered on the server, so that no lost state or killed run can make it forget.
 */
export async function observe(shell: Shell, role: string, wants: Wants, options: RunOptions = {}): Promise<Observation> {
  const first = await lookAt(shell, role, wants, options);
  const gone = [...first.originals].filter(([address]) => !(address in wants));
  const removed: Wants = Object.fromEntries(gone.map(([address, { want }]) => [address, want]));
  if (gone.length === 0) return { ...first, removed };
  const second = await lookAt(shell, role, removed, options);
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

async function lookAt(shell: Shell, role: string, wants: Wants, options: RunOptions): Promise<Omit<Observation, "removed">> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await lookOnce(shell, role, wants, options);
    } catch (error) {
      if (!(error instanceof LookMoved) || attempt === attempts) throw error;
    }
  }
}

async function lookOnce(shell: Shell, role: string, wants: Wants, options: RunOptions): Promise<Omit<Observation, "removed">> {
  const look = new Look();
  const journal = look.path(`${stateDirectory(role)}/originals.jsonl`, { content: true });
  const owed = look.path(`${stateDirectory(role)}/pending`, { content: true });
  const readers = readersOf(wants, look);
  const { code, stdout, stderr } = await shell.run(look.script(), options);
  if (code !== 0) throw new HostError(shell.host, "lost", `the look ended with exit code ${code}: ${stderr.slice(0, 500)}`);
  look.hear(stdout);
  const linesOf = (file: ReturnType<typeof journal>) => (file.content?.toString("utf8") ?? "").split("\n").filter(Boolean);
  return {
    haves: new Map(readers.map(([address, read]) => [address, read()])),
    originals: new Map(linesOf(journal()).map(parseOriginal)),
    pending: new Set(linesOf(owed()) as Address[]),
  };
}

function parseOriginal(line: string): [Address, Original] {
  const { address, want, have } = JSON.parse(line) as Original & { address: Address };
  return [address, { want, have }];
}
