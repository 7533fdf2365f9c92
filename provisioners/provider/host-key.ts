// fleet:index:HostKey: trust on first use, said aloud and then kept. A server that shows another key later is an error, not an update.

import { type Connection, HostError } from "../engine/shell.ts";
import { scanHostKey } from "../ssh/connection.ts";
import { difference } from "./difference.ts";
import type { Call, Resource } from "./resource.ts";
import { isUnknown, type Json } from "./wire.ts";

export interface HostKeyInputs {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly jump?: Connection["jump"];
}

export interface HostKeyOutputs extends HostKeyInputs {
  /** `ssh-ed25519 AAAA…`; empty while the server was never reached, so that the others can go on without it. */
  readonly hostKey: string;
  /** `SHA256:…`, to compare with what the organiser hands out. */
  readonly fingerprint: string;
}

export const hostKeyResource: Resource<HostKeyInputs, HostKeyOutputs> = {
  diff: ({ outputs }, news) => ({
    ...difference("name", outputs.name, news.name),
    ...(outputs.hostKey === "" && { hostKey: "update" as const }),
  }),
  async create(inputs, call) {
    return {
      id: inputs.name,
      outputs: isUnknown(inputs as unknown as Json) ? { ...inputs, hostKey: "", fingerprint: "" } : await scan(inputs, call),
    };
  },
  read: async (_id, old) => old,
  async update(_id, { outputs }, news, call) {
    return outputs.hostKey === "" ? await scan(news, call) : { ...outputs, ...news };
  },
  delete: async () => {},
};

async function scan(inputs: HostKeyInputs, call: Call): Promise<HostKeyOutputs> {
  try {
    const { hostKey, fingerprint } = await scanHostKey(inputs, inputs.jump);
    call.log("info", `${inputs.name}: the stack file names no hostKey; pins what ${inputs.address} shows: ${fingerprint}`);
    return { ...inputs, hostKey, fingerprint };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    call.log("warning", error.message);
    return { ...inputs, hostKey: "", fingerprint: "" };
  }
}
