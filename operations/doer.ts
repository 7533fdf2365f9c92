// Who is at something, as what is kept here says it: a process of this computer that may have been killed since.
import { readFileSync } from "node:fs";
import { z } from "zod";

export const Doer = z.object({ pid: z.number(), born: z.string() });
export type Doer = z.infer<typeof Doer>;

export const thisProcess = (): Doer => ({ pid: process.pid, born: bornOf(process.pid) });

export const isAlive = ({ pid, born }: Doer): boolean => bornOf(pid) === born;

/** Whether a process has this id, whichever it is. */
export const isThere = (pid: number): boolean => bornOf(pid) !== "";

/** When a process began: its id may be another's by now. Without a /proc, whether there is one; empty where there is none. */
function bornOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? "" : (rest[18] ?? "");
  } catch {
    return process.platform === "linux" ? "" : answers(pid);
  }
}

function answers(pid: number): string {
  try {
    process.kill(pid, 0);
    return "there";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "there" : "";
  }
}
