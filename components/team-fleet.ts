// The servers of one team, wherever they come from, each with its roles in order. Wires; the plan has decided everything.
import * as pulumi from "@pulumi/pulumi";
import { completeFacts, expandRole, type FleetPlan, rolesOf, type ServerPlan } from "../provisioners/expand.ts";
import type { Connection } from "../provisioners/host/shell.ts";
import type { Late } from "../provisioners/late.ts";
import { lookupSecret } from "../stacks/secrets.ts";
import { bind, type LateValue } from "./bind.ts";
import { Host } from "./host.ts";
import { KeyPair } from "./key-pair.ts";
import { Role } from "./role.ts";
import { type Supplied, supply } from "./supply.ts";
import { TeamKeys } from "./team-keys.ts";

export interface TeamFleetArgs {
  /** Already validated: its length decides how many resources there are, so it can't be an Input. */
  readonly plan: FleetPlan;
  /** The fleet as the stack's config holds it, decrypted: the secrets that the plan only names. */
  readonly config: pulumi.Output<unknown>;
}

/** What a person, or the CLI, needs to reach a server. */
export type ServerOutput = Pick<Connection, "address" | "port" | "user" | "hostKey"> & {
  readonly privateKey?: string;
  readonly password?: string;
};

/** One Host a server and one Role for each of its roles, converged independently: a server that fails stops no other. */
export class TeamFleet extends pulumi.ComponentResource {
  declare readonly servers: pulumi.Output<Readonly<Record<string, Connection>>>;

  constructor(name: string, { plan, config }: TeamFleetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:index:TeamFleet", name, {}, opts);
    const parent = { parent: this };
    const { keyUrl } = plan.spec;
    const teamKeys = new TeamKeys(`${name}-keys`, { keyUrl, members: plan.people }, parent);
    const fleetKey = new KeyPair(`${name}-fleet-key`, { comment: `fleet@${name}` }, parent);
    const mesh = new KeyPair(`${name}-mesh-key`, { comment: `mesh@${name}` }, parent);
    const secrets = (path: string) => pulumi.secret(config.apply((fleet) => lookupSecret(fleet, path) ?? ""));
    const supplied = supply(name, plan, { fleetKey, secrets, parent: this });
    const value: LateValue = ({ kind, of }: Late) => {
      switch (kind) {
        case "secret":
          return secrets(of);
        case "host-key":
          return supplied[of]?.hostKey ?? "";
        case "mesh-public-key":
          return mesh.publicKey;
        case "mesh-private-key":
          return mesh.privateKey;
        case "authorized-keys":
          // The fleet itself logs in as the admin; members' keys are their own.
          return of === plan.spec.admin ? fleetKey.publicKey : teamKeys.keys.apply((keys) => (keys[of] ?? []).join("\n"));
        default:
          throw new TypeError(`unknown late value ${kind satisfies never}`);
      }
    };
    const hosts = plan.servers.map((server) => this.#server(name, plan, server, supplied[server.name]!, value));
    this.servers = pulumi.all(Object.fromEntries(hosts.map((host, index) => [plan.servers[index]!.name, host.connection])));
    this.registerOutputs({ servers: this.servers });
  }

  #server(name: string, plan: FleetPlan, server: ServerPlan, { connection, deletedWith }: Supplied, value: LateValue): Host {
    const gone = deletedWith ? { deletedWith } : {};
    const host = new Host(
      `${name}-${server.name}`,
      { name: server.name, connection, declared: server.declared },
      { parent: this, ...gone },
    );
    const declared = completeFacts(server.declared);
    let previous: pulumi.Resource = host;
    for (const role of rolesOf(server)) {
      const resources = declared
        ? bind(expandRole(plan, server, role, declared), value)
        : host.facts.apply((facts) => pulumi.output(bind(expandRole(plan, server, role, facts), value)));
      const args = {
        host: server.name,
        role,
        connection: host.connection,
        guard: plan.guard,
        resources: resources as pulumi.Input<Record<string, object>>,
      };
      previous = new Role(`${name}-${server.name}-${role}`, args, { parent: host, dependsOn: [previous], ...gone });
    }
    return host;
  }
}
