// What a state has of servers, for a look while the engine starts. What can't be read without it is its to ask for.
import type { Kept } from "../provisioners/provider/read-ahead.ts";
import { secret } from "../provisioners/provider/wire.ts";
import type { Aimed } from "../provisioners/stack.ts";
import { opened, readCheckpoint } from "./checkpoint.ts";
import { passphraseIn, unlockByAny } from "./passphrase.ts";
import { isLocal, localStack } from "./state.ts";

const ofServers = ["fleet:index:Host", "fleet:index:Role"];

export async function keptOf({ stack, engine }: Aimed): Promise<readonly Kept[]> {
  const checkpoint = isLocal() ? readCheckpoint(localStack(stack)) : "elsewhere";
  if (typeof checkpoint === "string") return [];
  const key = await unlockByAny(checkpoint.salt, [passphraseIn(process.env), engine.passphrase]);
  if (!key) return [];
  const wire = (value: unknown) => opened(value, key, (plain) => secret(plain as never)) as Kept["inputs"];
  return checkpoint.resources
    .filter(({ type }) => ofServers.includes(type))
    .map(({ urn, id = "", inputs = {}, outputs = {} }) => ({ urn, id, inputs: wire(inputs), outputs: wire(outputs) }));
}
