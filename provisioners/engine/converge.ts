// Look, decide, act: the one path of previews, refresh, verify and up.

import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { type ApplyOptions, apply } from "./apply.ts";
import { type Observation, observe } from "./observe.ts";
import type { Wants } from "./order.ts";
import { plan } from "./plan.ts";
import { Look } from "./probe.ts";
import type { Result, RoleReport } from "./report.ts";
import { HostError, type RunOptions, type Shell } from "./shell.ts";

export interface Seen {
  /** The role's resources as they are on the server, in the shape of its wants; what isn't there is left out. */
  readonly seen: Wants;
  /** Services that an earlier run still owes a reload. */
  readonly owed: readonly Address[];
}

export interface Inspection extends Seen {
  readonly report: RoleReport;
}

/** Changes nothing, and decides nothing: what is there. One remote command at most. Throws HostError. */
export async function see(shell: Shell, role: string, wants: Wants, options?: RunOptions): Promise<Seen> {
  return seenOf(wants, await observe(shell, role, wants, options));
}

const seenOf = (wants: Wants, observation: Observation): Seen => ({ seen: seenWants(wants, observation), owed: [...observation.pending] });

/** The same, and what an up would do. */
export async function inspect(shell: Shell, role: string, wants: Wants, options?: RunOptions): Promise<Inspection> {
  const observation = await observe(shell, role, wants, options);
  const { results } = plan(wants, observation);
  return { report: { host: shell.host, role, results }, ...seenOf(wants, observation) };
}

/** Makes it so. Two remote commands at most, one where all is right already. Throws HostError; a failed step is in the report. */
export async function converge(shell: Shell, role: string, wants: Wants, options?: ApplyOptions): Promise<RoleReport> {
  const seen = await observe(shell, role, wants, options);
  const { results, ...todo } = plan(wants, seen);
  const done = new Map<Address, Result>(
    (await apply(shell, { role, wants, seen, ...todo }, options)).map((result) => [result.address, result]),
  );
  const report = { host: shell.host, role, results: results.map((result) => ({ ...result, ...done.get(result.address) })) };
  return done.size > 0 && failures(report).length === 0 ? confirm(shell, wants, report, options) : report;
}

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

export const failures = ({ results }: RoleReport): readonly Result[] => results.filter(({ outcome }) => outcome === "failed");

function seenWants(wants: Wants, { haves }: Observation): Wants {
  const rows = (Object.keys(wants) as Address[]).map((address) => {
    const { kind } = kindOf(address);
    const [want, have] = [wants[address]!, haves.get(address)];
    return [address, kind.notApplicable?.(want, have) === undefined ? kind.seen(want, have) : want] satisfies [Address, Common | undefined];
  });
  return Object.fromEntries(rows.filter((row): row is [Address, Common] => row[1] !== undefined));
}
