// What is kept of runs: a folder each, and a line each in the stack's ledger, which a team shares through git.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { project } from "../../provisioners/project.ts";
import { operator } from "../operator.ts";

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

/** Raw logs hold what users sent; the page of all scores is made of the ledger. */
const ignored = "# Reports and the ledger are for the team; logs as they came hold what users sent.\nservers/\nbench.log\n/scores.html\n";
/** Two people's lines at the end of one file: both stay, and nobody has to merge them. */
const attributes = "ledger.jsonl merge=union\n";

/** Makes the next run's folder, and tells git what is the team's. */
export function newRun(folder: string, owner: Owner = ownerHere()): { readonly run: number; readonly folder: string } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of [
    [".gitignore", ignored],
    [".gitattributes", attributes],
  ] as const)
    if (!existsSync(join(folder, name))) writeFileSync(join(folder, name), text);
  return numbered(folder, owner, Math.max(0, ...ledger(folder).map(({ run }) => run)));
}

export interface Owner {
  /** `ada@laptop` */
  readonly who: string;
  /** Whether others measure too, and git brings theirs. */
  readonly shared: boolean;
}

export function ownerHere(): Owner {
  try {
    const remotes = execFileSync("git", ["remote"], { cwd: project, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return { who: operator(), shared: remotes.trim() !== "" };
  } catch {
    return { who: operator(), shared: false };
  }
}

const withOwner = (run: number, who: string): string => `${run}-${who.replace(/[^A-Za-z0-9]+/g, "-")}`;

/**
 * Makes the folder of the next number, above `least` and those that are there; nobody else here gets the same. Where a team shares them it has its
 * owner's name: who measures between two pulls has the same number, and git would want both folders merged.
 */
export function numbered(
  folder: string,
  { who, shared }: Owner = ownerHere(),
  least = 0,
): { readonly run: number; readonly folder: string } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let run = Math.max(least, ...numbersIn(folder)) + 1; ; run++) {
    const own = join(folder, shared ? withOwner(run, who) : String(run));
    try {
      mkdirSync(own, { mode: 0o700 });
      return { run, folder: own };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** The folder's name, whether it was made with its owner's or without. */
export const folderOf = (folder: string, run: number, who: string): string =>
  existsSync(join(folder, withOwner(run, who))) ? withOwner(run, who) : String(run);

const numberOf = (name: string): number => Number(/^(\d+)(?:-[A-Za-z0-9-]+)?$/.exec(name)?.[1] ?? Number.NaN);

/** Folders that have a number, the lowest first. */
export const foldersIn = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => Number.isInteger(numberOf(name)))
        .sort((a, b) => numberOf(a) - numberOf(b))
    : [];

export const numbersIn = (folder: string): readonly number[] => foldersIn(folder).map(numberOf);

export function enter(folder: string, entry: RunEntry): void {
  appendFileSync(ledgerOf(folder), `${JSON.stringify(entry)}\n`);
}
