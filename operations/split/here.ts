// The stack file and the team's files on this computer, before and after a split.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { applyPatch, createPatch } from "diff";
import { stacksFolder } from "../../provisioners/project.ts";
import type { Draft } from "../../provisioners/stack.ts";
import { suffix } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import { removeFile, replaceFile, rewriteStackFile, shownName, stackFileOf } from "../stack-file.ts";
import type { FileRecord, SplitRecord } from "./record.ts";
import type { FileEdit } from "./tree-edits.ts";

export const ownFile = (folder: string, { server, path, template }: Pick<FileRecord, "server" | "path" | "template">): string =>
  join(folder, server, `${path}${template ? suffix : ""}`);

const textAt = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, "utf8") : undefined);

export function fileRecord(folder: string, { server, path, file, before }: FileEdit): FileRecord {
  const { mode, template = false } = file;
  const own = textAt(ownFile(folder, { server, path, template }));
  return {
    ...{ server, path, template, mode, after: file.content },
    ...(own !== undefined && { own }),
    ...(before !== undefined && { before }),
  };
}

/** The other way round, with what was written into them since. Throws a UserError where that was in the same lines. */
export const filesBack = (folder: string, files: readonly FileRecord[]): FileRecord[] =>
  files.map((each) => {
    const file = ownFile(folder, each);
    const now = textAt(file);
    const { own: stood, before, after: wrote, ...place } = each;
    const back = now === undefined || now === wrote ? before : takenBack(file, now, { before: before ?? "", after: wrote ?? "" });
    const shared = stood === undefined && back !== undefined && back === before;
    return {
      ...place,
      ...(now !== undefined && { own: now, before: now }),
      ...(back !== undefined && { after: back }),
      ...(shared && { shared }),
    };
  });

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

/** From one text to another; undefined where there is no file. */
interface Turn {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

interface Way {
  readonly of: (turn: Turn) => Turn;
  /** Where people wrote the same lines: what was expected there, and what to do. */
  readonly otherwise: string;
}

const there: Way = {
  of: (turn) => turn,
  otherwise: "expected what stood there when the split was shown, got edits of the same lines since; next: write there what it showed",
};
const back: Way = {
  of: ({ from, to }) => ({ from: to, to: from }),
  otherwise: "expected what the split wrote there, got edits of the same lines since; next: take these back, and undo the split again",
};

/** @param folder the stack's own files: absolute */
export const writeAfter = (folder: string, record: SplitRecord, stacks = stacksFolder): void => turnAll(folder, record, there, stacks);

export const writeBefore = (folder: string, record: SplitRecord, stacks = stacksFolder): void => turnAll(folder, record, back, stacks);

/** Whoever edits them meanwhile keeps that, or is told: then none of them is written. */
function turnAll(folder: string, { stack, stackFile, files }: SplitRecord, way: Way, stacks: string): void {
  const texts = files.map((each) => {
    const file = ownFile(folder, each);
    const turn = { from: each.own, to: each.shared ? undefined : each.after };
    return { file, mode: each.mode, text: turned(file, textAt(file), turn, way) };
  });
  const turn = { from: stackFile.before, to: stackFile.after };
  rewriteStackFile(stack, (now) => turned(stackFileOf(stack, stacks), now, turn, way)!, stacks);
  for (const { file, mode, text } of texts) {
    if (text === undefined) removeFile(folder, file);
    else write(file, text, mode);
  }
}

/** Throws a UserError where one of them was edited since the split was shown. */
export function refuseEdited(folder: string, { stack, stackFile, files }: SplitRecord, stacks = stacksFolder): void {
  const all = [[stackFileOf(stack, stacks), stackFile.before] as const, ...files.map((each) => [ownFile(folder, each), each.own] as const)];
  const [edited] = all.find(([file, text]) => textAt(file) !== text) ?? [];
  if (edited !== undefined)
    throw new UserError(`split: ${shownName(edited)}: expected it as it was when this was shown, got edits since; next: the same again`);
}

function write(file: string, text: string, mode: FileRecord["mode"]): void {
  mkdirSync(dirname(file), { recursive: true });
  replaceFile(file, text, Number.parseInt(mode, 8));
}

/** Pure. A text of today without what a split wrote into it; throws a UserError where that was edited since. */
export const takenBack = (file: string, now: string, { before, after }: { readonly before: string; readonly after: string }): string =>
  turned(file, now, { from: before, to: after }, back)!;

/** Pure. What turns one text into the other, done to a text of today; it may have been done already. */
function turned(file: string, now: string | undefined, turn: Turn, { of, otherwise }: Way): string | undefined {
  const { from, to } = of(turn);
  if (now === from || now === to) return to;
  const made =
    now !== undefined && from !== undefined && to !== undefined && applyPatch(now, createPatch(file, from, to), { fuzzFactor: 2 });
  if (typeof made === "string") return made;
  throw new UserError(`${shownName(file)}: ${otherwise}`);
}
