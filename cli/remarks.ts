// What to know of resources beside their outcome: what does not apply on a server, runs with less than was asked for, or is overruled there.
import type { Remarks } from "../provisioners/engine/converge.ts";
import type { Result, RoleReport } from "../provisioners/engine/report.ts";

export function withRemarks(result: Result, remarks: Remarks = {}): Result {
  const notes = remarks[result.address] ?? [];
  return notes.length > 0 ? { ...result, notes } : result;
}

/** A line a resource; what several servers have alike is said once. The same lines in the same order, whoever was asked first. */
export function remarkLines(reports: readonly RoleReport[]): readonly string[] {
  const places = new Map<string, Set<string>>();
  for (const { host, role, results } of reports)
    for (const { address, notes = [] } of results) {
      if (notes.length === 0) continue;
      const text = `${role} ${address}: ${notes.join("; ")}`;
      places.set(text, (places.get(text) ?? new Set()).add(host));
    }
  if (places.size === 0) return [];
  // Only now: to make it takes longer than all the rest.
  const { compare: byNumber } = new Intl.Collator("en", { numeric: true });
  return [...places].map(([text, hosts]) => `${[...hosts].sort(byNumber).join(", ")} ${text}`).sort(byNumber);
}
