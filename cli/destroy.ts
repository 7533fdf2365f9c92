// Takes a stack away, asked already: fetch what is to be kept, destroy, forget, and the proof that nothing is left.
import { rmSync } from "node:fs";
import { sweep } from "../machines/sweep.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import { planOf } from "../provisioners/stack.ts";
import { ask, pulumi, sshFolder } from "../pulumi/command.ts";
import { forgetServers } from "../pulumi/forget.ts";
import { changes } from "../pulumi/interruption.ts";
import { existing, forget, isLocal, keepState, localDeployment, localStack, prepare } from "../pulumi/state.ts";
import { backedUp, refuseLostState } from "../pulumi/state-file.ts";
import { archive } from "./archive.ts";
import { giveBackServers } from "./give-back.ts";
import type { LentServer } from "./lent-servers.ts";
import { machinesAlone, standsOnServers } from "./machines-alone.ts";
import { phase } from "./phase.ts";
import { purge } from "./purge.ts";
import { toldRun } from "./run/run-up.ts";
import type { TargetOperations } from "./targets/contract.ts";
import { operationsOf } from "./targets/targets.ts";

export interface DownOptions {
  readonly yes: boolean;
  /** Servers that are gone for good. */
  readonly forget?: readonly string[];
  /** The stack that servers belong to, whose they are given back as. */
  readonly takeOver?: string | undefined;
  /** What people put onto servers that were lent goes too, asked about here. @default false */
  readonly purge?: boolean;
  /** All that Pulumi's engine says, in its own words. @default false */
  readonly verbose?: boolean;
}

/** The exit code: 0 only where nothing is left, and what was to be archived is. `yes` answers what still has to be asked. */
export async function takeDown(
  stack: string,
  { yes, forget: gone = [], takeOver, purge: isPurge = false, verbose = false }: DownOptions,
): Promise<number> {
  const plan = planOf(stack);
  const target = await operationsOf(plan);
  const isThere = (await existing([stack])).length > 0;
  if (!isThere && isLocal() && !standsOnServers(plan, backedUp(localStack(stack)))) refuseLostState(stack, localStack(stack));
  // Before the state goes, which knows their host keys.
  const lent = (await target.lent?.(plan)) ?? [];
  const here = lent.filter(({ name }) => !gone.includes(name));
  let archived = true;
  if (isPurge) await purge(stack, here, yes);
  if (isThere) {
    await prepare(plan);
    await forgetServers(plan, gone);
    archived = await archive(plan, yes);
    const code = await destroyed(plan, target, verbose);
    if (code !== 0) return code;
  }
  const given = await givenBack(plan, here, takeOver);
  const code = given === 0 ? ((await target.proven?.(plan)) ?? 0) : given;
  if (!archived) console.error(`${stack}: taken away without the whole archive, as said above`);
  return code === 0 && !archived ? 1 : code;
}

/** Who listens to the engine's events, as `fleet down --all` does, is told by the engine. */
const needsNoEngine = (stack: string): boolean =>
  isLocal() && process.env.FLEET_EVENT_LOG === undefined && machinesAlone(stack, localDeployment(stack)?.resources ?? []);

async function destroyed(plan: FleetPlan, target: TargetOperations, verbose: boolean): Promise<number> {
  const { stack } = plan;
  keepState(stack);
  if (needsNoEngine(stack)) return await machinesGone(plan);
  const args = ["destroy", "--stack", stack, "--yes", "--skip-preview", "--continue-on-error", "--suppress-outputs"];
  const once = async (env: Readonly<Record<string, string>> = {}) =>
    verbose ? (await pulumi(plan, args, { env })).code : (await toldRun(plan, args, env)).code;
  const code = await (target.destroy ? target.destroy(plan, once) : once());
  if (code !== 0) return code;
  await removeStack(plan);
  return 0;
}

/** With all that is on them. `--force`: what the state still names was on the machines. */
async function machinesGone(plan: FleetPlan): Promise<number> {
  const { stack } = plan;
  changes();
  await phase(`machines of ${stack}`, () => sweep(stack));
  await removeStack(plan, "--force");
  return 0;
}

/** Whoever asks us to end meanwhile: a stack that is gone leaves no backup by which it would be missed. */
async function removeStack(plan: FleetPlan, ...more: readonly string[]): Promise<void> {
  const { stack } = plan;
  try {
    await ask(plan, ["stack", "rm", stack, "--yes", "--preserve-config", ...more]);
  } finally {
    if ((await existing([stack])).length === 0) forgetHere(stack);
  }
}

/** Nobody misses the state of a stack by its backup any more, once nothing of it is left. */
async function givenBack({ stack }: FleetPlan, servers: readonly LentServer[], takeOver?: string): Promise<number> {
  if (servers.length === 0) return 0;
  const code = await giveBackServers(stack, servers, takeOver);
  if (code === 0) forgetHere(stack);
  return code;
}

function forgetHere(stack: string): void {
  rmSync(sshFolder(stack), { recursive: true, force: true });
  forget(stack);
}
