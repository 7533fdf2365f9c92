// A stack's state in Pulumi's backend: made where it isn't yet, and freed of what a killed run left in it.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { FleetPlan } from "../provisioners/expand.ts";
import { UserError } from "../spec/problem.ts";
import { ask, stateFolder } from "./command.ts";
import { makeStateFolder } from "./folder.ts";
import { fetchPlugins } from "./plugins.ts";
import { prune } from "./prune.ts";
import { brokenState, canClose, type Deployment, deploymentIn, refuseLostState } from "./state-file.ts";

/** In a file of this checkout, which can be read without asking Pulumi. */
export const isLocal = (): boolean => process.env.PULUMI_BACKEND_URL === undefined;
/** The last state of stacks that were taken away. */
export const endedFolder = join(stateFolder, "ended");
/** The state's file in the local backend. */
export const localStack = (stack: string): string => join(stateFolder, ".pulumi", "stacks", "contest-fleet", `${stack}.json`);

/** Another one once a run has written the state; empty where it is kept elsewhere, or is none. */
export function localMark(stack: string): string {
  const stat = isLocal() ? statSync(localStack(stack), { throwIfNoEntry: false }) : undefined;
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : "";
}

/** Undefined for a stack that never had anything. Throws a UserError, with the way back, where the file is not whole. */
export function localDeployment(stack: string): Deployment | undefined {
  const file = localStack(stack);
  const found = deploymentIn(file);
  if (!found) throw brokenState(stack, file, readFileSync(file, "utf8").trim() === "" ? "an empty file" : "one that was cut short");
  return found.deployment;
}

/** What is known of a stack whose last run came to its end. */
export const settledFile = (stack: string): string => join(stateFolder, "settled", `${stack}.json`);

/** Of these stacks, those that the backend has. Asks a remote one once. */
export async function existing(stacks: readonly string[]): Promise<readonly string[]> {
  if (stacks.length === 0) return [];
  if (isLocal()) return stacks.filter((stack) => existsSync(localStack(stack)));
  const listed = JSON.parse(await ask(undefined, ["stack", "ls", "--json"])) as readonly { readonly name: string }[];
  // With its organisation and project before it where the backend knows of others.
  const there = new Set(listed.map(({ name }) => name.split("/").at(-1)));
  return stacks.filter((stack) => there.has(stack));
}

/** When a stack that is up may go, as its last up said: ISO 8601 or `never`; undefined where it costs nothing, or is older than that. */
export async function endOf(stack: string): Promise<string | undefined> {
  const outputs = isLocal()
    ? localDeployment(stack)?.resources?.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs
    : (JSON.parse(await ask(undefined, ["stack", "output", "--stack", stack, "--json"])) as Readonly<Record<string, unknown>>);
  return typeof outputs?.expiresAt === "string" ? outputs.expiresAt : undefined;
}

/** Of these stacks, those in which something stands. */
export async function stacksUp(stacks: readonly string[]): Promise<readonly string[]> {
  const there = await existing(stacks);
  return isLocal()
    ? there.filter((stack) => (localDeployment(stack)?.resources ?? []).some(({ type }) => type === "fleet:index:Host"))
    : there;
}

/** Fetches what the stack's resources need, makes the stack in the backend where it isn't yet, and clears what a killed run of this computer left locked or open. */
export async function prepare(plan: FleetPlan): Promise<void> {
  // Loaded here alone: whoever only asks what is there needs no target.
  await (await import("../components/targets/targets.ts")).targetOf(plan.spec).admit?.(plan.spec);
  await fetchPlugins(plan);
  makeStateFolder();
  if (isLocal()) refuseLostState(plan.stack, localStack(plan.stack));
  if (!isLocal() || !existsSync(localStack(plan.stack))) await ask(plan, ["stack", "select", "--create", plan.stack, "--non-interactive"]);
  if (!isLocal()) return;
  breakDeadLocks(plan.stack);
  await closeOperations(plan);
  for (const kind of ["history", "backups"]) prune(join(stateFolder, ".pulumi", kind, "contest-fleet", plan.stack));
}

