// A look at servers that are up: what each is at, and what differs there from what the last run left.
import type { Shell } from "../../provisioners/engine/shell.ts";
import { differing, type Remembered } from "../../provisioners/provider/as-remembered.ts";
import { isMap } from "../../spec/path.ts";
import type { FleetServer } from "../fleet-up.ts";
import { type Found, foundIn } from "./found.ts";
import { lookScript, wantedOf } from "./script.ts";

export interface Seen extends Found {
  /** Seconds that the server's clock is before ours; as exact as the way there is long. */
  readonly ahead: number;
}

/** Milliseconds; a look that takes longer is one at a server that is stuck. */
const deadline = 30_000;

export async function lookAt(server: FleetServer, shell: Shell, signal: AbortSignal, { thorough = false } = {}): Promise<Seen> {
  const asked = Date.now();
  const { stdout } = await shell.run(lookScript(server, { thorough }), { signal, deadline, onAbort: "end" });
  const found = foundIn(stdout.toString("utf8"), wantedOf(server).off);
  // The clock is read first: what comes after it is the script's own time.
  const ahead = found.now - asked / 1000;
  return { ...found, ahead: Math.round(ahead * 100) / 100 };
}

/** A sentence a difference; it costs as much as the look of a preview. What was deployed since the last run is none. */
export const driftOf = ({ remembered }: FleetServer, { commits }: Found, signal: AbortSignal): Promise<readonly string[]> =>
  differing(asDeployed(remembered, commits), signal);

/** Pure. A deploy changes no state: what was remembered, at the commits that it left. */
export function asDeployed(remembered: FleetServer["remembered"], commits: Found["commits"]): FleetServer["remembered"] {
  const at = commits.flatMap(({ path, deployed }) => (deployed ? [[`git[${path}]`, deployed.commit] as const] : []));
  const moved = (properties: Remembered["inputs"]): Remembered["inputs"] => {
    const { resources } = properties;
    const own = at.filter(([address]) => isMap(resources) && isMap(resources[address]));
    if (!isMap(resources) || own.length === 0) return properties;
    const changed = own.map(([address, ref]) => [address, { ...(resources[address] as object), ref }]);
    return { ...properties, resources: { ...resources, ...Object.fromEntries(changed) } };
  };
  return remembered.map((each) => ({ ...each, inputs: moved(each.inputs), outputs: moved(each.outputs) }));
}
