// Servers that were handed out, by the stack file alone: how each is reached where no state says it, and as whose it is asked.
import type { Connection } from "../provisioners/engine/shell.ts";
import type { FleetPlan, ServerPlan } from "../provisioners/expand.ts";
import { login } from "../provisioners/logins.ts";
import { scanHostKey } from "../provisioners/ssh/connection.ts";
import { openFleet } from "../pulumi/open-fleet.ts";
import type { StateResource } from "../pulumi/state-file.ts";
import { secretAt, secretRefsIn } from "../spec/secrets.ts";

export interface LentServer {
  readonly name: string;
  /** Throws HostError where its host key is not known, and it does not show one. */
  readonly connection: () => Promise<Connection>;
  /** The stack's id on it, as far as the state knows. */
  readonly owner?: string | undefined;
}

type Jump = NonNullable<Connection["jump"]>;

/** Those that the state pinned are known by that key; what is shown instead is said. */
export async function lentServers(plan: FleetPlan, state: readonly StateResource[]): Promise<readonly LentServer[]> {
  const fleet = await openFleet(plan.stack);
  const text = (written: string): string => {
    const [path] = secretRefsIn(written);
    return path === undefined ? written : secretAt(fleet, path, plan.stack);
  };
  const outputs = (type: string, name: string) =>
    state.find((each) => each.type === `fleet:index:${type}` && each.inputs?.name === name)?.outputs;
  const hostKey = async (name: string, written: string | undefined, way: { address: string; port: number }, jump?: Jump) => {
    const pinned = written ?? String(outputs("HostKey", name)?.hostKey ?? "");
    if (pinned !== "") return pinned;
    const seen = await scanHostKey({ name, address: way.address, port: way.port }, jump);
    console.log(`${name}: neither the stack file nor its state names a hostKey; ${way.address} shows ${seen.fingerprint}`);
    return seen.hostKey;
  };
  const through = async ({ name, spec: { jump } }: ServerPlan): Promise<Jump | undefined> => {
    if (jump === undefined) return undefined;
    if (typeof jump === "string") {
      const { jump: _, sudoPassword: __, ...door } = await reach(plan.servers.find((each) => each.name === jump)!);
      return door;
    }
    const way = login("jump", jump, text);
    return { ...way, hostKey: await hostKey(`${name}'s jump host`, jump.hostKey, way) };
  };
  const reach = async (server: ServerPlan): Promise<Connection> => {
    const jump = await through(server);
    const way = login(server.name, server.spec, text);
    return { ...way, ...(jump && { jump }), hostKey: await hostKey(server.name, server.spec.hostKey, way, jump) };
  };
  return plan.servers.map((server) => {
    const owner = outputs("Host", server.name)?.owner;
    return { name: server.name, connection: () => reach(server), ...(typeof owner === "string" && { owner }) };
  });
}
