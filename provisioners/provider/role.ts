// fleet:index:Role: one role on one server, its resources keyed by address. Look and converge; the engine sees properties.

import type { Guards } from "../../spec/guards.ts";
import { UserFacingError } from "../../spec/problem.ts";
import { type ConvergeOptions, converge, failures, type Remarks } from "../engine/converge.ts";
import type { Wants } from "../engine/order.ts";
import { hasMark, type LateValues, resolvePlaceholders } from "../engine/placeholders.ts";
import { problemsIn } from "../engine/problems.ts";
import { heldSentence, type RoleReport } from "../engine/report.ts";
import { type Connection, HostError } from "../engine/shell.ts";
import type { Address } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import type { Context } from "./context.ts";
import { difference } from "./difference.ts";
import { type Call, PartlyDone, type Resource } from "./resource.ts";
import { type Foreseen, hideSensitive, lookAhead, lookAt, plainly, sentencesOf } from "./role-look.ts";
import { isUnknown, type Json } from "./wire.ts";

export interface RoleInputs {
  readonly host: string;
  readonly role: string;
  readonly connection: Connection;
  /** With marks where late values belong: no secret stands in them. */
  readonly resources: Wants;
  /** The late values, by the names in their marks. */
  readonly late: LateValues;
  readonly guard: Guards;
}

export interface RoleOutputs extends RoleInputs {
  /** What failed at the last run, a sentence each; empty when all is well. */
  readonly failed: readonly string[];
  /** Services that are owed a reload by a run that was cut short. */
  readonly owed: readonly Address[];
  /** Why the last look at it failed: what the state has is then what it remembers. */
  readonly unseen?: string;
  /** Of the last look: what to know of single resources beside their outcome. */
  readonly remarks?: Remarks;
  /** In a preview, and nowhere else: what an up would find there, and do. */
  readonly foreseen?: Foreseen;
  /** By which name the server remembers that this resource wants things there. */
  readonly wanter?: string;
}

export function roleResource(context: Context): Resource<RoleInputs, RoleOutputs> {
  return {
    refreshBeforeUpdate: true,
    check: ({ resources, guard }) => {
      context.programRuns = true;
      return isUnknown(resources as Json) ? [] : problemsIn(resources, guard).map(({ path, reason }) => ({ property: path, reason }));
    },
    diff: ({ outputs }, news) => ({
      // Only a rename that is followed comes here with another host: what was made there stays.
      ...difference("host", outputs.host, news.host),
      ...(outputs.role !== news.role && { role: "update-replace" as const }),
      ...difference("connection", outputs.connection, news.connection),
      ...difference("resources", outputs.resources, news.resources),
      ...difference("late", outputs.late, news.late),
      ...(outputs.failed.length > 0 && { failed: "update" as const }),
      ...(outputs.owed.length > 0 && { owed: "update" as const }),
    }),
    async create(inputs, call, preview) {
      const id = `${inputs.host}/${inputs.role}`;
      return { id, outputs: preview ? await previewRole(context, inputs, call) : await run(context, id, inputs, call) };
    },
    async read(_id, old, call) {
      try {
        const shell = await context.reach(old.inputs.connection, call);
        const { notes, remarks, ...seen } = await lookAt(shell, old.inputs, { signal: call.signal });
        for (const note of notes) call.log("warning", note);
        const { unseen: _, remarks: __, ...before } = old.outputs;
        const told = Object.keys(remarks).length > 0 && { remarks: plainly(remarks, call) };
        return { inputs: { ...old.inputs, resources: seen.resources }, outputs: { ...before, ...seen, ...told } };
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        call.log("warning", `shows what the state remembers, not what is there now: ${error.message}`);
        return { inputs: old.inputs, outputs: { ...old.outputs, unseen: error.message } };
      }
    },
    update: async (id, { outputs }, news, call, preview) =>
      preview ? await previewRole(context, news, call, outputs) : await run(context, id, news, call, outputs.wanter),
    async delete(_id, old, call) {
      try {
        await release(context, old.outputs, call);
      } catch (error) {
        throw outOfReach(error, old.outputs.host);
      }
    },
    hide: (outputs) =>
      isUnknown(outputs.resources as Json)
        ? outputs
        : { ...outputs, resources: hideSensitive(outputs.resources, (value) => !hasMark(value)) },
  };
}

/** Nothing can be undone on a server that is no more, and it must not stop what is done on the others for ever. */
export function outOfReach(error: unknown, server: string): unknown {
  if (!(error instanceof HostError) || error.fault === "locked") return error;
  const next = `next, if it is gone for good: the same command with \`--forget ${server}\`, which leaves it as it is`;
  return new HostError(error.host, error.fault, `${error.sentence}; what was done there can't be undone; ${next}`);
}

/** One of another name is another that wants. */
const wanterOf = ({ role }: RoleInputs, { name }: Call): string => `${name} ${role}`;

const settled = (inputs: RoleInputs, call: Call): RoleOutputs => ({ ...inputs, failed: [], owed: [], wanter: wanterOf(inputs, call) });

/**
 * A server that was lent is not blank: what the role will change there is looked at before it is there itself. What a role that is there
 * will do differently is asked of the same plan.
 */
