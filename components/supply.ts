// Where servers come from: practice machines that are made here, servers on EC2, or servers that were handed out. One way to reach each.
import { createRequire } from "node:module";
import type * as pulumi from "@pulumi/pulumi";
import type { FleetPlan, ServerPlan } from "../provisioners/expand.ts";
import { preinstalled } from "../provisioners/preinstalled.ts";
import type { AwsTarget } from "../spec/aws/target.ts";
import { bytesOfSize } from "../spec/scalars.ts";
import type { ConnectionArgs } from "./connection.ts";
import { handedOut } from "./handed-out.ts";
import type { KeyPair } from "./key-pair.ts";
import { Machine } from "./machine.ts";
import { OwnHostKey } from "./own-host-key.ts";
import type { SuppliedServer } from "./targets/aws/fleet.ts";
import type { LateSource } from "./targets/aws/pool-plan.ts";
import { shapeOf } from "./targets/aws/shape.ts";
import type { Work } from "./targets/aws/workloads.ts";

export interface Supplied {
  readonly connection: ConnectionArgs;
  readonly hostKey: pulumi.Input<string>;
  /** Of its volumes, by name: known when they are attached. */
  readonly devices?: Readonly<Record<string, pulumi.Input<string>>>;
  /** The server goes away with it: nothing on it needs to be undone. */
  readonly deletedWith?: pulumi.Resource;
}

interface Means {
  readonly fleetKey: KeyPair;
  readonly secrets: (path: string) => pulumi.Output<string>;
  readonly parent: pulumi.Resource;
}

export interface Supply {
  /** By server name. */
  readonly servers: Readonly<Record<string, Supplied>>;
  /** Makes what works beside the servers, where the target has such a thing: it may wait for what they say of themselves. */
  readonly work?: (late: LateSource) => Work | undefined;
}

export function supply(name: string, plan: FleetPlan, means: Means): Supply {
  const { target } = plan.spec;
  const each = (one: (server: ServerPlan) => Supplied): Supply => ({
    servers: Object.fromEntries(plan.servers.map((server) => [server.name, one(server)])),
  });
  switch (target.kind) {
    case "practice":
      return each((server) => practice(name, plan, server, means));
    case "inventory":
      return { servers: handedOut(name, plan, { text: (written) => secretText(written, means.secrets), parent: means.parent }) };
    case "aws":
      return onAws(name, plan, target, means);
    default:
      throw new TypeError(`unknown target ${target satisfies never}`);
  }
}

/** Loaded where it is wanted: the SDK of AWS costs every preview of other stacks a fifth of a second. */
const load = createRequire(import.meta.url);
const awsFleet = (): typeof import("./targets/aws/fleet.ts") => load("./targets/aws/fleet.ts");
const poolPlan = (): typeof import("./targets/aws/pool-plan.ts") => load("./targets/aws/pool-plan.ts");

function onAws(name: string, plan: FleetPlan, target: AwsTarget, { fleetKey, secrets, parent }: Means): Supply {
  const { spec, stack } = plan;
  const shape = shapeOf({ team: spec.team, stack, target, servers: spec.servers });
  const { publicKey, privateKey } = fleetKey;
  const fleet = new (awsFleet().AwsFleet)(`${name}-aws`, { target, shape, admin: spec.admin, publicKey, privateKey }, { parent });
  const one = (server: string, { connection, devices, deletedWith }: SuppliedServer): Supplied => {
    const again = { parent, deletedWith, replacementTrigger: [deletedWith.id] };
    const { hostKey } = new OwnHostKey(`${name}-${server}-own-host-key`, { name: server, connection }, again);
    return { connection: { ...connection, hostKey }, hostKey, devices, deletedWith };
  };
  return {
    servers: Object.fromEntries(Object.entries(fleet.servers).map(([server, supplied]) => [server, one(server, supplied)])),
    work: (late) =>
      fleet.work({
        plan: (pool) => poolPlan().planOfPool(plan, pool, late),
        password: (written) => secretText(written, secrets),
      }),
  };
}

function practice(name: string, plan: FleetPlan, server: ServerPlan, { fleetKey, parent }: Means): Supplied {
  const { name: host, spec, declared, view } = server;
  if (plan.spec.target.kind !== "practice") throw new TypeError("not a practice stack");
  const { driver, release } = plan.spec.target;
  const size = { cores: declared.cores ?? 1, memoryMiB: declared.memoryMiB ?? 1024 };
  const disks = spec.disks?.map((each) => ({ sizeGiB: bytesOfSize(each) / 2 ** 30 }));
  const packages = preinstalled(plan, server);
  const place = { stack: plan.stack, name: host, address: view.privateAddress, subnet: plan.subnet };
  const machine = new Machine(
    `${name}-${host}-machine`,
    {
      ...place,
      ...size,
      ...(disks && { disks }),
      ...(packages.length > 0 && { preinstalled: packages }),
      driver,
      release,
      authorizedKey: fleetKey.publicKey,
    },
    { parent },
  );
  // Where this computer reaches it; to the other servers it is at `view.privateAddress`.
  const { address, port, user, hostKey } = machine;
  const connection = { name: host, address, port, user, hostKey, privateKey: fleetKey.privateKey };
  return { connection, hostKey: machine.hostKey, deletedWith: machine };
}

/** A secret stands in a spec as its mark alone, or (on practice) as plain text. */
export function secretText(text: string, secrets: Means["secrets"]): pulumi.Input<string> {
  const path = /^\u27e6secret:(.*)\u27e7$/.exec(text)?.[1];
  return path === undefined ? text : secrets(path);
}
