// How often a watch has healed what, for the next watch of this checkout: cron's, too, does not fight anybody.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { stateFolder } from "../../pulumi/folder.ts";
import type { Memory } from "./rules.ts";

const Kept = z.record(z.string(), z.object({ count: z.number(), last: z.number() }));

const fileOf = (stack: string): string => join(stateFolder, "watch", `${stack}.json`);

/** None where none are kept, or they can't be read. */
export function attemptsOf(stack: string): Memory["attempts"] {
  try {
    return Kept.parse(JSON.parse(readFileSync(fileOf(stack), "utf8")));
  } catch {
    return {};
  }
}

export function keepAttempts(stack: string, attempts: Memory["attempts"]): void {
  const file = fileOf(stack);
  if (Object.keys(attempts).length === 0) {
    rmSync(file, { force: true });
    return;
  }
  const text = JSON.stringify(attempts);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}
