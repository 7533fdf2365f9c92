// The test runs of this computer: each test file's process has a folder whose name tells whose it is, and whether it lives.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Of all runs of this user. Not in the owner's own TMPDIR, which lies below it. */
export const root = process.env.FLEET_TESTS ?? join(tmpdir(), `fleet-tests-${process.getuid?.() ?? 0}`);
export const networks = join(root, "networks");

/** When a process started, in the kernel's ticks: an id may be another's by now. `0` where there is no /proc. */
function startOf(pid: number): string | undefined {
  if (existsSync("/proc/self/stat")) {
    const file = `/proc/${pid}/stat`;
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    // proc(5): the name in parentheses may hold anything; after it the state is the third field, the start the twenty-second.
    return text === "" ? undefined : text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  }
  try {
    process.kill(pid, 0);
    return "0";
  } catch {
    return undefined;
  }
}

/** `<pid>-<start>-<random>` */
export function isAlive(owner: string): boolean {
  const [pid, start] = owner.split("-");
  return startOf(Number(pid)) === start;
}

/** A folder whose name tells whose it is. */
export function makeFolder(): string {
  mkdirSync(networks, { recursive: true });
  const folder = mkdtempSync(join(root, `${process.pid}-${startOf(process.pid)}-`));
  // Servers' users read in it, as in any temporary folder.
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "tmp"), { mode: 0o1777 });
  return folder;
}

export const stacksFile = (folder: string): string => join(folder, "stacks");

/** Every stack that a folder's owner has named. */
export const stacksOf = (owner: string): readonly string[] => {
  const file = stacksFile(join(root, owner));
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
};

/** The folders' names, of the living and the dead. */
export const owners = (): readonly string[] => (existsSync(root) ? readdirSync(root) : []).filter((name) => /^\d+-\d+-\w+$/.test(name));

/** The folder goes, and its networks are free. */
export function disown(owner: string): void {
  rmSync(join(root, owner), { recursive: true, force: true });
  for (const name of existsSync(networks) ? readdirSync(networks) : []) {
    const link = join(networks, name);
    if (readlinkOf(link) === owner) rmSync(link, { force: true });
  }
}

/** Somebody else may free it meanwhile. */
function readlinkOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
