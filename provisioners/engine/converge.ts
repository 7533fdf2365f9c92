// Look, decide, act: the one path of previews, refresh, verify and up.

import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { type ApplyOptions, apply } from "./apply.ts";
import { type Observation, observe } from "./observe.ts";
import type { Wants } from "./order.ts";
import { plan } from "./plan.ts";
import type { Result, RoleReport } from "./report.ts";
import type { RunOptions, Shell } from "./shell.ts";

export interface Inspection {
  readonly report: RoleReport;
  /** The role's resources as they are on the server, in the shape of its wants; what isn't there is left out. */
  readonly seen: Wants;
  /** Services that an earlier run still owes a reload. */
  readonly owed: readonly Address[];
}

/** Changes nothing. One remote command. Throws HostError. */
export async function inspect(shell: Shell, role: string, wants: Wants, options?: RunOptions): Promise<Inspection> {
  const observation = await observe(shell, role, wants, options);
  const { results } = plan(wants, observation);
  return { report: { host: shell.host, role, results }, seen: seenWants(wants, observation), owed: [...observation.pending] };
}

/** Makes it so. Two remote commands at most, one where all is right already. Throws HostError; a failed step is in the report. */
export async function converge(shell: Shell, role: string, wants: Wants, options?: ApplyOptions): Promise<RoleReport> {
  const seen = await observe(shell, role, wants, options);
  const { results, ...todo } = plan(wants, seen);
  const done = new Map<Address, Result>(
    (await apply(shell, { role, wants, seen, ...todo }, options)).map((result) => [result.address, result]),
  );
  return { host: shell.host, role, results: results.map((result) => ({ ...result, ...done.get(result.address) })) };
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