/**
 * Before `destroy`: what was there can still be looked up afterwards (`jq` reads it; secrets in it stay encrypted). One a stack, of the
 * last time that something stood there. A remote backend has its own history.
 */
export function keepState(stack: string): void {
  const state = localStack(stack);
  if (!isLocal() || !existsSync(state)) return;
  if ((localDeployment(stack)?.resources ?? []).length === 0) return;
  mkdirSync(endedFolder, { recursive: true, mode: 0o700 });
  copyFileSync(state, join(endedFolder, `${stack}.json`));
}

/** Of a stack that is gone, by `pulumi stack rm` or with its state: takes away Pulumi's own backups, which hold the keys of its servers. */
export function forget(stack: string): void {
  if (!isLocal()) return;
  const folder = join(stateFolder, ".pulumi");
  const backups = [
    settledFile(stack),
    `${localStack(stack)}.bak`,
    `${localStack(stack)}.bak.attrs`,
    ...["backups", "history"].map((kind) => join(folder, kind, "contest-fleet", stack)),
  ];
  for (const each of backups) rmSync(each, { recursive: true, force: true });
}

interface Lock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/** Of the runs that are at work on the stack, or were killed at it. */
export function lockFiles(stack: string): readonly string[] {
  const folder = join(stateFolder, ".pulumi", "locks", "organization", "contest-fleet", stack);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => join(folder, name));
}

/** One that a full disk or a power cut left without a word holds everybody back, and nobody can say for whom. */
function lockIn(stack: string, file: string): Lock {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Lock;
  } catch {
    throw new UserError(
      `${stack}: expected a lock that says who holds it, got one that is not whole (${file}); ` +
        `next, if nobody is at work on ${stack}: pulumi cancel --yes -s ${stack}`,
    );
  }
}

/** Pulumi's lock files have no lease: one whose process is gone from this computer holds nobody back. Any other one is told. */
function breakDeadLocks(stack: string): void {
  for (const file of lockFiles(stack)) {
    const { pid, username, hostname: where, timestamp } = lockIn(stack, file);
    const who = `${username}@${where} (process ${pid}) since ${timestamp}`;
    if (where !== hostname() || isRunning(pid))
      throw new UserError(
        `${stack}: expected to be alone at work, got ${who}; wait for it to end, or, if it can't be alive: pulumi cancel -s ${stack}`,
      );
    console.error(`${stack}: a run of ${who} was killed; goes on from where it stopped`);
    rmSync(file, { force: true });
  }
}

/** A process id may be another's by now, and a killed process waits for its parent to hear of it: where there is a /proc, it tells. */
function isRunning(pid: number): boolean {
  if (existsSync("/proc/self/stat")) {
    const file = `/proc/${pid}/stat`;
    return existsSync(file) && /^\d+ \(pulumi[^)]*\) [^ZX]/.test(readFileSync(file, "utf8"));
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Pulumi would warn of them in every run to come. */
async function closeOperations(plan: FleetPlan): Promise<void> {
  const open = localDeployment(plan.stack)?.pending_operations ?? [];
  if (!open.some(canClose)) return;
  await edit(plan, (deployment) => ({ ...deployment, pending_operations: open.filter((each) => !canClose(each)) }));
}

/** Through Pulumi's own export and import, which look whether it is still a state. */
export async function edit(plan: FleetPlan, change: (deployment: Deployment) => Deployment): Promise<void> {
  const state = JSON.parse(await ask(plan, ["stack", "export", "--stack", plan.stack]));
  state.deployment = change(state.deployment);
  const file = join(stateFolder, `${plan.stack}.import.json`);
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
  try {
    await ask(plan, ["stack", "import", "--stack", plan.stack, "--file", file]);
  } finally {
    rmSync(file, { force: true });
  }
}
