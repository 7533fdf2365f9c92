// Where a team's servers are: a VPC of their own or the account's default one, a subnet, one security group. No other team reaches them.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../../../spec/problem.ts";
import { split } from "./facts/cidr.ts";
import { type BalancerFlows, balancerPeer, everywhere, type Flow, flowTable, ruleOf } from "./network-rules.ts";
import { type Ownership, type Tags, tagsOf } from "./tags.ts";

export interface NetworkArgs {
  readonly ownership: Ownership;
  /** `default`: the account's default VPC and its subnets, shared with whatever else is there. @default own */
  readonly vpc?: "own" | "default";
  /** Of the own VPC; each subnet is a /24 of it. @default 192.168.0.0/16 */
  readonly cidr?: string;
  /** Availability zones by id, one subnet each. @default the region's first ones */
  readonly zoneIds?: readonly string[];
  /** How many there are; decides how many resources there are. @default as many as `zoneIds`, at least one */
  readonly zones?: number;
  readonly flows: readonly Flow[];
  /** Into other groups than the servers', for the table. @default none */
  readonly others?: readonly Flow[];
  /** Each gets a group of its own. @default none */
  readonly balancers?: readonly BalancerFlows[];
}

type Place = Pick<Network, "vpcId" | "subnetIds" | "subnetCidrs" | "zones">;

