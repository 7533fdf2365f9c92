// The stack file and the team's files on this computer, before and after a split.
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { applyPatch, createPatch } from "diff";
import type { Draft } from "../../provisioners/stack.ts";
import { suffix } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import { replaceFile, stackFileOf } from "../stack-file.ts";
import type { FileRecord, SplitRecord } from "./record.ts";

export const ownFile = (folder: string, { server, path, template }: Pick<FileRecord, "server" | "path" | "template">): string =>
  join(folder, server, `${path}${template ? suffix : ""}`);

export const textAt = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, "utf8") : undefined);

/** What the files say before, or after, whatever lies here now. */
export const draftOf = ({ stackFile, files }: Pick<SplitRecord, "stackFile" | "files">, when: "before" | "after"): Draft => ({
  text: stackFile[when],
  files: Object.fromEntries(
    [...new Set(files.map(({ server }) => server))].map((name) => [
      name,
      files
        .filter(({ server }) => server === name)
        .map(({ path, mode, template, ...each }) => {
          const content = each[when];
          return content === undefined ? { path, gone: true as const } : { path, content, mode, ...(template && { template }) };
        }),
    ]),
  ),
});

function write(file: string, text: string, mode = "0644"): void {
  mkdirSync(dirname(file), { recursive: true });
  replaceFile(file, text, Number.parseInt(mode, 8));
}

/** @param folder the stack's own files: absolute */
export function writeAfter(folder: string, { stack, stackFile, files }: SplitRecord): void {
  for (const each of files) {
    const file = ownFile(folder, each);
    if (each.after === undefined || each.shared) remove(folder, file);
    else write(file, each.after, each.mode);
  }
  write(stackFileOf(stack), stackFile.after);
}

/** What stood here; somebody's edits since stay where they can, and are told where they can't. */
export function writeBefore(folder: string, record: SplitRecord): void {
  for (const each of record.files) {
    const file = ownFile(folder, each);
    if (each.own === undefined) remove(folder, file);
    else write(file, each.own, each.mode);
  }
  if (textAt(stackFileOf(record.stack)) === record.stackFile.after) write(stackFileOf(record.stack), record.stackFile.before);
}

/** With the folders that it leaves empty. */
function remove(folder: string, file: string): void {
  rmSync(file, { force: true });
  for (let each = dirname(file); each.startsWith(`${folder}/`); each = dirname(each)) {
    try {
      rmdirSync(each);
    } catch {
      return;
    }
  }
}

/** Pure. A text of today without what a split wrote into it; throws a UserError where that was edited since. */
export function takenBack(name: string, now: string, { before, after }: { readonly before: string; readonly after: string }): string {
  if (now === after) return before;
  const back = applyPatch(now, createPatch(name, after, before), { fuzzFactor: 2 });
  if (back !== false) return back;
  throw new UserError(
    `${name}: expected what the split wrote there, got edits of the same lines since; next: take these back, and undo the split again`,
  );
}
