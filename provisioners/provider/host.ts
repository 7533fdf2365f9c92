// fleet:index:Host: a server that can be reached. Pins its host key, waits for its boot, knows its facts.
import { completeFacts, type Facts, readFacts, waitForBoot } from "../engine/facts.ts";
import { type Connection, HostError } from "../engine/shell.ts";
import { scanHostKey } from "../ssh/connection.ts";
import type { Context } from "./context.ts";
import { difference } from "./difference.ts";
import type { Call, Resource } from "./resource.ts";
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
      if (!preview) return { id: inputs.name, outputs: await meet(context, inputs, call) };
      return { id: inputs.name, outputs: await foresee(context, inputs, call) };
    },
    async read(_id, old, call) {
      try {
        const facts = await readFacts(await context.reach(old.outputs.connection, call), { signal: call.signal });
        return { inputs: old.inputs, outputs: { ...old.outputs, facts: { ...facts, ...old.inputs.declared }, problem: "" } };
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        call.log("warning", error.message);
        return { inputs: old.inputs, outputs: { ...old.outputs, problem: error.message } };
      }
    },
    async update(_id, { outputs }, news, call, preview) {
      return preview ? { ...news, facts: { ...outputs.facts, ...news.declared }, problem: "" } : await meet(context, news, call);
    },
    delete: async () => {},
  };
}

async function meet(context: Context, inputs: HostInputs, call: Call, boot = true): Promise<HostOutputs> {
  const { connection } = inputs;
  // Says why it can't be reached, where that is why there is no key; a key found only now is pinned by the next run.
  if (connection.hostKey === "") await scanHostKey(connection, connection.jump);
  const shell = await context.reach(connection, call, { boot, fresh: inputs.made ?? false });
  await waitForBoot(shell, { signal: call.signal, onWait: (reason) => call.log("info", `waits for the end of the boot: ${reason}`, true) });
  const facts = await readFacts(shell, { signal: call.signal });
  return { ...inputs, facts: { ...facts, ...inputs.declared }, problem: "" };
}

/** A preview of a server that is not in the state yet: look at it where that is possible, else go by what is declared, where that is enough. */
async function foresee(context: Context, inputs: HostInputs, call: Call): Promise<HostOutputs> {
  const planned = { ...inputs, facts: completeFacts(inputs.declared) ?? (unknown as unknown as Facts), problem: "" };
  if (isUnknown(inputs.connection as unknown as Json)) return planned;
  try {
    return await meet(context, inputs, call, false);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    call.log("warning", `previewed from the stack file alone: ${error.message}`);
    return { ...planned, problem: error.message };
  }
}
