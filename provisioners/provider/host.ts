// fleet:index:Host: a server that can be reached. Pins its host key, waits for its boot, knows its facts.

import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { UserFacingError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { claimServer, failures, ownerBeside, releaseServer } from "../engine/converge.ts";
import { completeFacts, type Facts, readFacts, waitForBoot } from "../engine/facts.ts";
import { memoryDirectory } from "../engine/prelude.ts";
import { type Connection, HostError, isUnreachable, type Shell } from "../engine/shell.ts";
import { scanHostKey } from "../ssh/connection.ts";
import type { Context } from "./context.ts";
import { difference } from "./difference.ts";
import { type Foreign, foreignSentence } from "./foreign.ts";
import type { Call, Resource } from "./resource.ts";
import { outOfReach, tell } from "./role.ts";
import { bootWindow, knownWindow } from "./waiting.ts";
import { isUnknown, type Json, unknown } from "./wire.ts";

export interface HostInputs {
  readonly name: string;
  /** The host key is empty where the server was never reached yet (fleet:index:HostKey). */
  readonly connection: Connection;
  /** Known before the server exists; wins over what is read, since limits of a practice machine don't show inside. */
  readonly declared?: Partial<Facts>;
  /** Made by the fleet, and so perhaps still without its users when it first answers. @default false */
  readonly made?: boolean;
}

export interface HostOutputs extends HostInputs {
  readonly facts: Facts;
  /** Why it could not be reached at the last look; empty when it could. */
  readonly problem: string;
  /** By which name the server remembers that this fleet has it. */
  readonly wanter?: string;
  /** This stack's id on the server. */
  readonly owner?: string;
}

export function hostResource(context: Context): Resource<HostInputs, HostOutputs> {
  return {
    refreshBeforeUpdate: true,
    diff: ({ outputs }, news) => ({
      // Only a rename that is followed comes here with another name: the server is the same.
      ...difference("name", outputs.name, news.name),
      ...difference("connection", outputs.connection, news.connection),
      ...difference("declared", outputs.declared, news.declared),
      ...(outputs.problem !== "" && { problem: "update" as const }),
    }),
    async create(inputs, call, preview) {
      if (!preview) return { id: inputs.name, outputs: await take(context, inputs, call) };
      return { id: inputs.name, outputs: await previewConnect(context, inputs, call) };
    },
    async read(_id, old, call) {
      try {
        const shell = await context.reach(old.outputs.connection, call);
        // In the same moment, so that the server is waited for once.
        const [foreign, facts] = await Promise.all([
          ownership(context, shell, old.outputs, call, old.outputs.owner),
          readFacts(shell, { signal: call.signal }),
        ]);
        if (foreign) call.log("warning", foreignSentence(foreign, !context.programRuns));
        return { inputs: old.inputs, outputs: { ...old.outputs, facts: { ...facts, ...old.inputs.declared }, problem: "" } };
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        call.log("warning", error.message);
        return { inputs: old.inputs, outputs: { ...old.outputs, problem: error.message } };
      }
    },
    async update(_id, { outputs }, news, call, preview) {
      return preview ? { ...news, facts: { ...outputs.facts, ...news.declared }, problem: "" } : await take(context, news, call, outputs);
    },
    check: () => {
      context.programRuns = true;
      return [];
    },
    async delete(_id, { outputs }, call) {
      try {
        await giveServerBack(context, outputs, call);
      } catch (error) {
        throw outOfReach(error, outputs.name);
      }
    },
  };
}

/** The server remembers from here on that it is this fleet's. */
async function take(context: Context, inputs: HostInputs, call: Call, was?: HostOutputs): Promise<HostOutputs> {
  const outputs = await connect(context, inputs, call, was).catch((error: unknown) => Promise.reject(leftOut(error, call)));
  const shell = await context.reach(inputs.connection, call);
  await context.lock(shell, call);
  await ownership(context, shell, inputs, call, was?.owner);
  context.refuseForeign(inputs.connection);
  context.isNow(inputs.connection, inputs.made);
  const owner = { id: was?.owner ?? randomUUID(), ...comerOf(call), since: new Date().toISOString() };
  await claimServer(shell, { by: call.name, was: was?.wanter }, owner, { signal: call.signal });
  return { ...outputs, wanter: call.name, owner: owner.id };
}

const comerOf = ({ urn }: Call) => ({ stack: urn.split(":")[2] ?? "", who: `${userInfo().username}@${hostname()}` });

/** Whose the server is, where it is not this stack's to change; undefined where it is, or where somebody typed whose it is taken from. */
async function ownership(
  context: Context,
  shell: Shell,
  { name, connection }: HostInputs,
  call: Call,
  id?: string,
): Promise<Foreign | undefined> {
  const owner = await ownerBeside(shell, { ...comerOf(call), id }, { signal: call.signal });
  const taken = owner !== undefined && process.env.FLEET_TAKE_OVER === owner.stack;
  const foreign = owner && !taken ? { server: name, owner, stack: comerOf(call).stack } : undefined;
  context.foreign(connection, foreign);
  return foreign;
}

/**
 * All that the server remembers goes back, also of a role that never came into the state; unless a host of another name has the server by
 * now. Throws where something could not go back.
 */
async function giveServerBack(context: Context, { connection, ...outputs }: HostOutputs, call: Call): Promise<void> {
  const shell = await context.reach(connection, call);
  context.refuseForeign(connection);
  await context.lock(shell, call);
  const report = await releaseServer(shell, outputs.wanter ?? call.name, {
    signal: call.signal,
    onProgress: (address, sentence, output) => call.log("info", output ?? `${address}: ${sentence}`, true),
    onWait: (address, sentence) => call.log("info", `${address}: ${sentence}`),
  });
  tell(report, call);
  const failed = failures(report).map(({ address, reason }) => call.redact(`${address}: ${reason ?? "no reason given"}`));
  if (call.signal.aborted) throw new UserFacingError("cancelled between two steps; the next run goes on from here");
  if (failed.length === 0) return;
  throw new UserFacingError(
    `${shell.host}: ${failed.length} of ${report.results.length} could not be undone, the rest is as it was before:\n${failed.join("\n")}\n` +
      `next: put right what they say and run this again, or leave them as they are: \`rm -r ${memoryDirectory}\` on ${shell.host}, as root, lets it forget them`,
  );
}

/** The others are done all the same: what is typed for this one. */
function leftOut(error: unknown, { urn }: Call): unknown {
  if (!isUnreachable(error)) return error;
  const stack = urn.split(":")[2] ?? "";
  const next = `nothing was done there; next: start it, then ${typed()} up ${stack}; if it is gone for good, take it out of stacks/Pulumi.${stack}.yaml, then ${typed()} up ${stack} --forget ${error.host}`;
  return new HostError(error.host, error.fault, error.sentence, next);
}

/** Where it answered before, and what starts it is not the fleet, it is up by now, or in a reboot. */
export function windowFor({ connection, made = false }: HostInputs, was?: HostOutputs): number {
  const isThere = was !== undefined && !made && was.connection.address === connection.address && was.connection.port === connection.port;
  return isThere ? knownWindow : bootWindow;
}

/** @param was the state has it: undefined where it is new; `once`: it is not waited for */
async function connect(context: Context, inputs: HostInputs, call: Call, was?: HostOutputs | "once"): Promise<HostOutputs> {
  const { connection } = inputs;
  // Says why it can't be reached, where that is why there is no key; a key found only now is pinned by the next run.
  if (connection.hostKey === "") await scanHostKey(connection, connection.jump);
  const patience = was === "once" ? {} : { boot: true, fresh: inputs.made ?? false, window: windowFor(inputs, was) };
  const shell = await context.reach(connection, call, patience);
  await waitForBoot(shell, { signal: call.signal, onWait: (reason) => call.log("info", `waits for the end of the boot: ${reason}`, true) });
  const facts = await readFacts(shell, { signal: call.signal });
  return { ...inputs, facts: { ...facts, ...inputs.declared }, problem: "" };
}

/** A preview of a server that is not in the state yet: look at it where that is possible, else go by what is declared, where that is enough. */
async function previewConnect(context: Context, inputs: HostInputs, call: Call): Promise<HostOutputs> {
  const planned = { ...inputs, facts: completeFacts(inputs.declared) ?? (unknown as unknown as Facts), problem: "" };
  if (isUnknown(inputs.connection as unknown as Json)) return planned;
  try {
    const outputs = await connect(context, inputs, call, "once");
    const foreign = await ownership(context, await context.reach(inputs.connection, call), inputs, call);
    if (foreign) call.log("warning", foreignSentence(foreign, false));
    return outputs;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    call.log("warning", `previewed from the stack file alone: ${error.message}`);
    return { ...planned, problem: error.message };
  }
}
