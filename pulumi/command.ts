// Runs Pulumi as the CLI does it: the same engine, state and stack files as a `pulumi` typed by hand.

import { spawn } from "node:child_process";
import { join } from "node:path";
import type { FleetPlan } from "../provisioners/expand.ts";
import { checkout, project } from "../provisioners/project.ts";
import type { Aimed } from "../provisioners/stack.ts";
import { UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";
import { makeStateFolder, shutStateFolder, stateFolder } from "./folder.ts";
import { withoutLog } from "./home.ts";
import { changes, stopsWithUs, throwIfInterrupted } from "./interruption.ts";
import type { Program } from "./language-runtime.ts";
import type { OneProcess } from "./one-process.ts";
import { refuseWithoutCode } from "./project-code.ts";
import { readable, readableLines } from "./words.ts";

export { stateFolder } from "./folder.ts";

/** What OpenSSH must read from files: keys and host keys of a stack's servers, as `fleet ssh` found them. */
export const sshFolder = (stack: string): string => join(stateFolder, "ssh", stack);

/** Why `fleet` changes the engine's settings; `fleet env --why` prints it. */
export const reasons: Readonly<Record<string, string>> = {
  PULUMI_SKIP_UPDATE_CHECK: "no question to the network at each start",
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "a stack fetches the providers that it needs, not those of every SDK that npm brought",
  NODE_COMPILE_CACHE: "compiled code of program and provider is kept: a third of a second at each start",
  PULUMI_LANGUAGE_NODEJS_RUN_PATH: "the program starts without what it never needs: half a second",
  PULUMI_CONFIG_PASSPHRASE: "a practice stack's secrets are its own, and need no passphrase of the team's",
  PULUMI_HOME: "no automatic log, more than half of the engine's time; else all is in your own folder. FLEET_ENGINE_LOG=1 keeps the log",
  PULUMI_DEBUG_PROVIDERS: "provider and program run in this command's process, which the engine joins",
  PULUMI_SKIP_CHECKPOINTS: "the state is written at the end of a run, where servers and keys are in it: not after each of its steps",
  PULUMI_EXPERIMENTAL: "without it the engine does not take the setting above",
  PULUMI_CREDENTIALS_PATH: "your own credentials, since PULUMI_HOME is another folder",
};

/** By what a run is, and where it ends: one-process.ts, state-writes.ts. */
export const ofSomeRuns: readonly string[] = ["PULUMI_DEBUG_PROVIDERS", "PULUMI_SKIP_CHECKPOINTS", "PULUMI_EXPERIMENTAL"];

/** What a `pulumi` typed by hand needs too; `fleet env` prints it. */
export function environment(plan: Aimed | undefined): Readonly<Record<string, string>> {
  const given = process.env.PULUMI_CONFIG_PASSPHRASE !== undefined || process.env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;
  return {
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // npm brings the SDKs of all providers, and Pulumi would fetch them all for every stack; plugins.ts fetches what a stack needs.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // Compiled code of the program and the provider is kept: it saves a third of a second at each start.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(stateFolder, "compile-cache"),
    // The program that Pulumi starts finds its stack file by it.
    ...(project !== checkout && { FLEET_PROJECT: project }),
    // Starts the program without what it never needs: half a second more.
    PULUMI_LANGUAGE_NODEJS_RUN_PATH: join(checkout, "components", "run.cjs"),
    ...(!given && plan?.engine.passphrase !== undefined && { PULUMI_CONFIG_PASSPHRASE: plan.engine.passphrase }),
  };
}

/** What only the engine that `fleet` starts gets: a `pulumi` typed by hand keeps its home folder, and its log. */
export const ofFleetAlone = (): Readonly<Record<string, string>> => withoutLog(join(stateFolder, "engine-home"));

/** Where a mistake costs money or opens a door, the policy pack has a say: in previews and ups, with Pulumi's own words. */
export const policed = ({ engine }: FleetPlan): readonly string[] => (engine.policed ? ["--policy-pack", join(checkout, "policy")] : []);

/** What somebody changed by hand in a cloud shows only to who looks; our own provider looks by itself. */
export const looking = ({ engine }: FleetPlan): readonly string[] => (engine.refreshed ? ["--refresh"] : []);

/** Servers up to which Pulumi's own limit, four resources a core, holds nobody up. */
const fewServers = 8;
const atMost = 256;

/** Servers are waited for, not computed: all of them at once, whatever the cores. A cloud has limits of its own. */
export function parallelFor(
  { engine, servers }: Pick<FleetPlan, "engine" | "servers">,
  env: NodeJS.ProcessEnv = process.env,
): readonly string[] {
  if (!engine.allAtOnce || servers.length <= fewServers || env.PULUMI_PARALLEL !== undefined) return [];
  return ["--parallel", String(Math.min(atMost, 2 * servers.length))];
}

export interface PulumiResult {
  readonly code: number;
  /** Empty where the output went straight to the terminal. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Where `fleet up --all` and `fleet down --all` listen to what each team's run is doing. */
const eventLog = ([command = ""]: readonly string[], file: string | undefined): string[] =>
  file !== undefined && ["up", "destroy"].includes(command) ? ["--event-log", file] : [];

const isChange = ([command = "", of = ""]: readonly string[]): boolean =>
  ["up", "destroy"].includes(command) || (command === "stack" && of === "rm");

/**
 * `capture` keeps the output instead of showing it; `hear` is told each piece of it. Throws Interrupted once it has stopped at a safe point,
 * where we were asked to end.
 */
export async function pulumi(
  plan: Aimed | undefined,
  args: readonly string[],
  { capture = false, env = {} as Readonly<Record<string, string>>, hear = (_text: string): void => {} } = {},
): Promise<PulumiResult> {
  throwIfInterrupted();
  if (project !== checkout) refuseWithoutCode(project);
  if (isChange(args)) changes();
  makeStateFolder();
  const own = isEngineRun(args) ? await (await import("./one-process.ts")).oneProcess(programFor(plan, args)) : undefined;
  const forget = own ? tellProgram(env) : undefined;
  try {
    const ended = run(plan, [...args, ...(own?.args ?? [])], { capture, env: { ...env, ...own?.env }, hear });
    if (own && plan && readsAll(args)) void lookMeanwhile(own, plan);
    return await ended;
  } finally {
    forget?.();
    await own?.close();
  }
}

/** A `destroy` reads nothing first, and of single resources only those. */
const readsAll = ([command = "", ...rest]: readonly string[]): boolean => ["up", "preview"].includes(command) && !rest.includes("--target");

/** The engine takes a quarter of a second to start. What fails here it asks for itself, and tells. */
async function lookMeanwhile(own: OneProcess, plan: Aimed): Promise<void> {
  try {
    const { keptOf } = await import("./kept.ts");
    await own.readAhead(await keptOf(plan));
  } catch {
    // A state that only the engine can read.
  }
}

/** The plan that this command has made is the one that is carried out: the stack file is read once. */
function programFor(plan: Aimed | undefined, [command]: readonly string[]): Program | undefined {
  if (command === "destroy") return undefined;
  const known = plan && "spec" in plan ? (plan as FleetPlan) : undefined;
  return async () => await (await import("../index.ts")).default(known);
}

/** The program runs in this process: what is meant for it has to be in our own environment, as long as it runs. */
function tellProgram(env: Readonly<Record<string, string>>): () => void {
  const own = Object.entries(env).filter(([name]) => name.startsWith("FLEET_"));
  const before = own.map(([name]) => [name, process.env[name]] as const);
  Object.assign(process.env, Object.fromEntries(own));
  return () => {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  };
}

const isEngineRun = ([command = ""]: readonly string[]): boolean => ["up", "preview", "destroy"].includes(command);

interface RunOptions {
  readonly capture: boolean;
  readonly env: Readonly<Record<string, string>>;
  hear(text: string): void;
}

async function run(plan: Aimed | undefined, args: readonly string[], { capture, env, hear }: RunOptions) {
  // What a run says passes by us: its words hold what is for no eye (words.ts).
  const piped = !capture && isEngineRun(args);
  // Only now: who needs no engine needs no YAML either.
  const { ownPassphrase, refuseNoPassphrase, refuseWrongPassphrase } = await import("./own-passphrase.ts");
  refuseNoPassphrase(plan);
  const all: NodeJS.ProcessEnv = { ...process.env, ...environment(plan), ...(await ownPassphrase(plan)), ...ofFleetAlone(), ...env };
  const child = spawn(
    "pulumi",
    [...args, ...(piped && process.stdout.isTTY ? ["--color", "always"] : []), ...eventLog(args, all.FLEET_EVENT_LOG)],
    {
      cwd: project,
      env: all,
      stdio: capture ? ["ignore", "pipe", "pipe"] : piped ? ["inherit", "pipe", "inherit"] : "inherit",
    },
  );
  const lines = readableLines((text) => process.stdout.write(text));
  stopsWithUs(child, "SIGINT");
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    if (!capture) return lines.take(text);
    output.stdout += text;
    hear(text);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", (error) => reject(new UserError(`pulumi: expected the command, got ${error.message}; next: ${typed()} setup`)));
    child.on("close", (status) => resolve(status ?? 130));
  });
  lines.end();
  if (isChange(args)) shutStateFolder();
  // An engine that was stopped may still call it a success.
  throwIfInterrupted();
  if (code !== 0 && plan) refuseWrongPassphrase(plan.stack, output.stderr + output.stdout, all);
  return { code, ...output };
}

/** The captured standard output; a failure is the user's to read. */
export async function ask(plan: Aimed | undefined, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await pulumi(plan, args, { capture: true });
  if (code !== 0) throw new UserError(`pulumi ${args[0]} ended with exit code ${code}: ${readable(stderr || stdout).trim()}`);
  return stdout;
}
