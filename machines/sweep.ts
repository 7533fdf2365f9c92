// Taking away: one machine, a whole stack (found by its names even when its state is lost), and the proof that nothing is left.
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { groups, groupsOf, removeGroups } from "./limits.ts";
import { locked } from "./lock.ts";
import { type MachineContext, MachineError, type MachineRef } from "./machine.ts";
import { pathsOf, patterns, stackDirectory, stacksDirectory, stateRoot } from "./names.ts";
import { links, removeNetwork, tables } from "./network.ts";
import { mounts, unmountAll } from "./nspawn/overlay.ts";
import { platform } from "./platform.ts";
import { preflight } from "./preflight.ts";
import { kill, processes } from "./processes.ts";

const entries = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

/** Deletes what lies below a directory, never across a mount. */
export async function deleteTree(directory: string): Promise<void> {
  await unmountAll(directory);
  const left = await mounts(directory);
  if (left.length > 0) throw new MachineError(`\`${left[0]}\` is still mounted; unmount it, then destroy again`);
  await rm(directory, { recursive: true, force: true });
}

/** Somebody else's machine may move in, or the directory be gone, at any moment: both are fine. */
async function removeIfEmpty(...directories: readonly string[]): Promise<void> {
  for (const each of directories) {
    await rmdir(each).catch(({ code }: NodeJS.ErrnoException) => {
      if (code !== "ENOTEMPTY" && code !== "ENOENT") throw new MachineError(`\`${each}\`: can't be removed (${code}); see what uses it`);
    });
  }
}

/** Removes the stack's network and directories where its last machine has gone. */
async function removeEmptyStack(stack: string): Promise<void> {
  if ((await entries(stackDirectory(stack))).length > 0) return;
  await removeIfEmpty(stackDirectory(stack));
  await removeNetwork(stack, async () => (await entries(stacksDirectory)).length === 0);
  await removeIfEmpty(stacksDirectory, stateRoot);
}

/** Under the stack's lock. Nothing there is no error. */
export async function removeMachine(ref: MachineRef): Promise<void> {
  const id = groupsOf(ref);
  await kill(id);
  platform.forget(id);
  await deleteTree(pathsOf(ref).directory);
  await removeGroups(id);
  await removeEmptyStack(ref.stack);
}

/** Removes everything of a stack, whether its state is whole, half or lost. */
export async function sweep(stack: string, { log, signal }: MachineContext = {}): Promise<void> {
  const directory = stackDirectory(stack);
  await preflight();
  const sweeping = async () => {
    const { machine } = patterns(stack);
    await kill(machine);
    platform.forget(machine);
    await deleteTree(directory);
    await removeGroups(machine);
    await removeEmptyStack(stack);
  };
  await locked(`stack ${stack}`, sweeping, { signal });
  log?.(`${stack}: nothing of it is left on this computer`);
}

export interface Leftover {
  readonly kind: "process" | "mount" | "link" | "nft table" | "cgroup" | "file";
  /** `1234 systemd-nspawn …`, a mount point, a name, a path. */
  readonly what: string;
}

/** What of a stack, or of all of them, is on this computer now. Images are a cache and not counted. */
export async function leftovers(stack?: string): Promise<Leftover[]> {
  await preflight();
  const { machine, link, table } = patterns(stack);
  const directory = stack === undefined ? stateRoot : stackDirectory(stack);
  const found = await Promise.all([
    processes(machine).then((all) => all.map(({ pid, args }) => ["process", `${pid} ${args.slice(0, 3).join(" ")}`] as const)),
    mounts(directory).then((all) => all.map((what) => ["mount", what] as const)),
    links(link).then((all) => all.map((what) => ["link", what] as const)),
    tables(table).then((all) => all.map((what) => ["nft table", what] as const)),
    groups(machine).then((all) => all.map((what) => ["cgroup", what] as const)),
    entries(directory).then((all) => all.map((what) => ["file", join(directory, what)] as const)),
  ]);
  return found.flat().map(([kind, what]) => ({ kind, what }));
}

/** The machines that have a directory here, half-made ones too. */
export async function machines(stack?: string): Promise<MachineRef[]> {
  const stacks = stack === undefined ? await entries(stacksDirectory) : [stack];
  const found = stacks.map(async (each) => (await entries(stackDirectory(each))).map((name) => ({ stack: each, name })));
  return (await Promise.all(found)).flat();
}
