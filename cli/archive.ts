// What a stack's `archive:` names, fetched from every server before they go: one tar.gz each, as root reads it.
import { createWriteStream, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { finished } from "node:stream/promises";
import { type Connection, HostError, type Shell } from "../provisioners/engine/shell.ts";
import type { Command } from "../provisioners/engine/shell-quote.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import { gist } from "../provisioners/ssh/output.ts";
import { Sessions } from "../provisioners/ssh/session-pool.ts";
import { project } from "../provisioners/stack.ts";
import { exportedBy } from "./stack-outputs.ts";
import { confirm } from "./terminal.ts";

/** Milliseconds. */
const longest = 3_600_000;
const nothingThere = 44;

/**
 * Patterns are the shell's: their grammar (AbsolutePattern of spec/scalars.ts) has no other character of its. A file that is being
 * written (a log) makes tar end with 1: it is in the archive as far as it was.
 */
export function archiveScript(patterns: readonly string[]): Command {
  const text = `set -- ${patterns.join(" ")}
for each; do
  shift
  if [ -e "$each" ] || [ -L "$each" ]; then set -- "$@" ".$each"; fi
done
[ $# -gt 0 ] || exit ${nothingThere}
code=0
tar --create --gzip --directory / -- "$@" || code=$?
[ "$code" -eq 1 ] || exit "$code"`;
  return { text, masked: text };
}

export interface Fetched {
  readonly server: string;
  /** Undefined where none of it is on the server. */
  readonly file?: string;
  readonly bytes?: number;
  /** Why it could not be had. */
  readonly problem?: string;
}

async function fetched(shell: Shell, patterns: readonly string[], file: string): Promise<Omit<Fetched, "server">> {
  const part = `${file}.part`;
  const output = createWriteStream(part, { mode: 0o600 });
  let bytes = 0;
  const onBytes = (chunk: Buffer) => {
    bytes += chunk.length;
    output.write(chunk);
  };
  try {
    const { code, stderr } = await shell.run(archiveScript(patterns), { onBytes, deadline: longest });
    output.end();
    await finished(output);
    if (code === nothingThere) return {};
    if (code !== 0) return { problem: `${shell.host}: expected an archive, got exit code ${code}: ${gist(stderr)}` };
    renameSync(part, file);
    return { file, bytes };
  } finally {
    output.destroy();
    rmSync(part, { force: true });
  }
}

/** From all servers at once, into `folder`; one that can't be had stops no other. */
export async function fetchAll(
  servers: Readonly<Record<string, Connection>>,
  patterns: readonly string[],
  folder: string,
): Promise<readonly Fetched[]> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const sessions = new Sessions();
  const one = async ([server, connection]: readonly [string, Connection]): Promise<Fetched> => {
    try {
      return { server, ...(await fetched(await sessions.get(connection), patterns, join(folder, `${server}.tar.gz`))) };
    } catch (error) {
      if (error instanceof HostError) return { server, problem: error.message };
      throw error;
    }
  };
  try {
    return await Promise.all(Object.entries(servers).map(one));
  } finally {
    await sessions.closeAll();
  }
}

const line = ({ server, file, bytes = 0, problem }: Fetched): string => {
  if (problem !== undefined) return `  ${problem}`;
  return file === undefined ? `  ${server}: nothing of it is there` : `  ${relative(project, file)} (${Math.ceil(bytes / 1024)} KiB)`;
};

/** `2026-12-01T09-00-00Z`, for a file name. */
const stamp = (): string => new Date().toISOString().replace(/\.\d+/, "").replaceAll(":", "-");

/** Asks whether to go on without a server that can't be had. @returns whether all was had that is there */
export async function archive(plan: FleetPlan, yes: boolean): Promise<boolean> {
  const patterns = plan.spec.archive;
  if (patterns.length === 0) return true;
  const { servers = {} } = await exportedBy(plan);
  if (Object.keys(servers).length === 0) return true;
  const all = await fetchAll(servers, patterns, join(project, "archives", `${plan.stack}-${stamp()}`));
  console.log(["archive:", ...all.map(line)].join("\n"));
  const missing = all.filter(({ problem }) => problem !== undefined).map(({ server }) => server);
  if (missing.length > 0) await confirm(`down goes on without the archive of ${missing.join(", ")}`, plan.stack, yes);
  return missing.length === 0;
}
