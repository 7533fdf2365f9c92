// Whether a deploy may begin, and what comes of it on each server. Pure.

import { counted } from "../../spec/counted.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { Place } from "./places.ts";
import { unreached } from "./reach.ts";
import { isCommit, short, trailOf } from "./records.ts";
import type { CheckoutSeen } from "./scripts.ts";

export interface Looked {
  readonly place: Place;
  readonly seen: CheckoutSeen & { readonly head: string };
}

const some = (all: readonly string[]): string => `${all.slice(0, 3).join(", ")}${all.length > 3 ? ` and ${all.length - 3} more` : ""}`;

/** What no word of the operator's makes right: nothing of the server's own work is ever thrown away. */
export function refuseUnfit(looked: readonly { readonly place: Place; readonly seen: CheckoutSeen }[], stack: string): readonly Looked[] {
  const problems = looked.flatMap(({ place: { server, git }, seen: { head, edited, own } }) => {
    if (head === undefined) return `${server.name}: expected a checkout at ${git.path}, got none; next: ${typed()} up ${stack}`;
    if (git.force) return [];
    if (edited.length > 0)
      return `${server.name}: expected no local edits in ${git.path}, got ${some(edited)}; next: commit or discard them there`;
    if (own > 0) return `${server.name}: expected no commits of the server alone in ${git.path}, got ${own}; next: push them from there`;
    return [];
  });
  if (problems.length > 0) throw new UserError(problems.join("\n"));
  return looked as readonly Looked[];
}

/** The commit that all of them shall run. `ref` is what was asked for. */
export function targetOf(looked: readonly Looked[], ref: string, stack: string): { readonly commit: string; readonly subject: string } {
  const silent = looked.find(({ seen }) => seen.silent !== undefined);
  if (silent && !isCommit(ref)) {
    const { server, git } = silent.place;
    const { why, next } = unreached(silent.seen.silent!, git, { stack, server: server.name });
    throw new UserError(`${server.name}: expected an answer from ${git.repository}, got: ${why}; next: ${next}`);
  }
  const missing = looked.filter(({ seen }) => seen.target === undefined);
  if (missing.length > 0)
    throw new UserError(
      `${missing.map(({ place }) => place.server.name).join(", ")}: expected ${ref} in ${missing[0]!.place.git.repository}, got none; ` +
        "next: git push, or from a clone here: --from .",
    );
  const { target: commit, subject } = looked[0]!.seen;
  const other = looked.find(({ seen }) => seen.target !== commit);
  if (other)
    throw new UserError(
      `${ref}: expected one commit, got ${short(commit!)} on ${looked[0]!.place.server.name} and ${short(other.seen.target!)} on ${other.place.server.name}; next: the same again, or with the commit's id`,
    );
  return { commit: commit!, subject };
}

/** Somebody deployed what the target does not have: their work would be gone from the servers. `lost` undefined: not even known here. */
export function refuseOutrun(all: readonly { readonly server: string; readonly lost: readonly string[] | undefined }[], ref: string): void {
  const problems = all.flatMap(({ server, lost }) => {
    if (lost === undefined) return `${server}: runs a commit that is not in the clone here; next: git pull`;
    if (lost.length === 0) return [];
    return `${server}: runs ${counted(lost.length, "commit")} that ${ref} does not have: ${some(lost)}; next: merge, or ${typed()} rollback`;
  });
  if (problems.length > 0) throw new UserError(`${problems.join("\n")}\nwith --anyway REASON it is deployed all the same`);
}

/** What runs `steps` deploys before what runs now. */
export function rollbackTarget(looked: readonly Looked[], steps: number): string {
  const targets = looked.map(({ place, seen }) => {
    const trail = trailOf(seen.records, seen.head);
    return { name: place.server.name, commit: trail.at(-1 - steps), there: trail.length - 1 };
  });
  const short_ = targets.find(({ commit }) => commit === undefined);
  if (short_)
    throw new UserError(
      `${short_.name}: expected ${counted(steps, "deploy")} to go back, got ${short_.there === 0 ? "none" : short_.there} on record; next: ${typed()} deploy COMMIT --anyway REASON`,
    );
  const [first] = targets;
  const other = targets.find(({ commit }) => commit !== first!.commit);
  if (other)
    throw new UserError(
      `rollback: expected one commit, got ${short(first!.commit!)} for ${first!.name} and ${short(other.commit!)} for ${other.name}; next: one by one, --to ${first!.name}`,
    );
  return first!.commit!;
}

/** What a deploy without a ref means: what the stack file follows, or followed before it was pinned; else what the state has. */
export function followedBy(candidates: readonly (string | undefined)[]): string {
  const ref = candidates.find((each) => each !== undefined && !isCommit(each));
  if (ref !== undefined) return ref;
  throw new UserError(`deploy: expected a branch, a tag or a commit, since the stack file names a commit; next: ${typed()} deploy main`);
}
