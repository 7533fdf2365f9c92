// Look, decide, act: the one path of previews, refresh, verify and up.

import { counted } from "../../spec/counted.ts";
import { type Address, type Common, missing } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { type ApplyOptions, apply, type Work } from "./apply.ts";
import {
  type Comer,
  claims,
  type Entry,
  foreignOwner,
  journalPath,
  type Memory,
  type Owner,
  type Thing,
  type Wanter,
  withEntries,
} from "./journal.ts";
import { recordScript } from "./memory-script.ts";
import { blankObservation, type Observation, type ObserveOptions, observe, observeAll, observeMemory, type Removed } from "./observe.ts";
import type { Wants } from "./order.ts";
import { followers, plan, planUndo, type RolePlan } from "./plan.ts";
import { accountFunctions, memoryDirectory, pathFunctions } from "./prelude.ts";
import { Look } from "./probe.ts";
import { type Leavings, planPurge } from "./purge.ts";
import type { Result, RoleReport } from "./report.ts";
import { settleScript } from "./revert.ts";
import { HostError, type RunOptions, type Shell } from "./shell.ts";
import { lines, sh } from "./shell-quote.ts";
import { takeBack } from "./ways-back.ts";

export interface Seen {
  /** The role's resources as they are on the server, in the shape of its wants; what isn't there is left out. */
  readonly seen: Wants;
  /** Services that an earlier run still owes a reload. */
  readonly owed: readonly Address[];
  /** What to know of the server beside its resources. */
  readonly notes: readonly string[];
  /** What to know of single resources beside their outcome: what does not apply, what runs with less than was asked for, what overrules it. */
  readonly remarks: Remarks;
}

export type Remarks = Readonly<Record<Address, readonly string[]>>;

export interface Inspection extends Seen {
  readonly report: RoleReport;
  /** Of what isn't there: what stands in its place, and goes: a "link to `/x`". */
  readonly instead: Readonly<Record<Address, string>>;
  /** Of what an up would do, what only follows from the rest: a reload. */
  readonly follows: readonly Address[];
}

export interface ConvergeOptions extends ApplyOptions, ObserveOptions {}

/** Changes nothing, and decides nothing: what is there. One remote command at most. Throws HostError. */
export async function see(shell: Shell, role: string, wants: Wants, options?: ObserveOptions): Promise<Seen> {
  return seenOf(wants, await observe(shell, role, wants, options));
}

const seenOf = (wants: Wants, observation: Observation): Seen => ({
  ...{ seen: seenWants(wants, observation), owed: [...observation.pending], notes: notesOf(observation) },
  remarks: remarksOf(wants, observation),
});

/** The same, and what an up would do. */
export async function inspect(shell: Shell, role: string, wants: Wants, options?: ObserveOptions): Promise<Inspection> {
  const observation = await observe(shell, role, wants, options);
  const { results } = plan(wants, observation);
  const seen = seenOf(wants, observation);
  const report = { host: shell.host, role, results, notes: seen.notes };
  const beside = { instead: insteadOf(wants, observation, seen.seen), follows: followers(wants, observation, results) };
  return { report, ...beside, ...seen };
}

/** Makes it so. Two remote commands at most, one where all is right already. Throws HostError; a failed step is in the report. */
export async function converge(shell: Shell, role: string, wants: Wants, options?: ConvergeOptions): Promise<RoleReport> {
  const seen = await atRest(shell, () => observe(shell, role, wants, options));
  const own = { ...seen, removed: seen.removed.filter((each) => each.role === role) };
  const results = await run(shell, { role, wants, seen: own }, plan(wants, own), options);
  const others = seen.removed.filter((each) => each.role !== role);
  const more = await undoAll(
    shell,
    others,
    {
      memory: { ...withEntries(seen.memory, seen.owing), damaged: 0 },
      owing: [],
      legacy: false,
      bereft: [...seen.bereft, ...listeners(role, wants, seen)],
    },
    options,
  );
  const report = { host: shell.host, role, results: [...results, ...more], notes: notesOf(seen) };
  const acted = report.results.some(({ outcome }) => outcome === "changed");
  return acted && failures(report).length === 0 ? confirm(shell, wants, report, options) : report;
}

/** What an earlier run changed of the ways in, and did not live to confirm, goes back before anything is decided. */
async function atRest<T extends { readonly armed: boolean }>(shell: Shell, look: () => Promise<T>): Promise<T> {
  const seen = await look();
  if (!seen.armed) return seen;
  await shell.run(settleScript, { deadline: 150_000 });
  return await look();
}

/** The role's own that watch files: what another role was the first to change goes back after they are done. */
const listeners = (role: string, wants: Wants, { haves }: Observation): readonly Removed[] =>
  (Object.keys(wants) as Address[])
    .filter((address) => kindOf(address).kind.heard !== undefined)
    .map((address) => ({ address, role, want: wants[address]!, have: haves.get(address), now: haves.get(address) }));

