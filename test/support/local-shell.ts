// A root shell's stand-in: scripts run here, and what a server would remember in /var/lib/fleet lies in a folder of the test's own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Shell } from "../../provisioners/engine/shell.ts";

export interface LocalShell extends Shell {
  /** For the test's own files. */
  readonly root: string;
  readonly memory: string;
}

const place = "/var/lib/fleet";

export function localShell(): LocalShell {
  const root = mkdtempSync(join(tmpdir(), "fleet-local-"));
  // As long as the place that it stands for, so that sizes hold where it is put back.
  const memory = mkdtempSync("/tmp/fl-");
  if (memory.length !== place.length) throw new Error(`expected a name of ${place.length} letters, got ${memory}`);
  rmSync(memory, { recursive: true });
  return {
    ...{ host: "isu1", root, memory },
    async run({ text }, { onLine } = {}) {
      // Steps find an empty standard input: one that is the script would be eaten by what reads it.
      const input = `{ ${text.replaceAll(place, memory)}\n} < /dev/null`;
      const { status, stdout, stderr } = spawnSync("sh", ["-s"], { input, maxBuffer: 1 << 28 });
      for (const line of stdout.toString("utf8").split("\n")) onLine?.(line);
      const told = Buffer.from(stdout.toString("latin1").replaceAll(memory, place), "latin1");
      return { code: status ?? -1, stdout: told, stderr: stderr.toString("utf8") };
    },
    async close() {
      for (const each of [root, memory]) rmSync(each, { recursive: true, force: true });
    },
  };
}
