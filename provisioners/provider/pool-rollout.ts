// fleet:index:PoolRollout: a pool whose servers serve, all with one template. Pulumi's own resource of a group is content once AWS has taken the
// wish; this one waits until it is true. Where the new servers don't come up, the group gets the template back that did.

import { setTimeout as sleep } from "node:timers/promises";
import { UserFacingError } from "../../spec/problem.ts";
import type { Access } from "../aws/access.ts";
import { difference } from "./difference.ts";
import { awsPool, type Launch, type Pool, type SeenPool } from "./pool-api.ts";
import { type Call, PartlyDone, type Resource } from "./resource.ts";
import { failuresSince, isThrough, type Progress, progressOf, progressText, reasonOf, verdict } from "./rollout-progress.ts";

export interface PoolRolloutInputs extends Access {
  readonly group: string;
  /** Number of the launch template's version. */
  readonly version: string;
  /** Seconds that a server has for its boot. */
  readonly patience: number;
  /** Per cent of the servers that must serve while others are replaced. */
  readonly minHealthy: number;
  /** What else decides which servers there should be: sizes, types. A change of it is waited for as well. */
  readonly shape: string;
}

export interface PoolRolloutOutputs extends PoolRolloutInputs {
  /** With what the servers came into service the last time; empty before the first. */
  readonly worked: Launch;
  /** How many fewer than the least serve. */
  readonly missing: number;
  /** Why the last wait came to nothing; empty where it did not. */
  readonly problem: string;
}

export interface Clock {
  readonly now: () => number;
  readonly pause: (seconds: number, signal: AbortSignal) => Promise<unknown>;
}

const realClock: Clock = { now: Date.now, pause: (seconds, signal) => sleep(seconds * 1000, undefined, { signal }) };

/** Seconds between two looks, and between two words where nothing moves. */
const [between, silence] = [5, 60] as const;

export function poolRolloutResource(
  poolOf: (inputs: PoolRolloutInputs) => Pool = awsPool,
  clock: Clock = realClock,
): Resource<PoolRolloutInputs, PoolRolloutOutputs> {
  const follow = async (inputs: PoolRolloutInputs, worked: Launch, call: Call): Promise<PoolRolloutOutputs> => {
    const pool = poolOf(inputs);
    const ended = await watch(pool, inputs, call, clock);
    if ("launch" in ended) return { ...inputs, worked: ended.launch, missing: 0, problem: "" };
    const back = await goBack(pool, inputs, worked, call, clock);
    const message = `${inputs.group}: ${ended.why}; ${back}`;
    const outputs: PoolRolloutOutputs = { ...inputs, worked, missing: 0, problem: message };
    throw new PartlyDone(message, { id: inputs.group, outputs, reasons: [message] });
  };
  return {
    refreshBeforeUpdate: true,
    diff: ({ inputs, outputs }, news) => ({
      ...(news.group === inputs.group && news.region === inputs.region ? {} : { group: "update-replace" as const }),
      ...difference("version", inputs.version, news.version),
      ...difference("shape", inputs.shape, news.shape),
      ...(outputs.missing > 0 && { missing: "update" as const }),
      ...(outputs.problem !== "" && { problem: "update" as const }),
    }),
    create: async (inputs, call, preview) => ({
      id: inputs.group,
      outputs: preview ? { ...inputs, worked: {}, missing: 0, problem: "" } : await follow(inputs, {}, call),
    }),
    async read(_id, old, call) {
      try {
        const seen = await poolOf(old.inputs).look();
        if (!seen) return undefined;
        const { serving } = progressOf(seen.group, old.inputs.version);
        return { inputs: old.inputs, outputs: { ...old.outputs, missing: Math.max(0, (seen.group.MinSize ?? 0) - serving) } };
      } catch (error) {
        // A fork's preview has no rights: it shows what was known, and says so.
        call.log("warning", `${old.inputs.group}: could not look how many serve: ${(error as Error).message}`);
        return old;
      }
    },
    update: async (_id, { outputs }, news, call, preview) =>
      preview ? { ...news, worked: outputs.worked, missing: 0, problem: "" } : await follow(news, outputs.worked, call),
    delete: async () => {},
  };
}

type Ended = { readonly launch: Launch } | { readonly why: string };

/** Until all serve, or it is clear that they won't. */
async function watch(pool: Pool, inputs: PoolRolloutInputs, call: Call, clock: Clock): Promise<Ended> {
  const start = clock.now();
  let [gained, best, said, spoke] = [start, -1, "", start];
  let asked = false;
  for (;;) {
    const seen = await pool.look();
    if (!seen) return { why: "expected an autoscaling group, got none; next: `up` again, which makes it" };
    const progress = progressOf(seen.group, inputs.version);
    const now = clock.now();
    if (progress.serving > best) [best, gained] = [progress.serving, now];
    const failures = failuresSince(seen.activities, gained);
    const refreshEnded = isThrough(progress) || progress.others === 0 ? undefined : await pool.refreshEnded(start);
    const judged = verdict({ progress, failures, quiet: (now - gained) / 1000, patience: inputs.patience, refreshEnded });
    if (judged === "done") return { launch: seen.launch };
    if (typeof judged === "object") return judged;
    // The provider starts one with a change of the template. Servers that are left from before an earlier one ended want another.
    if (!asked && progress.others > 0 && seen.launch.version === inputs.version) asked = await pool.startRefresh(inputs.minHealthy);
    const text = statusText(progress, failures);
    if (text !== said || now - spoke >= silence * 1000) {
      const minutes = Math.floor((now - start) / 60_000);
      call.log("info", `${inputs.group}: ${text}${text === said && minutes > 0 ? `, after ${minutes} min` : ""}`);
      [said, spoke] = [text, now];
    }
    await pause(clock, inputs, call);
  }
}

function statusText(progress: Progress, failures: readonly Parameters<typeof reasonOf>[0][]): string {
  const [newest] = failures;
  return newest ? `${progressText(progress)}; a launch failed: ${reasonOf(newest)}` : progressText(progress);
}

async function pause(clock: Clock, { group }: PoolRolloutInputs, { signal }: Call): Promise<void> {
  try {
    await clock.pause(between, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new UserFacingError(`${group}: not waited for any longer; the group goes on by itself, and the next \`up\` waits again`);
  }
}

/** To the template that worked. @returns what was done, or what there is to do */
async function goBack(pool: Pool, inputs: PoolRolloutInputs, worked: Launch, call: Call, clock: Clock): Promise<string> {
  const fix = "put right what its servers do at boot, then `up` again";
  if (worked.version === undefined || worked.version === inputs.version)
    return `the group goes on trying, which costs; next: ${fix}, or \`down\``;
  call.log("info", `${inputs.group}: goes back to version ${worked.version} of its template, which served`);
  await pool.cancelRefresh();
  while (await pool.isRefreshing()) await pause(clock, inputs, call);
  await pool.setLaunch(worked);
  const seen: SeenPool | undefined = await pool.look();
  if (seen && progressOf(seen.group, worked.version).others > 0) await pool.startRefresh(inputs.minHealthy);
  return `went back to version ${worked.version} of its template, whose servers serve; next: ${fix}`;
}
