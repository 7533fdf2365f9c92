// What an operation printed and how it ended, kept in the project: `.fleet/runs/<time>-<what>-<stack>/`, a file a server.
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { makeStateFolder, stateFolder } from "../pulumi/folder.ts";

/** Runs of one kind that are kept; older ones go with the next. */
const keptRuns = 50;
/** Bytes of one server's output that are kept. */
const limit = 64 * 1024 * 1024;

const stamp = (time: Date): string => time.toISOString().replace(/[-:]/g, "").replace(/\..*$/, "");

export class RunRecord {
  /** Its name in the history, too. */
  readonly id: string;
  readonly folder: string;
  readonly #sizes = new Map<string, number>();

  constructor(what: string, stack: string, { folder = join(stateFolder, "runs"), now = new Date() } = {}) {
    if (folder.startsWith(stateFolder)) makeStateFolder();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    prune(folder, `-${what}-${stack}`);
    for (let tries = 0; ; tries++) {
      this.id = `${stamp(now)}${tries > 0 ? `.${tries}` : ""}-${what}-${stack}`;
      this.folder = join(folder, this.id);
      try {
        mkdirSync(this.folder, { mode: 0o700 });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
  }

  /** As a person types it from where they are. */
  get shown(): string {
    const from = relative(process.cwd(), this.folder);
    return from.startsWith("..") ? this.folder : from;
  }

  line(server: string, text: string): void {
    const size = this.#sizes.get(server) ?? 0;
    if (size > limit) return;
    const bytes = `${text}\n`;
    this.#sizes.set(server, size + bytes.length);
    const said = size + bytes.length > limit ? `${bytes}(what came after ${limit / 1024 / 1024} MiB was not kept)\n` : bytes;
    appendFileSync(join(this.folder, `${server}.log`), said, { mode: 0o600 });
  }

  summary(value: unknown): void {
    writeFileSync(join(this.folder, "run.json"), `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  }
}

function prune(folder: string, suffix: string): void {
  const old = readdirSync(folder)
    .filter((name) => /^\d{8}T\d{6}/.test(name) && name.endsWith(suffix))
    .sort()
    .slice(0, -(keptRuns - 1));
  for (const name of old) rmSync(join(folder, name), { recursive: true, force: true });
}