/** After changes what runs is asked once more: a value that a service did not take is a failure of this run, not a find of the next look. */
async function confirm(shell: Shell, wants: Wants, report: RoleReport, options?: RunOptions): Promise<RoleReport> {
  const asked = (Object.keys(wants) as Address[]).filter((address) => kindOf(address).kind.effective);
  if (asked.length === 0 || options?.signal?.aborted) return report;
  const look = new Look();
  const readers = asked.map((address) => [address, kindOf(address).kind.read(wants[address]!, look)] as const);
  const { code, stdout, stderr } = await shell.run(look.script(), { ...(options?.signal && { signal: options.signal }) });
  if (code !== 0)
    throw new HostError(shell.host, "lost", `the look after the changes ended with exit code ${code}: ${stderr.slice(0, 500)}`);
  look.hear(stdout);
  const wrong = new Map(readers.map(([address, read]) => [address, kindOf(address).kind.wrong?.(wants[address]!, read())]));
  const results = report.results.map((result): Result => {
    const reason = wrong.get(result.address);
    return reason === undefined ? result : { ...result, outcome: "failed", reason };
  });
  return { ...report, results };
}

/** Removes for good what was listed. The account of a home stays for the undo. Throws HostError; what could not go is in the report. */
export async function purgeAll(shell: Shell, { memory, all }: Leavings, options?: ApplyOptions): Promise<RoleReport> {
  const of = new Map(all.map((each) => [each.of, each]));
  const planned = (own: readonly Removed[]) => planPurge(own.flatMap((each) => of.get(each) ?? []));
  const results = await undoAll(shell, [...of.keys()], { memory, owing: [], legacy: false }, options, planned);
  return { host: shell.host, role: "", results };
}

/** Everything that the server remembers, whoever wants it, goes back to what it was. Throws HostError; what could not is in the report. */
export async function giveBack(shell: Shell, options?: ApplyOptions): Promise<RoleReport> {
  const { memory, owing, removed, ways } = await atRest(shell, () => observeAll(shell, options));
  const nobody = [...memory.wanted].map(([wants, things]) => ({ wants, add: [], drop: [...things] }));
  // They came after what the roles did.
  const beside = await takeBack(shell, ways, pathsGivenBack(removed), options);
  const undone = await undoAll(shell, removed, { memory, owing: [...owing, ...nobody], legacy: true, last: true }, options);
  const results = [...beside, ...undone];
  const left = results.filter(({ outcome }) => outcome === "failed" || outcome === "skipped");
  // Claims alone, and the folders of roles that found everything right, are no memory of anything.
  const last = left.length === 0 ? nothingLeft : somethingLeft;
  const stays =
    left.length > 0 && options?.signal?.aborted ? undefined : await shell.run(last, options?.signal && { signal: options.signal });
  const notes = [...notesOf({ memory }), ...(stays?.stdout.toString("utf8").split("\n").filter(Boolean) ?? [])];
  return { host: shell.host, role: "", results, notes };
}

const pathsGivenBack = (removed: readonly Removed[]): readonly string[] =>
  removed.flatMap(({ address, want, right }) => (right ? [] : (kindOf(address).kind.path?.(want) ?? [])));

/** The accounts may be as they were all the same. */
const somethingLeft = sh`${{ text: accountFunctions, masked: "" }}
fleet_accounts_back ${memoryDirectory}`;

const nothingLeft = sh`${{ text: `${pathFunctions}\n${accountFunctions}`, masked: "" }}
[ -d ${memoryDirectory} ] || exit 0
cd ${memoryDirectory}
if [ -e .parents ]; then
  sort -r .parents | while IFS= read -r each; do
    if [ -d "$each" ] && ! fleet_at "$each" rmdir -- > /dev/null 2>&1; then printf '%s stays, with what others put into it; remove it by \`rm -r %s\`\n' "$each" "$each"; fi
  done
fi
fleet_accounts_back ${memoryDirectory}
rm -rf -- journal .parents .accounts */originals */rollback */pending
find ${memoryDirectory} -depth -type d -empty -delete`;

/** A server's own thing: whoever has it in its state wants it. */
const serverThing: Thing = "server";

/** Nothing is given back while somebody wants the server. Throws HostError. */
export async function claimServer(shell: Shell, who: Wanter, owner: Owner, options?: RunOptions): Promise<void> {
  const memory = await observeMemory(shell, options);
  const same = memory.owner?.id === owner.id && memory.owner.stack === owner.stack;
  const taken: readonly Entry[] = same ? [] : [{ owner }];
  const claimed = claims(withEntries(memory, taken), who, new Set([serverThing]));
  await record(shell, memory, [...taken, ...claimed], options);
}

/** Throws HostError. */
export const ownerBeside = async (shell: Shell, comer: Comer, options?: RunOptions): Promise<Owner | undefined> =>
  foreignOwner(await observeMemory(shell, options), comer);

