// What a retest under way has written and seen, for the next one: a laptop's lid, a Ctrl-C or a lost network leave the servers with its marks.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { stateFolder } from "../../pulumi/folder.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { Doer, isAlive } from "../doer.ts";

const Kept = z.object({
  version: z.literal(1),
  /** When it began, ISO 8601. */
  at: z.string(),
  mark: z.string(),
  /** Who is at it, or was; absent where an older version wrote it. */
  by: Doer.optional(),
  before: z.array(
    z.object({
      server: z.string(),
      alive: z.object({
        boot: z.string(),
        services: z.array(z.string()),
        ports: z.array(z.string()),
        answers: z.record(z.string(), z.string()),
      }),
      drift: z.array(z.string()),
      planted: z.array(z.object({ kind: z.string(), place: z.string() })),
    }),
  ),
  /** Of the note through the application, and the server that was asked. */
  note: z.object({ server: z.string(), mark: z.string(), id: z.string().optional() }).optional(),
});
export type Kept = z.infer<typeof Kept>;

const fileOf = (stack: string, folder: string): string => join(folder, "retest", `${stack}.json`);

/** Undefined where none was cut short, or another version wrote it. */
export function keptRetest(stack: string, folder = stateFolder): Kept | undefined {
  try {
    return Kept.parse(JSON.parse(readFileSync(fileOf(stack, folder), "utf8")));
  } catch {
    return undefined;
  }
}

/** What is at work is nothing that was cut short: its marks are not another's to take away. */
export function refuseWhileAtWork(stack: string, { at, by }: Kept): void {
  if (by && isAlive(by))
    throw new UserError(
      `${stack}: expected no retest at work, got that of process ${by.pid} since ${at}; next: wait for its end, or end it and ${typed()} retest --resume`,
    );
}

export function keepRetest(stack: string, kept: Kept, folder = stateFolder): void {
  const file = fileOf(stack, folder);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(kept), { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

export const forgetRetest = (stack: string, folder = stateFolder): void => rmSync(fileOf(stack, folder), { force: true });
