// The stack file of this computer, written whole or not at all.
import { chmodSync, readFileSync, realpathSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { project, stacksFolder } from "../provisioners/project.ts";

export const stackFileOf = (stack: string, folder = stacksFolder): string => join(folder, `Pulumi.${stack}.yaml`);

/** A file as people name it. */
export const shownName = (file: string): string => relative(project, file);

export const stackTextOf = (stack: string, folder = stacksFolder): string => readFileSync(stackFileOf(stack, folder), "utf8");

/** @returns whether anything was to be written */
export function rewriteStackFile(stack: string, change: (text: string) => string, folder = stacksFolder): boolean {
  // A link stays one.
  const file = realpathSync(stackFileOf(stack, folder));
  const text = readFileSync(file, "utf8");
  const changed = change(text);
  if (changed === text) return false;
  replaceFile(file, changed, statSync(file).mode & 0o777);
  return true;
}

/** Nobody sees half of it, also where we end in the middle. */
export function replaceFile(file: string, text: string, mode: number): void {
  const next = `${file}.${process.pid}`;
  writeFileSync(next, text);
  chmodSync(next, mode);
  renameSync(next, file);
}

/** With the folders below `folder` that it leaves empty. */
export function removeFile(folder: string, file: string): void {
  rmSync(file, { force: true });
  for (let each = dirname(file); each.startsWith(`${folder}/`); each = dirname(each)) {
    try {
      rmdirSync(each);
    } catch {
      return;
    }
  }
}
