// A team's servers on EC2, from the `aws` target of a stack file: one network, one Server each.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { assumedOf, sessionName } from "../../../provisioners/aws/access.ts";
import type { ConnectionArgs } from "../../connection.ts";
import { accountWanted } from "./account.ts";
import { budget } from "./budget.ts";
import { contestProfile } from "./contest-profile.ts";
import { doorOf, type Way } from "./door.ts";
import { imageKey } from "./facts/servers.ts";
import { imageRef, pinnedAmi } from "./image.ts";
import { Network } from "./network.ts";
import { Server } from "./server.ts";
import type { AwsTarget } from "./settings/target.ts";
import { type FleetShape, flowsOf, othersOf, type ServerPlan } from "./shape.ts";
import { makeWork, type Work, type WorkArgs } from "./workloads.ts";

export interface AwsFleetArgs {
  readonly target: AwsTarget;
  /** From `shapeOf(…)`: how many servers, of what type, with which tags. */
  readonly shape: FleetShape;
  /** User that the fleet logs in as. */
  readonly admin: string;
  readonly publicKey: pulumi.Input<string>;
  /** Of `publicKey`; a secret. */
  readonly privateKey: pulumi.Input<string>;
}

/** What the rest of the fleet needs of a server, wherever it comes from. */
export interface SuppliedServer {
  /** With the host key that user data has carried: whoever connects first has the server make another. */
  readonly connection: ConnectionArgs;
  readonly hostKey: pulumi.Output<string>;
  readonly privateAddress: pulumi.Output<string>;
  /** Of its volumes, by name. */
  readonly devices: Readonly<Record<string, pulumi.Output<string>>>;
  /** Nothing on the server needs to be undone when this goes. */
  readonly deletedWith: pulumi.CustomResource;
}

const roleOf = (roleArn: string, externalId: string | undefined) => ({
  roleArn,
  sessionName,
  ...(externalId !== undefined && { externalId }),
});

/** Costs what cost.ts says of its shape. */
export class AwsFleet extends pulumi.ComponentResource {
  /** By server name. */
  declare readonly servers: Readonly<Record<string, SuppliedServer>>;
  declare readonly network: Network;
  readonly #name: string;
  readonly #args: AwsFleetArgs;
  readonly #options: pulumi.ComponentResourceOptions;

  constructor(name: string, args: AwsFleetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:aws:Fleet", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const { target, shape } = args;
    const { ownership, flows, zones } = shape;
    // Also for a `pulumi` that is typed by hand: the provider refuses to begin in another account.
    const wanted = accountWanted(target);
    const account = {
      ...(wanted !== undefined && { allowedAccountIds: [wanted] }),
      ...(target.assumeRole !== undefined && { assumeRoles: [roleOf(target.assumeRole, target.externalId)] }),
    };
    const provider = new aws.Provider(`${name}-aws`, { region: target.region as aws.Region, ...account }, { parent: this });
    const options = { parent: this, providers: { aws: provider } };
    this.#options = options;
    const place = { vpc: target.vpc, cidr: target.cidr, zones, ...(target.zoneId !== undefined && { zoneIds: [target.zoneId] }) };
    const others = othersOf(shape);
    this.network = new Network(`${name}-network`, { ownership, flows, others, balancers: shape.balancers.map(flowsOf), ...place }, options);
    if (target.budget) budget(`${name}-budget`, target.budget, ownership, { parent: this, provider });
    const group = target.placement && this.#placement(name, target.placement, shape, provider);
    const amis = this.#amis(name, shape, provider);
    const seen = { ownership, boundary: target.permissionsBoundary };
    const wants = target.profile === "contest" && shape.servers.some(({ instanceProfile }) => instanceProfile === undefined);
    const profile = wants ? contestProfile(`${name}-check`, seen, { parent: this, provider }) : undefined;
    const way = doorOf(`${name}-door`, target, { ownership, network: this.network }, { parent: this, provider });
    this.servers = Object.fromEntries(
      shape.servers.map((plan) => [
        plan.name,
        this.#server(name, args, plan, { group, way, profile, ami: amis[imageKey(plan.image, plan.type)]! }, options),
      ]),
    );
    this.registerOutputs({ flowTable: this.network.flowTable });
  }

  /** Pools, pipelines and databases in the servers' network; apart, since a pool's plan may name what the servers say of themselves. */
  work(more: Pick<WorkArgs, "plan" | "password">): Work | undefined {
    const { target, shape, admin, publicKey } = this.#args;
    const instances = Object.fromEntries(Object.entries(this.servers).map(([server, { deletedWith }]) => [server, deletedWith.id]));
    return makeWork(this.#name, { target, shape, network: this.network, admin, publicKey, instances, ...more }, this.#options);
  }

  /** One pin for each image, so that all servers of a team start from the same. */
  #amis(name: string, { servers }: FleetShape, provider: aws.Provider): Readonly<Record<string, pulumi.Output<string>>> {
    const plans = new Map(servers.map((plan) => [imageKey(plan.image, plan.type), plan]));
    const opts = { parent: this, provider };
    return Object.fromEntries(
      [...plans].map(([key, { image, type }]) => [key, pinnedAmi(`${name}-image-${key}`, imageRef(image, type.arch), opts)]),
    );
  }

  #placement(
    name: string,
    strategy: NonNullable<AwsTarget["placement"]>,
    { tags }: FleetShape,
    provider: aws.Provider,
  ): pulumi.Output<string> {
    const args = { strategy, ...(strategy === "partition" && { partitionCount: 3 }), tags: { ...tags(`${name}-placement`) } };
    return new aws.ec2.PlacementGroup(`${name}-placement`, args, { parent: this, provider }).name;
  }

  #server(
    name: string,
    { target, shape, admin, publicKey, privateKey }: AwsFleetArgs,
    plan: ServerPlan,
    {
      group,
      way,
      profile,
      ami,
    }: {
      readonly group: pulumi.Output<string> | undefined;
      readonly way: Way | undefined;
      /** Of a server for which the stack file names none. */
      readonly profile: pulumi.Output<string> | undefined;
      readonly ami: pulumi.Output<string>;
    },
    options: pulumi.ComponentResourceOptions,
  ): SuppliedServer {
    const { name: host, instanceProfile = profile, ...machine } = plan;
    const { subnetIds, zones, securityGroupId } = this.network;
    const place = {
      subnetId: subnetIds[0]!,
      zone: zones[0]!,
      securityGroupId,
      region: target.region,
      ...assumedOf(target),
      boundary: target.permissionsBoundary,
    };
    const login = { admin, authorizedKey: publicKey, ownership: shape.ownership };
    const server = new Server(
      `${name}-${host}`,
      { server: host, ...machine, ...place, ...login, instanceProfile, ami, placementGroup: group },
      options,
    );
    const { address, hostKey } = server;
    const proxied = way && { proxyCommand: way(server.instance.id) };
    const connection = { name: host, address, port: 22, user: admin, hostKey, privateKey: pulumi.secret(privateKey), ...proxied };
    return { connection, hostKey, privateAddress: server.privateAddress, devices: server.devices, deletedWith: server.instance };
  }
}
