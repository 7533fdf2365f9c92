// Where the history is: beside the state, in the backend that the team shares (docs/adr/0033-history-beside-the-state.md).
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { stateFolder } from "../../pulumi/folder.ts";

/** Texts by id, a stack at a time. */
export interface HistoryStore {
  /** Where it is, for a person. */
  readonly place: string;
  /** Why not all of the team sees it; undefined where they do. */
  readonly alone?: string;
  add(stack: string, id: string, text: string): Promise<void>;
  /** The newest ids first. */
  list(stack: string, count: number): Promise<readonly string[]>;
  /** Undefined where there is none. */
  get(stack: string, id: string): Promise<string | undefined>;
}

/** Of one stack, in a folder. */
const kept = 1000;

export class FolderStore implements HistoryStore {
  readonly place: string;
  readonly alone?: string;

  constructor(place: string, alone?: string) {
    this.place = place;
    if (alone !== undefined) this.alone = alone;
  }

  async add(stack: string, id: string, text: string): Promise<void> {
    const folder = join(this.place, stack);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, `${id}.json`);
    writeFileSync(`${file}.${process.pid}`, text, { mode: 0o600 });
    renameSync(`${file}.${process.pid}`, file);
    for (const old of this.#ids(stack).slice(kept)) rmSync(join(folder, `${old}.json`), { force: true });
  }

  async list(stack: string, count: number): Promise<readonly string[]> {
    return this.#ids(stack).slice(0, count);
  }

  async get(stack: string, id: string): Promise<string | undefined> {
    try {
      return readFileSync(join(this.place, stack, `${id}.json`), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #ids(stack: string): readonly string[] {
    try {
      const names = readdirSync(join(this.place, stack)).filter((name) => name.endsWith(".json"));
      return names
        .map((name) => name.slice(0, -".json".length))
        .sort()
        .reverse();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}

/** By Pulumi's own word for where the state is. */
export async function historyStore(backend = process.env.PULUMI_BACKEND_URL): Promise<HistoryStore> {
  if (backend === undefined) return new FolderStore(join(stateFolder, "history"));
  if (backend.startsWith("s3://")) return new (await import("./s3-store.ts")).S3Store(backend);
  if (backend.startsWith("file://")) {
    const path = backend
      .slice("file://".length)
      .replace(/\?.*$/, "")
      .replace(/^~(?=\/|$)/, homedir());
    return new FolderStore(join(path, ".fleet-history"));
  }
  const alone = `the backend ${backend.replace(/\?.*$/, "")} keeps no files of ours; the history is of this computer alone`;
  return new FolderStore(join(stateFolder, "history"), alone);
}
