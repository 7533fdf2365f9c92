// What was deployed on a server, when and by whom: a line of JSON each, beside the checkout's own data in `.git`, so that it goes with it.
import { z } from "zod";

export { short } from "../../provisioners/resources/git.ts";

const Commit = z.string().regex(/^[0-9a-f]{40}$/);

export const Deployed = z.object({
  /** UTC. */
  at: z.iso.datetime(),
  /** `ada@laptop` */
  who: z.string(),
  what: z.enum(["deploy", "rollback"]),
  commit: Commit,
  /** As it was asked for: a branch, a tag, a commit. */
  ref: z.string(),
  subject: z.string(),
  /** What ran before. */
  before: Commit,
  beforeSubject: z.string().optional(),
  /** `back`: it did not answer, and what ran before came back. */
  result: z.enum(["done", "back"]),
  /** Why it was deployed although something spoke against it. */
  anyway: z.string().optional(),
});
export type Deployed = z.infer<typeof Deployed>;

/** Pure. What is no record of this version is left out. */
export const recordsIn = (lines: readonly string[]): readonly Deployed[] =>
  lines.flatMap((line) => {
    try {
      return Deployed.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      return [];
    }
  });

/**
 * Pure. The commits that a rollback goes through, the one that runs (`head`) last: a deploy lays one on top, a rollback takes those above its
 * commit away, so that two rollbacks go back twice. What went back by itself is none of them.
 */
export function trailOf(records: readonly Deployed[], head: string): readonly string[] {
  const trail: string[] = [];
  const lay = (commit: string) => {
    if (trail.at(-1) !== commit) trail.push(commit);
  };
  for (const { what, commit, before, result } of records) {
    // It had its turn, and went back for another server's sake.
    if (what === "deploy" && result === "back" && trail.at(-1) === commit) trail.pop();
    lay(before);
    if (result === "back") continue;
    const at = what === "rollback" ? trail.lastIndexOf(commit) : -1;
    if (at >= 0) trail.length = at + 1;
    else lay(commit);
  }
  lay(head);
  return trail;
}

/** Pure. What a commit was about, by what is on record. */
export function subjectIn(records: readonly Deployed[], commit: string): string {
  const found = records.flatMap((each) =>
    each.commit === commit ? [each.subject] : each.before === commit ? [each.beforeSubject ?? ""] : [],
  );
  return found.find((each) => each !== "") ?? "";
}

export const isCommit = (ref: string): boolean => /^[0-9a-f]{40}$/.test(ref);