/** A VPC, its subnets and gateway cost nothing by themselves. */
export class Network extends pulumi.ComponentResource {
  declare readonly vpcId: pulumi.Output<string>;
  /** One for each zone, in their order. */
  declare readonly subnetIds: pulumi.Output<string>[];
  /** Their availability zones by name, which differs from account to account. */
  declare readonly zones: pulumi.Output<string>[];
  /** Of all servers of the team. */
  declare readonly securityGroupId: pulumi.Output<string>;
  /** Of each balancer, by its name. */
  declare readonly balancerGroupIds: Readonly<Record<string, pulumi.Output<string>>>;
  /** Networks of the own subnets, known before anything exists; none in the default VPC. */
  declare readonly subnetCidrs: readonly string[];
  /** Who may talk to whom, in columns. */
  declare readonly flowTable: string;
  readonly #name: string;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:aws:Network", name, {}, opts);
    this.#name = name;
    this.flowTable = flowTable([...args.flows, ...(args.others ?? [])]);
    const { zoneIds: given = [], zones = Math.max(1, given.length) } = args;
    const zoneIds = Array.from({ length: zones }, (_, at) => given[at]);
    const place = args.vpc === "default" ? this.#adopt(zoneIds) : this.#build(args, zoneIds);
    this.vpcId = place.vpcId;
    this.subnetIds = place.subnetIds;
    this.subnetCidrs = place.subnetCidrs;
    this.zones = place.zones;
    this.balancerGroupIds = Object.fromEntries(
      (args.balancers ?? []).map((balancer) => [balancer.name, this.#balancerGroup(args, balancer).id]),
    );
    this.securityGroupId = this.#group(args).id;
    if (pulumi.runtime.isDryRun()) void pulumi.log.info(`who may talk to whom in ${name}:\n${this.flowTable}`, this);
    this.registerOutputs({
      vpcId: this.vpcId,
      subnetIds: this.subnetIds,
      securityGroupId: this.securityGroupId,
      flowTable: this.flowTable,
    });
  }

  #adopt(zoneIds: readonly (string | undefined)[]): Place {
    const vpc = aws.ec2.getVpcOutput({ default: true }, { parent: this });
    const zones = zoneIds.map((zoneId, at) => zoneId ?? this.#zone(at, zoneIds));
    const subnets = zones.map((availabilityZoneId) =>
      aws.ec2.getSubnetOutput({ vpcId: vpc.id, availabilityZoneId, defaultForAz: true }, { parent: this }),
    );
    const known = subnets.map(({ availabilityZone }) => availabilityZone);
    const ids = subnets.map(({ id, mapPublicIpOnLaunch }) =>
      pulumi.all([id, mapPublicIpOnLaunch]).apply(([subnet, open]) => (open ? subnet : noAddresses(this.#name, subnet))),
    );
    return { vpcId: vpc.id, subnetIds: ids, subnetCidrs: [], zones: known };
  }

  #build({ ownership, cidr = "192.168.0.0/16" }: NetworkArgs, zoneIds: readonly (string | undefined)[]): Place {
    const tags = (what: string) => tagsOf(ownership, `${this.#name}-${what}`);
    const parent = { parent: this };
    const vpc = new aws.ec2.Vpc(
      `${this.#name}-vpc`,
      { cidrBlock: cidr, enableDnsHostnames: true, enableDnsSupport: true, tags: tags("vpc") },
      parent,
    );
    const gateway = new aws.ec2.InternetGateway(`${this.#name}-gateway`, { vpcId: vpc.id, tags: tags("gateway") }, parent);
    this.#defaults(vpc, gateway, tags);
    const subnetCidrs = split(cidr, Math.max(24, Number(cidr.split("/")[1])), zoneIds.length);
    const subnets = subnetCidrs.map((cidrBlock, at) => {
      const zoneId = zoneIds[at];
      const args = { vpcId: vpc.id, cidrBlock, availabilityZoneId: zoneId ?? this.#zone(at, zoneIds), mapPublicIpOnLaunch: true };
      // Without a given zone the first answer stays: AWS adds zones.
      const pin = zoneId === undefined ? { ignoreChanges: ["availabilityZoneId"] } : {};
      // Two subnets can't have the same addresses, not even for the moment of a replacement.
      const opts = { ...parent, ...pin, deleteBeforeReplace: true };
      return new aws.ec2.Subnet(`${this.#name}-subnet-${at + 1}`, { ...args, tags: tags(`subnet-${at + 1}`) }, opts);
    });
    const zones = subnets.map(({ availabilityZone }) => availabilityZone);
    return { vpcId: vpc.id, subnetIds: subnets.map(({ id }) => id), subnetCidrs, zones };
  }

  /** What a VPC brings with it is taken over: tagged, a hand-made rule in it is drift that shows, and the default group lets nothing in. */
  #defaults(vpc: aws.ec2.Vpc, gateway: aws.ec2.InternetGateway, tags: (what: string) => Tags): void {
    const parent = { parent: this };
    const routes = [{ cidrBlock: everywhere, gatewayId: gateway.id }];
    new aws.ec2.DefaultRouteTable(
      `${this.#name}-routes`,
      { defaultRouteTableId: vpc.defaultRouteTableId, routes, tags: tags("routes") },
      parent,
    );
    const all = [{ ruleNo: 100, protocol: "-1", action: "allow", cidrBlock: everywhere, fromPort: 0, toPort: 0 }];
    const acl = { defaultNetworkAclId: vpc.defaultNetworkAclId, ingress: all, egress: all, tags: tags("acl") };
    // Subnets join it by themselves.
    new aws.ec2.DefaultNetworkAcl(`${this.#name}-acl`, acl, { ...parent, ignoreChanges: ["subnetIds"] });
    new aws.ec2.DefaultSecurityGroup(
      `${this.#name}-default-group`,
      { vpcId: vpc.id, ingress: [], egress: [], tags: tags("default-group") },
      parent,
    );
  }

  /** Rules inline, not as resources of their own: then a rule that somebody adds is drift, and the next run takes it away. */
  #group({ ownership, flows }: NetworkArgs): aws.ec2.SecurityGroup {
    const peers = Object.fromEntries(Object.entries(this.balancerGroupIds).map(([name, id]) => [balancerPeer(name), id]));
    const rules = (direction: Flow["direction"]) =>
      flows.filter((flow) => flow.direction === direction).map((flow) => ruleOf<pulumi.Input<string>>(flow, peers));
    const args = {
      description: "servers of the team",
      vpcId: this.vpcId,
      ingress: rules("in"),
      egress: rules("out"),
      revokeRulesOnDelete: true,
      tags: tagsOf(ownership, `${this.#name}-group`),
    };
    return new aws.ec2.SecurityGroup(`${this.#name}-group`, args, { parent: this });
  }

  /** Out of it into the team's own subnets alone, to the port of the servers. */
  #balancerGroup({ ownership }: NetworkArgs, { name, into, servers: { ports } }: BalancerFlows): aws.ec2.SecurityGroup {
    const peers = this.subnetCidrs.length > 0 ? this.subnetCidrs : [everywhere];
    const out = peers.map((peer): Flow => ({ direction: "out", peer, protocol: "tcp", ports, why: "the servers behind it" }));
    const args = {
      description: `balancer ${name} of the team`,
      vpcId: this.vpcId,
      ingress: into.map((flow) => ruleOf(flow)),
      egress: out.map((flow) => ruleOf(flow)),
      revokeRulesOnDelete: true,
      tags: tagsOf(ownership, `${this.#name}-${name}-group`),
    };
    return new aws.ec2.SecurityGroup(`${this.#name}-${name}-group`, args, { parent: this });
  }

  /** Of the region's, in the order of their ids, the first that is neither given nor another subnet's. */
  #zone(at: number, given: readonly (string | undefined)[]): pulumi.Output<string> {
    const filters = [{ name: "opt-in-status", values: ["opt-in-not-required"] }];
    const found = aws.getAvailabilityZonesOutput({ state: "available", filters }, { parent: this });
    const before = given.slice(0, at).filter((zoneId) => zoneId === undefined).length;
    return found.zoneIds.apply((ids) => {
      const free = [...ids].sort().filter((id) => !given.includes(id));
      return free[before] ?? noZone(this.#name, ids.length);
    });
  }
}

function noZone(name: string, count: number): never {
  throw new UserError(`${name}: expected another availability zone in the region, got ${count} that it may use; next: take another region`);
}

function noAddresses(name: string, subnet: string): never {
  const next = `aws ec2 modify-subnet-attribute --subnet-id ${subnet} --map-public-ip-on-launch, or \`vpc: own\``;
  throw new UserError(`${name}: expected a default subnet that gives public addresses, got \`${subnet}\`, which gives none; next: ${next}`);
}
