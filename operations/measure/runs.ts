// What is kept of runs: a folder each, and a line each in the stack's ledger, which a team shares through git.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { project } from "../../provisioners/project.ts";

export const RunEntry = z.object({
  run: z.int(),
  /** Seconds of the epoch. */
  began: z.number(),
  ended: z.number(),
  score: z.number().optional(),
  passed: z.boolean(),
  /** Of one that failed: what it said, or its exit code. */
  why: z.string().optional(),
  /** With logs and samplers, or as it counts. */
  kind: z.enum(["measured", "final"]),
  who: z.string(),
  /** Of the checkout that the stack file is in; `+` behind it where something was not committed. */
  commit: z.string().optional(),
  subject: z.string().optional(),
  /** Of all servers' effective configuration. */
  digest: z.string().optional(),
  note: z.string().optional(),
});
/** A line of the ledger. Nothing in it is secret. */
export type RunEntry = z.infer<typeof RunEntry>;

export const runsFolder = (stack: string, root = project): string => join(root, "runs", stack);
const ledgerOf = (folder: string): string => join(folder, "ledger.jsonl");

/**
 * In the order of their numbers, which two people take alike who measure between two pulls: both runs stay. A line that is no run (a merge's
 * marks) is passed over, one that stands twice is one.
 */
export function ledger(folder: string): readonly RunEntry[] {
  const file = ledgerOf(folder);
  if (!existsSync(file)) return [];
  const entries = readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        const { success, data } = RunEntry.safeParse(JSON.parse(line));
        return success ? [data] : [];
      } catch {
        return [];
      }
    });
  const runs = new Map(entries.map((each) => [`${each.run} ${each.began} ${each.who}`, each]));
  return [...runs.values()].sort((a, b) => a.run - b.run || a.ended - b.ended);
}

/** Makes the next run's folder. Raw logs hold what users sent: git is told to leave them out. */
export function newRun(folder: string): { readonly run: number; readonly folder: string } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ignore = join(folder, ".gitignore");
  if (!existsSync(ignore))
    writeFileSync(ignore, "# Reports and the ledger are for the team; logs as they came hold what users sent.\nservers/\nbench.log\n");
  return numbered(folder, Math.max(0, ...ledger(folder).map(({ run }) => run)));
}

/** Makes the folder of the next number, above `least` and those that are there; nobody else gets the same. */
export function numbered(folder: string, least = 0): { readonly run: number; readonly folder: string } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let run = Math.max(least, ...numbersIn(folder)) + 1; ; run++) {
    const own = join(folder, String(run));
    try {
      mkdirSync(own, { mode: 0o700 });
      return { run, folder: own };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** Of the folders that have a number for a name, the lowest first. */
export const numbersIn = (folder: string): readonly number[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .map(Number)
        .filter(Number.isInteger)
        .sort((a, b) => a - b)
    : [];

export function enter(folder: string, entry: RunEntry): void {
  appendFileSync(ledgerOf(folder), `${JSON.stringify(entry)}\n`);
}
