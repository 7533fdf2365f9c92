// Who changed what, when, and with which result: written at the end of every command that changed something, read by `fleet history`.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { project } from "../../provisioners/project.ts";
import { shortLength } from "../../provisioners/resources/git.ts";
import { hasChanged, interrupted, whenChanging } from "../../pulumi/interruption.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { operator } from "../operator.ts";
import { HistoryEntry, idAt, looksAlone, whatOf } from "./entry.ts";
import { OpenRuns } from "./open-runs.ts";
import { type HistoryStore, historyStore } from "./store.ts";

/** What a command says of its run while it goes. No secret belongs in it. */
export interface RunNotes {
  summary: string;
  servers: readonly string[];
  detail?: unknown;
  /** It found nothing to do. */
  nothing?: boolean;
  /** Takes secrets out of the words that were typed. */
  mask: (text: string) => string;
}

interface Recorded {
  readonly stack: string;
  readonly what: string;
  /** As they were typed behind `fleet`. */
  readonly words?: readonly string[];
  /** @default the backend's */
  readonly store?: () => Promise<HistoryStore>;
  /** @default this computer's */
  readonly open?: OpenRuns;
}

/** Milliseconds that a backend gets; a run is not held up for its history. */
const patience = 10_000;

/** Runs `work`, whose value is an exit code, and keeps what became of it; nothing where it changed nothing. A history that can't be written is said. */
export async function recorded(
  { stack, what, words = process.argv.slice(2), store = historyStore, open = new OpenRuns() }: Recorded,
  work: (notes: RunNotes) => Promise<number>,
): Promise<number> {
  const notes: RunNotes = { summary: "", servers: [], mask: (text) => text };
  const begun = new Date();
  const run = { stack, what, words, id: idAt(begun, what, randomBytes(2).toString("hex")), begun };
  let ended = (): void => {};
  const forget = whenChanging(() => {
    ended = noted(open, entryOf(run, notes, "interrupted"));
  });
  let result: HistoryEntry["result"] = "failed";
  try {
    const code = await work(notes);
    if (code === 0) result = "done";
    return code;
  } catch (error) {
    if (notes.summary === "" && error instanceof Error) notes.summary = error.message.split("\n")[0]!.slice(0, 300);
    throw error;
  } finally {
    forget();
    if (interrupted()) result = "interrupted";
    if (hasChanged() && !(notes.nothing && result === "done")) await keep(entryOf(run, notes, result), { store, open });
    ended();
  }
}

interface Run extends Pick<HistoryEntry, "stack" | "what" | "id"> {
  readonly words: readonly string[];
  readonly begun: Date;
}

const entryOf = ({ stack, what, words, id, begun }: Run, notes: RunNotes, result: HistoryEntry["result"]): HistoryEntry => ({
  version: 1,
  id,
  stack,
  at: begun.toISOString(),
  seconds: Math.round((Date.now() - begun.getTime()) / 100) / 10,
  who: operator(),
  what,
  command: notes.mask(["fleet", ...words].join(" ")),
  result,
  summary: notes.mask(notes.summary),
  servers: [...notes.servers],
  ...(notes.detail !== undefined && { detail: notes.detail }),
});

/** A full disk here is no reason not to run. */
function noted(open: OpenRuns, entry: HistoryEntry): () => void {
  try {
    return open.note(entry);
  } catch {
    return () => {};
  }
}

async function keep(ended: HistoryEntry, { store, open }: Required<Pick<Recorded, "store" | "open">>): Promise<void> {
  const { stack } = ended;
  try {
    const commit = await commitOf();
    const entry: HistoryEntry = { ...ended, ...(commit && { commit }) };
    const late = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience).unref(),
    );
    const written = async () => {
      const to = await store();
      await to.add(stack, entry.id, `${JSON.stringify(entry)}\n`);
      await open.sweep(stack, to);
    };
    await Promise.race([written(), late]);
  } catch (error) {
    console.error(`${stack}: the history could not be written: ${(error as Error).message}`);
  }
}

/** Undefined outside a repository. */
async function commitOf(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(
      "git",
      ["-C", project, "describe", "--always", "--dirty", `--abbrev=${shortLength}`, "--exclude=*"],
      {
        timeout: 5_000,
      },
    );
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The newest first; what another version wrote is left out. */
export async function historyOf(
  stack: string,
  count: number,
  store?: HistoryStore,
  open = new OpenRuns(),
): Promise<readonly HistoryEntry[]> {
  const from = store ?? (await historyStore());
  await open.sweep(stack, from);
  const entries = await Promise.all((await from.list(stack, count)).map((id) => entryAt(stack, id, from)));
  return entries.flatMap((entry) => entry ?? []);
}

/** Undefined where another version wrote it. */
export const entryAt = async (stack: string, id: string, store: HistoryStore): Promise<HistoryEntry | undefined> =>
  entryIn(await store.get(stack, id));

function entryIn(text: string | undefined): HistoryEntry | undefined {
  try {
    return HistoryEntry.parse(JSON.parse(text ?? ""));
  } catch {
    return undefined;
  }
}

/** By its id, or a part of it that no other has; without, the newest that is there to change something, else the newest. Throws a UserError. */
export async function runOf(stack: string, id: string | undefined, store?: HistoryStore): Promise<HistoryEntry> {
  const from = store ?? (await historyStore());
  await new OpenRuns().sweep(stack, from);
  const ids = await from.list(stack, Number.MAX_SAFE_INTEGER);
  const newest = ids.find((each) => !looksAlone.includes(whatOf(each))) ?? ids[0];
  const fitting =
    id === undefined ? (newest === undefined ? [] : [newest]) : ids.includes(id) ? [id] : ids.filter((each) => each.includes(id));
  if (fitting.length === 1) {
    const entry = entryIn(await from.get(stack, fitting[0]!));
    if (entry) return entry;
    throw new UserError(`${fitting[0]}: expected a run as this version writes it, got another one`);
  }
  const got = fitting.length === 0 ? "none" : fitting.length > 3 ? `${fitting.length} of them` : fitting.join(", ");
  throw new UserError(`${id ?? stack}: expected one run of ${stack}, got ${got}; next: ${typed()} history -s ${stack}`);
}
