// Runs that change something and have not ended: noted here, on this computer, when the change begins. One that was killed says nothing any
// more; whoever reads or writes the history next puts it in.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { stateFolder } from "../../pulumi/folder.ts";
import { Doer, isAlive, thisProcess } from "../doer.ts";
import { HistoryEntry } from "./entry.ts";
import type { HistoryStore } from "./store.ts";

const OpenRun = Doer.extend({ entry: HistoryEntry });

/** What is said of a run that nobody saw the end of. */
export const unseenEnd = "was killed: what it had done stays done; the same command goes on from there";

const standardFolder = (): string => join(stateFolder, "history", ".open");

export class OpenRuns {
  readonly #folder: string;

  constructor(folder = standardFolder()) {
    this.#folder = folder;
  }

  /** @returns what takes the note away again, when the run has ended and said so */
  note(entry: HistoryEntry): () => void {
    const folder = join(this.#folder, entry.stack);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, `${entry.id}.json`);
    const run = { ...thisProcess(), entry: { ...entry, result: "interrupted", summary: unseenEnd } };
    writeFileSync(`${file}.new`, JSON.stringify(run), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return () => rmSync(file, { force: true });
  }

  /** Puts into the history what no living process is at any more. */
  async sweep(stack: string, store: HistoryStore): Promise<void> {
    for (const file of this.#filesOf(stack)) {
      const run = runIn(file);
      if (run && isAlive(run)) continue;
      // It may have said its end, and have been killed before it took its note away.
      if (run && (await store.get(stack, run.entry.id)) === undefined)
        await store.add(stack, run.entry.id, `${JSON.stringify(run.entry)}\n`);
      rmSync(file, { force: true });
    }
  }

  #filesOf(stack: string): readonly string[] {
    const folder = join(this.#folder, stack);
    try {
      return readdirSync(folder)
        .filter((name) => name.endsWith(".json"))
        .map((name) => join(folder, name));
    } catch {
      return [];
    }
  }
}

/** Undefined for one that is not whole: the power went while it was written. */
function runIn(file: string): z.infer<typeof OpenRun> | undefined {
  try {
    return OpenRun.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}
