// Runs Pulumi as the CLI does it: the same engine, state and stack files as a `pulumi` typed by hand.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { FleetPlan } from "../provisioners/expand.ts";
import { checkout } from "../provisioners/stack.ts";
import { UserError } from "../stacks/problem.ts";

const stateFolder = join(checkout, ".fleet");

/** Protects nothing: practice machines hold no secrets but their own. Every other stack has a passphrase of the team's. */
const practicePassphrase = "practice";

/** What a `pulumi` typed by hand needs too; `fleet env` prints it. */
export function environment(plan: FleetPlan | undefined): Readonly<Record<string, string>> {
  const given = process.env.PULUMI_CONFIG_PASSPHRASE !== undefined || process.env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;
  return {
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // Compiled code of the program and the provider is kept: it saves a third of a second at each start.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(stateFolder, "compile-cache"),
    // Starts the program without what it never needs: half a second more.
    PULUMI_LANGUAGE_NODEJS_RUN_PATH: join(checkout, "components", "run.cjs"),
    ...(!given && plan?.spec.target.kind === "practice" && { PULUMI_CONFIG_PASSPHRASE: practicePassphrase }),
  };
}

export interface PulumiResult {
  readonly code: number;
  /** Empty where the output went straight to the terminal. */
  readonly stdout: string;
  readonly stderr: string;
}

/** `capture` keeps the output instead of showing it. Ctrl-C reaches Pulumi by itself: we wait for it to stop at a safe point. */
export async function pulumi(plan: FleetPlan | undefined, args: readonly string[], { capture = false } = {}): Promise<PulumiResult> {
  mkdirSync(stateFolder, { recursive: true });
  const child = spawn("pulumi", args, {
    cwd: checkout,
    env: { ...process.env, ...environment(plan) },
    stdio: capture ? ["ignore", "pipe", "pipe"] : "inherit",
  });
  const ignore = () => {};
  process.on("SIGINT", ignore);
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", (error) => reject(new UserError(`pulumi: expected the command, got ${error.message}; next: node setup/setup.cjs`)));
      child.on("close", (status) => resolve(status ?? 130));
    });
    return { code, ...output };
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** The captured standard output; a failure is the user's to read. */
export async function ask(plan: FleetPlan, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await pulumi(plan, args, { capture: true });
  if (code !== 0) throw new UserError(`pulumi ${args[0]} ended with exit code ${code}:\n${(stderr || stdout).trim()}`);
  return stdout;
}

const isLocal = (): boolean => process.env.PULUMI_BACKEND_URL === undefined;
const localStack = (stack: string): string => join(stateFolder, ".pulumi", "stacks", "contest-fleet", `${stack}.json`);

export const exists = (stack: string): boolean => !isLocal() || existsSync(localStack(stack));

/** Makes the stack in the backend where it isn't yet, and clears what a killed run of this computer left locked. */
export async function prepare(plan: FleetPlan): Promise<void> {
  mkdirSync(stateFolder, { recursive: true });
  if (!isLocal() || !existsSync(localStack(plan.stack))) await ask(plan, ["stack", "select", "--create", plan.stack, "--non-interactive"]);
  if (isLocal()) breakDeadLocks(plan.stack);
}

interface Lock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/** Pulumi's lock files have no lease: one whose process is gone from this computer holds nobody back. Any other one is told. */
function breakDeadLocks(stack: string): void {
  const folder = join(stateFolder, ".pulumi", "locks", "organization", "contest-fleet", stack);
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const { pid, username, hostname: where, timestamp } = JSON.parse(readFileSync(join(folder, file), "utf8")) as Lock;
    const who = `${username}@${where} (process ${pid}) since ${timestamp}`;
    if (where !== hostname() || isRunning(pid))
      throw new UserError(
        `${stack}: expected to be alone at work, got ${who}; wait for it to end, or, if it can't be alive: pulumi cancel -s ${stack}`,
      );
    console.error(`${stack}: a run of ${who} was killed; goes on from where it stopped`);
    rmSync(join(folder, file), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
