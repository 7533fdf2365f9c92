// Bytes from one server to another by way of this computer, however many: kept in a file here meanwhile, sent on in parts.
import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Shell } from "../../provisioners/engine/shell.ts";
import { type Command, withInput } from "../../provisioners/engine/shell-quote.ts";
import { output } from "./runner.ts";

interface Shells {
  readonly from: Shell;
  /** Asked for each part: a link that broke is made anew. */
  readonly to: () => Promise<Shell>;
}

/** Bytes of one part. */
const part = 4 * 2 ** 20;

/** @returns the SHA-256 of all of it. Throws where either end fails, with its own words. */
export async function carry(
  { from, to }: Shells,
  read: Command,
  write: (first: boolean) => Command,
  { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress: (text: string) => void },
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-split-"));
  const file = openSync(join(folder, "pack"), "w+", 0o600);
  try {
    const hash = createHash("sha256");
    let size = 0;
    const keep = (bytes: Buffer): void => {
      hash.update(bytes);
      writeSync(file, bytes);
      size += bytes.length;
    };
    await output(from, read, signal, keep);
    for (let at = 0; at === 0 || at < size; at += part) {
      const bytes = Buffer.alloc(Math.min(part, size - at));
      readSync(file, bytes, 0, bytes.length, at);
      await output(await to(), withInput(write(at === 0), bytes), signal);
      if (size > part) onProgress(`${Math.min(size, at + part)} of ${size} bytes`);
    }
    return hash.digest("hex");
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}
