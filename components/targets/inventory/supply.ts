// Servers that were handed out: how each is logged in to, directly or through a jump host, and the key by which it is known.
import type * as pulumi from "@pulumi/pulumi";
import type { FleetPlan, ServerPlan } from "../../../provisioners/expand.ts";
import { login } from "../../../provisioners/logins.ts";
import type { ConnectionArgs } from "../../connection.ts";
import { aliases } from "../../former-names.ts";
import { eachServer, type Supplier, secretText } from "../supplier.ts";
import { HostKey } from "./host-key.ts";

interface Ways {
  /** The text itself, or what its secret mark stands for. */
  readonly text: (written: string) => pulumi.Input<string>;
  readonly parent: pulumi.Resource;
}

interface Door {
  readonly connection: ConnectionArgs;
  readonly hostKey: pulumi.Input<string>;
}

/** A host key that the stack file does not give is looked at on the way on which the server is reached. */
export const supply: Supplier = (name, plan, { secrets, parent }) => {
  const means = { text: (written: string) => secretText(written, secrets), parent };
  const doors = new Map<string, Door>();
  const doorOf = (server: ServerPlan): Door => {
    const door = doors.get(server.name) ?? openDoor(name, server, plan, jumpOf(name, server, plan, doorOf, means), means);
    doors.set(server.name, door);
    return door;
  };
  return eachServer(plan, doorOf);
};

type Jump = NonNullable<ConnectionArgs["jump"]>;

function openDoor(name: string, server: ServerPlan, plan: FleetPlan, jump: Jump | undefined, { text, parent }: Ways): Door {
  const { spec } = server;
  const way = { ...login(server.name, spec, text), ...(jump && { jump }) };
  const seen = () => {
    const args = { name: server.name, address: way.address, port: way.port, ...(jump && { jump }) };
    return new HostKey(`${name}-${server.name}-host-key`, args, { parent, ...aliases(name, plan, server, "-host-key") }).hostKey;
  };
  const hostKey = spec.hostKey ?? seen();
  return { connection: { ...way, hostKey }, hostKey };
}

/** Another server of the team with the key that is pinned for it, or a host of its own. */
function jumpOf(name: string, server: ServerPlan, plan: FleetPlan, doorOf: (server: ServerPlan) => Door, means: Ways): Jump | undefined {
  const { jump } = server.spec;
  if (jump === undefined) return undefined;
  if (typeof jump === "string") {
    const { jump: _, sudoPassword: __, ...door } = doorOf(plan.servers.find((each) => each.name === jump)!).connection;
    return door;
  }
  const way = login("jump", jump, means.text);
  const seen = () => {
    const args = { name: `${server.name}'s jump host`, address: way.address, port: way.port };
    return new HostKey(`${name}-${server.name}-jump-host-key`, args, { parent: means.parent }).hostKey;
  };
  return { ...way, hostKey: jump.hostKey ?? seen() };
}
