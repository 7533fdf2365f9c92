// The servers of one team, wherever they come from, each with its roles in order. Wires; the plan has decided everything.
import * as pulumi from "@pulumi/pulumi";
import { completeFacts, type Facts } from "../provisioners/engine/facts.ts";
import { latesIn } from "../provisioners/engine/placeholders.ts";
import { incompleteSentence } from "../provisioners/engine/report.ts";
import { expandRole, type FleetPlan, type ServerPlan } from "../provisioners/expand.ts";
import { keyNames } from "../provisioners/key-names.ts";
import { stepName } from "../provisioners/sequence.ts";
import { UserError } from "../spec/problem.ts";
import { secretAt } from "../spec/secrets.ts";
import { aliases, formerNames } from "./former-names.ts";
import { hooks } from "./hooks.ts";
import { Host } from "./host.ts";
import { KeyPair } from "./key-pair.ts";
import { eachByItself, type LateSources, lateValues } from "./placeholder-values.ts";
import { Role, within } from "./role.ts";
import type { Work } from "./targets/aws/workloads.ts";
import type { Supplied } from "./targets/supplier.ts";
import { supply } from "./targets/suppliers.ts";
import { TeamKeys } from "./team-keys.ts";

export interface TeamFleetArgs {
  /** Already validated: its length decides how many resources there are, so it can't be an Input. */
  readonly plan: FleetPlan;
  /** The fleet as the stack's config holds it, decrypted: the secrets that the plan only names. */
  readonly config: pulumi.Output<unknown>;
}

/** One Host a server and one Role for each of its roles, converged independently: a server that fails stops no other. */
export class TeamFleet extends pulumi.ComponentResource {
  /** How to reach each server. Passwords and keys in it are secrets. */
  declare readonly servers: pulumi.Output<Readonly<Record<string, object>>>;
  /** The user that the fleet keeps for itself on every server, and its key: a secret. */
  declare readonly admin: pulumi.Output<{ readonly user: string; readonly privateKey: string }>;

  /** When all of it may go, ISO 8601 or `never`; undefined where it costs nothing by the hour. */
  declare readonly expiresAt: pulumi.Output<string> | undefined;
  /** Buckets, queues, groups and databases by the names of the stack file; undefined where there is none. Passwords in it are secrets. */
  declare readonly aws: Work | undefined;

  constructor(name: string, { plan, config }: TeamFleetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:index:TeamFleet", name, {}, { ...opts, aliases: formerNames(plan.spec).map((former) => ({ name: former })) });
    const parent = { parent: this };
    const { keyUrl, admin } = plan.spec;
    const teamKeys = new TeamKeys(`${name}-keys`, { keyUrl, members: plan.people }, parent);
    const keys = keyNames(name);
    const fleetKey = new KeyPair(keys.fleet, { comment: `fleet@${name}` }, parent);
    const mesh = new KeyPair(keys.mesh, { comment: `mesh@${name}` }, parent);
    const secrets = (path: string) => pulumi.secret(config.apply((fleet) => secretAt(fleet, path, plan.stack)));
    const { servers: supplied, work, expiresAt } = supply(name, plan, { fleetKey, secrets, parent: this });
    const sources = { plan, supplied, secrets, fleetKey, mesh, teamKeys };
    const beside = work?.((names) => lateValues(names, sources));
    const hosts = Object.fromEntries(plan.servers.map((server) => [server.name, this.#host(name, server, supplied[server.name]!, plan)]));
    const { last: after, done } = this.#roles(name, hosts, sources);
    tellIncomplete(done);
    hooks(name, plan, { supplied, secrets, after, parent: this });
    this.servers = pulumi.output(Object.fromEntries(plan.servers.map((server) => [server.name, supplied[server.name]!.connection])));
    this.admin = pulumi.output({ user: admin, privateKey: fleetKey.privateKey });
    // Not as one output: with a password in it all of it would be secret.
    this.aws = beside;
    this.expiresAt = expiresAt === undefined ? undefined : pulumi.output(expiresAt);
    this.registerOutputs({ servers: this.servers, admin: this.admin, ...(this.aws && { aws: this.aws }) });
  }

  #host(name: string, server: ServerPlan, { connection, deletedWith }: Supplied, plan: FleetPlan): Host {
    return new Host(
      `${name}-${server.name}`,
      { name: server.name, connection, declared: server.declared, ...(deletedWith && { made: true }) },
      { parent: this, ...(deletedWith && { deletedWith }), ...aliases(name, plan, server) },
    );
  }

  /** `last`, the last role of each server: when that is done, the server is right. */
  #roles(name: string, hosts: Readonly<Record<string, Host>>, sources: LateSources): Roles {
    const { plan } = sources;
    const servers = new Map(plan.servers.map((server) => [server.name, server]));
    const last: Record<string, pulumi.Resource> = { ...hosts };
    const done = new Map<string, Role>();
    for (const { server, role, needs } of plan.order) {
      const dependsOn = [last[server]!, ...needs.map((step) => done.get(step)!)];
      const made = this.#role(name, { server: servers.get(server)!, role, host: hosts[server]!, dependsOn }, sources);
      done.set(stepName(server, role), made);
      last[server] = made;
    }
    return { last, done };
  }

  #role(name: string, { server, role, host, dependsOn }: RolePlace, sources: LateSources): Role {
    const { plan, supplied } = sources;
    const { connection, deletedWith } = supplied[server.name]!;
    const declared = completeFacts(server.declared);
    const wants = (facts: Facts) => expandRole(plan, server, role, facts);
    const late = (facts: Facts) => lateValues(latesIn(wants(facts)), sources);
    const resources = declared ? wants(declared) : host.facts.apply(wants);
    const values = declared ? late(declared) : host.facts.apply((facts) => eachByItself(late(facts)));
    const args = { host: server.name, role, connection, guard: plan.guard, resources, late: values };
    return new Role(`${name}-${server.name}-${role}`, args, {
      parent: host,
      dependsOn,
      ...(plan.spec.roleTimeout !== undefined && { customTimeouts: within(plan.spec.roleTimeout) }),
      ...(deletedWith && { deletedWith }),
    });
  }
}

interface Roles {
  readonly last: Readonly<Record<string, pulumi.Resource>>;
  readonly done: ReadonlyMap<string, Role>;
}

/** A role without what could not be had stops no other; the run fails by it at its end, when all others are done. */
function tellIncomplete(roles: ReadonlyMap<string, Role>): void {
  const named = [...roles].map(([step, { failed }]) => failed.apply((reasons) => (reasons?.length ? [step] : [])));
  pulumi.all(named).apply((steps) => {
    if (steps.flat().length > 0 && !pulumi.runtime.isDryRun()) throw new UserError(incompleteSentence(steps.flat()));
  });
}

interface RolePlace {
  readonly server: ServerPlan;
  readonly role: string;
  readonly host: Host;
  readonly dependsOn: pulumi.Resource[];
}