async function previewRole(context: Context, inputs: RoleInputs, call: Call, before?: RoleOutputs): Promise<RoleOutputs> {
  const planned = settled(inputs, call);
  if (isUnknown(inputs.connection as unknown as Json) || isUnknown(inputs.resources as Json)) return planned;
  try {
    const who = { by: wanterOf(inputs, call), was: before?.wanter };
    const foreseen = await lookAhead(await context.reach(inputs.connection, call), inputs, call, who);
    const said = before ? [] : sentencesOf(foreseen);
    if (said.length > 0) call.log("info", `${inputs.host}: ${inputs.role} changes what is there:\n${said.join("\n")}`);
    return { ...planned, foreseen };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    if (!before) call.log("warning", `previewed from the stack file alone: ${error.message}`);
    return planned;
  }
}

/** Milliseconds for a role where nobody has said it: long enough for packages over a slow line. */
const roleTime = 3_600_000;

/** What commands and checks may take by their own word comes on top: a build of an hour is not cut by the role around it. */
export function deadlineOf(resources: Wants, given = roleTime): number {
  const own = Object.values(resources).map((want) => want as { readonly timeout?: number; readonly deadline?: number });
  return given + own.reduce((sum, { timeout = 0, deadline = 0 }) => sum + 1000 * (timeout + deadline), 0);
}

async function run(context: Context, id: string, inputs: RoleInputs, call: Call, was?: string): Promise<RoleOutputs> {
  const shell = await context.reach(inputs.connection, call);
  context.refuseForeign(inputs.connection);
  await context.lock(shell, call);
  const report = await converge(shell, inputs.role, resolvePlaceholders(inputs.resources, inputs.late), {
    ...convergeOptions(call, inputs.resources),
    by: wanterOf(inputs, call),
    was,
  });
  tell(report, call);
  if (failures(report).length === 0 && !call.signal.aborted) return settled(inputs, call);
  const left = await partlyDone(context, id, inputs, report, call);
  if (call.signal.aborted || !failures(report).every(({ address }) => kindOf(address).kind.failsAlone)) throw left;
  // The roles behind it stand on what it did: only what could not be had is missing. The program says, at its end, that not all is well.
  for (const reason of left.reasons) call.log("error", reason);
  return left.outputs as RoleOutputs;
}

/**
 * This role wants nothing any more: what nobody else wants goes back. What can't go back stays in the server's memory. In a `destroy` it
 * stops nothing: the Host, last to go, tries once more and says what is left.
 */
async function release(context: Context, outputs: RoleOutputs, call: Call): Promise<void> {
  const connection = context.nowOf(outputs.connection);
  if (!connection) {
    call.log("info", `${outputs.host}: nothing of it is to be undone: the server that it was done on is gone`);
    return;
  }
  const shell = await context.reach(connection, call);
  context.refuseForeign(connection);
  await context.lock(shell, call);
  const by = outputs.wanter ?? wanterOf(outputs, call);
  const report = await converge(shell, outputs.role, {}, { ...convergeOptions(call, outputs.resources), by });
  // In a `destroy` the Host asks once more what stays, and names it.
  tell(report, call, context.programRuns);
  const failed = failures(report).map(({ address, reason }) => call.redact(`${address}: ${reason ?? "no reason given"}`));
  if (call.signal.aborted) throw new UserFacingError("cancelled between two steps; the next run goes on from here");
  if (failed.length === 0) return;
  if (context.programRuns)
    throw new UserFacingError(
      `${failed.length} of ${report.results.length} could not be undone:\n${failed.join("\n")}\n` +
        "next: put right what they say and run this again; it goes on from here",
    );
  for (const each of failed) call.log("warning", `could not be undone: ${each}`);
}

const convergeOptions = (call: Call, resources: Wants): ConvergeOptions => ({
  signal: call.signal,
  deadline: deadlineOf(resources, call.timeout),
  onProgress: (address, sentence, output) => call.log("info", output ?? `${address}: ${sentence}`, true),
  onWait: (address, sentence) => call.log("info", `${address}: ${sentence}`),
});

export function tell({ results, notes = [] }: RoleReport, call: Call, isStays = true): void {
  call.log("info", heldSentence(results), true);
  for (const { address, said = [], stays = [] } of results)
    for (const each of [...said, ...(isStays ? stays : [])]) call.log("warning", `${address}: ${each}`);
  for (const note of notes) call.log("warning", note);
  for (const { address, notes: own = [] } of results)
    if (own.length > 0) call.log("info", `${address}: ${own.map(call.redact).join("; ")}`);
  for (const { address, reason } of results.filter(({ outcome }) => outcome === "skipped" || outcome === "not-applicable")) {
    call.log("info", `${address}: ${reason}`);
  }
}

/** After a failure the state holds what is really there: one more look. */
async function partlyDone(context: Context, id: string, inputs: RoleInputs, report: RoleReport, call: Call): Promise<PartlyDone> {
  const failed = failures(report).map(({ address, reason }) => call.redact(`${address}: ${reason ?? "no reason given"}`));
  const reasons = failed.length > 0 ? failed : ["cancelled between two steps; the next up goes on from here"];
  const { resources, owed } = await lookAt(await context.reach(inputs.connection, call), inputs);
  const outputs: RoleOutputs = { ...settled(inputs, call), resources, owed, failed: reasons };
  return new PartlyDone(`${id}: ${reasons.length} of ${report.results.length} resources failed\n${reasons.join("\n")}`, {
    id,
    outputs,
    reasons,
  });
}
