// What of a stack is kept here: the output of its last runs as it grows, its measurements, and who changed what.
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { short } from "../../provisioners/resources/git.ts";
import { clean } from "../../provisioners/ssh/output.ts";
import { stateFolder } from "../../pulumi/folder.ts";
import type { HistoryEntry } from "../history/entry.ts";
import { entryAt } from "../history/history.ts";
import { type HistoryStore, historyStore } from "../history/store.ts";
import { foldersIn, ledger, numbersIn, type RunEntry, runsFolder } from "../measure/runs.ts";

/** A run of `fleet run`, `deploy` … by the folder that keeps what it printed. */
export interface KeptRun {
  readonly id: string;
  readonly what: string;
  /** ISO. */
  readonly at: string;
  /** By server, in their order. */
  readonly outputs: readonly { readonly server: string; readonly lines: readonly string[]; readonly dropped: boolean }[];
  /** What its command left when it ended: the words, and a row a server. */
  readonly ended?: { readonly about: string; readonly rows: readonly string[]; readonly failed: boolean };
}

const newest = 5;
/** Bytes of the end of a log. */
const mostBytes = 24 * 1024;

const stampOf = (digits: string): string => digits.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})$/, "$1-$2-$3T$4:$5:$6Z");

/** Pure. A folder's name, of a stack's own runs alone: a stack's name may end like another's. */
export function runNamed(name: string, stack: string): Pick<KeptRun, "id" | "what" | "at"> | undefined {
  const [, digits, what, of] = /^(\d{8}T\d{6})(?:\.\d+)?-([a-z]+)-(.+)$/.exec(name) ?? [];
  return digits !== undefined && what !== undefined && of === stack ? { id: name, what, at: stampOf(digits) } : undefined;
}

/** The newest first. */
export function keptRuns(stack: string, folder = join(stateFolder, "runs")): readonly KeptRun[] {
  if (!existsSync(folder)) return [];
  const named = readdirSync(folder).flatMap((name) => runNamed(name, stack) ?? []);
  const last = named.toSorted((a, b) => b.id.localeCompare(a.id, "en", { numeric: true })).slice(0, newest);
  return last.map((each) => ({ ...each, ...keptIn(join(folder, each.id)) }));
}

function keptIn(folder: string): Pick<KeptRun, "outputs" | "ended"> {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".log")) : [];
  const outputs = names
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((name) => ({ server: name.replace(/\.log$/, ""), ...tailOf(join(folder, name)) }));
  const file = join(folder, "run.json");
  return { outputs, ...(existsSync(file) && { ended: endedIn(readFileSync(file, "utf8")) }) };
}

function tailOf(file: string): { readonly lines: readonly string[]; readonly dropped: boolean } {
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    const from = Math.max(0, size - mostBytes);
    const bytes = Buffer.alloc(size - from);
    const read = readSync(handle, bytes, 0, bytes.length, from);
    const lines = bytes.toString("utf8", 0, read).split("\n").map(clean);
    return {
      lines: (from > 0 ? lines.slice(1) : lines).filter((line, index, all) => line !== "" || index < all.length - 1),
      dropped: from > 0,
    };
  } finally {
    closeSync(handle);
  }
}

interface Summary {
  readonly command?: string;
  readonly subject?: string;
  readonly commit?: string;
  readonly servers?: readonly {
    readonly server?: string;
    readonly code?: number;
    readonly result?: string;
    readonly seconds?: number;
    readonly error?: string;
  }[];
}

/** Pure. Of `run` and of `deploy`; another's words are no summary. */
export function endedIn(text: string): NonNullable<KeptRun["ended"]> {
  let said: Summary = {};
  try {
    said = JSON.parse(text) as Summary;
  } catch {
    // It is being written.
  }
  const servers = Array.isArray(said.servers) ? said.servers : [];
  const good = ({ code, result, error }: (typeof servers)[number]) =>
    error === undefined && (code ?? 0) === 0 && (result === undefined || ["deployed", "unchanged"].includes(result));
  return {
    about: said.command ?? [said.commit && short(said.commit), said.subject].filter(Boolean).join(" "),
    rows: servers.map((each) =>
      [each.server, each.error ?? each.result ?? (each.code === undefined ? "" : `exit ${each.code}`)].filter(Boolean).join(" "),
    ),
    failed: !servers.every(good),
  };
}

export interface Measurements {
  readonly all: readonly RunEntry[];
  /** The number of the run that is being measured, and since when (ISO). */
  readonly now?: { readonly run: number; readonly since: string };
}

/** Milliseconds after which a folder without a line in the ledger is one that was given up. */
const longest = 3_600_000;

export function measurementsOf(stack: string, folder = runsFolder(stack), now = Date.now()): Measurements {
  const all = ledger(folder);
  const last = all.at(-1)?.run ?? 0;
  const newest = foldersIn(folder).at(-1);
  const run = numbersIn(folder).at(-1);
  if (newest === undefined || run === undefined || run <= last) return { all };
  const { birthtimeMs, mtimeMs } = statSync(join(folder, newest));
  const since = birthtimeMs || mtimeMs;
  return now - mtimeMs > longest ? { all } : { all, now: { run, since: new Date(since).toISOString() } };
}

/** The newest runs of the team's history; what was read once is not asked for again. */
export class Recent {
  readonly #stack: string;
  readonly #count: number;
  readonly #read = new Map<string, HistoryEntry | undefined>();
  #store: HistoryStore | undefined;

  constructor(stack: string, count: number) {
    this.#stack = stack;
    this.#count = count;
  }

  async entries(): Promise<readonly HistoryEntry[]> {
    this.#store ??= await historyStore();
    const store = this.#store;
    const ids = await store.list(this.#stack, this.#count);
    await Promise.all(ids.filter((id) => !this.#read.has(id)).map(async (id) => this.#read.set(id, await entryAt(this.#stack, id, store))));
    for (const id of this.#read.keys()) if (!ids.includes(id)) this.#read.delete(id);
    return ids.flatMap((id) => this.#read.get(id) ?? []);
  }
}
