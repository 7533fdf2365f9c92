// The local backend keeps a copy of the whole state for every run, and never throws one away: 13 MB an up at 64 servers.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Runs of a stack whose history and backups are kept: a contest's day. */
export const keptRuns = 20;

/** `team-a-1795958532873140289.history.json`, `team-a.1795958532874006529.json.attrs`: the time of the run in nanoseconds. */
const timeOf = (name: string): string | undefined => /[.-](\d{19})\.(?:history\.|checkpoint\.)?json/.exec(name)?.[1];

/** Takes away what is older than the newest runs. Files of another shape stay. */
export function prune(folder: string, kept = keptRuns): void {
  const names = namesIn(folder).filter((name) => timeOf(name) !== undefined);
  const times = [...new Set(names.map((name) => timeOf(name)!))].sort();
  const old = new Set(times.slice(0, Math.max(0, times.length - kept)));
  for (const name of names) if (old.has(timeOf(name)!)) rmSync(join(folder, name), { force: true });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