/** Everything goes back, unless somebody else wants the server. Throws HostError; what could not go back is in the report. */
export async function releaseServer(shell: Shell, by: string, options?: ApplyOptions): Promise<RoleReport> {
  const memory = await observeMemory(shell, options);
  const others = [...memory.wanted].some(([who, things]) => who !== by && things.has(serverThing));
  if (!others) return await giveBack(shell, options);
  await record(shell, memory, claims(memory, { by }, new Set()), options);
  return { host: shell.host, role: "", results: [] };
}

async function record(shell: Shell, memory: Memory, entries: readonly Entry[], options?: RunOptions): Promise<void> {
  if (entries.length === 0) return;
  const { code, stderr } = await shell.run(lines(recordScript(memory, entries)), options);
  if (code !== 0) throw new HostError(shell.host, "lost", `can't write \`${journalPath}\`: ${stderr.trim().slice(0, 500)}`);
}

/** What a role was the last to change is in its own folder: one role after the other, the last that came first. */
async function undoAll(
  shell: Shell,
  removed: readonly Removed[],
  {
    last = false,
    ...from
  }: Pick<Observation, "memory" | "owing" | "legacy"> & Partial<Pick<Observation, "bereft">> & { readonly last?: boolean },
  options?: ApplyOptions,
  planned: typeof planUndo = planUndo,
): Promise<readonly Result[]> {
  const roles = [...new Set(removed.map((each) => each.role))].reverse();
  const results: Result[] = [];
  let seen = { ...blankObservation, ...from };
  for (const role of roles) {
    const own = removed.filter((each) => each.role === role);
    const todo = planned(own, from.bereft);
    results.push(...(await run(shell, { role, wants: {}, seen: { ...seen, removed: own }, guest: true, last }, todo, options)));
    const undone = todo.forgotten.map(({ thing }) => ({ undone: thing }));
    seen = { ...seen, memory: { ...withEntries(seen.memory, [...seen.owing, ...undone]), damaged: 0 }, owing: [] };
  }
  return results;
}

async function run(
  shell: Shell,
  of: Pick<Work, "role" | "wants" | "seen" | "guest" | "last">,
  { results, ...todo }: RolePlan,
  options?: ApplyOptions,
): Promise<readonly Result[]> {
  const done = new Map<Address, Result>((await apply(shell, { ...of, ...todo }, options)).map((result) => [result.address, result]));
  return results.map((result) => ({ ...result, ...done.get(result.address) }));
}

export const failures = ({ results }: RoleReport): readonly Result[] => results.filter(({ outcome }) => outcome === "failed");

const unconfirmed =
  "what the last run changed of the ways into this server nobody has confirmed: it goes back by itself within a minute; next: look again then";

function notesOf({
  memory: { damaged },
  armed = false,
}: Pick<Observation, "memory"> & Partial<Pick<Observation, "armed">>): readonly string[] {
  const lines = counted(damaged, "line");
  const torn = `its memory had ${lines} that no run wrote to the end (a full disk, a power cut, somebody's hand): left out, the rest holds`;
  return [...(armed ? [unconfirmed] : []), ...(damaged === 0 ? [] : [torn])];
}

function remarksOf(wants: Wants, { haves }: Observation): Remarks {
  const rows = (Object.keys(wants) as Address[]).map((address): readonly [Address, readonly string[]] => {
    const { kind } = kindOf(address);
    const [want, have] = [wants[address]!, haves.get(address)];
    const reason = kind.notApplicable?.(want, have);
    return [address, reason === undefined ? (kind.notes?.(want, have) ?? []) : [reason]];
  });
  return Object.fromEntries(rows.filter(([, said]) => said.length > 0));
}

/** Of a folder only what is in it may be wanted. */
function insteadOf(wants: Wants, { haves }: Observation, seen: Wants): Inspection["instead"] {
  const rows = (Object.keys(wants) as Address[]).flatMap((address): [Address, string][] => {
    const { kind } = kindOf(address);
    if (address in seen || kind.shared || !kind.standing) return [];
    const { type, target } = kind.standing(haves.get(address));
    return type === missing || type === "directory" ? [] : [[address, calledAs(type, target)]];
  });
  return Object.fromEntries(rows);
}

const calledAs = (type: string, target: string): string =>
  type === "link" ? `link to \`${target}\`` : type === "other" ? "device, pipe or socket" : type;

function seenWants(wants: Wants, { haves }: Observation): Wants {
  const rows = (Object.keys(wants) as Address[]).map((address) => {
    const { kind } = kindOf(address);
    const [want, have] = [wants[address]!, haves.get(address)];
    return [address, kind.notApplicable?.(want, have) === undefined ? kind.seen(want, have) : want] satisfies [Address, Common | undefined];
  });
  return Object.fromEntries(rows.filter((row): row is [Address, Common] => row[1] !== undefined));
}
