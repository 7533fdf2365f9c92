// One named server on EC2. Its disk layout, first boot and alarms are decided in pure files beside this one.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type AssumedRole, assumedOf } from "../../../provisioners/aws/access.ts";
import { KeyPair } from "../../key-pair.ts";
import { alarm } from "./alarm-resource.ts";
import { actionArn, statusAlarms } from "./alarms.ts";
import type { InstanceType } from "./facts/types.ts";
import { distributionOf } from "./image.ts";
import { InstancePower } from "./instance-power.ts";
import { ephemeralMappings, instanceStore, type StoreOptions } from "./instance-store.ts";
import type { Bounded } from "./policies.ts";
import { keepSnapshots, lastSnapshot } from "./snapshots.ts";
import { type Ownership, snapshotsKept, type Tags, tagsOf } from "./tags.ts";
import { cloudConfig, inlineUserData } from "./user-data.ts";

export interface DataVolume {
  readonly name: string;
  readonly sizeGB: number;
  /** Of gp3; MiB a second. @default 3000, 125 */
  readonly iops?: number | undefined;
  readonly throughput?: number | undefined;
  /** Daily snapshots to keep. @default none are made */
  readonly snapshots?: number | undefined;
}

export interface ServerArgs extends AssumedRole, Bounded {
  readonly ownership: Ownership;
  /** Host name, and what it is called in the stack file. */
  readonly server: string;
  readonly type: InstanceType;
  /** As the stack file names it: which distribution it is. */
  readonly image: string;
  /** The AMI itself, pinned. */
  readonly ami: pulumi.Input<string>;
  readonly region: string;
  readonly subnetId: pulumi.Input<string>;
  /** The subnet's availability zone, by name: data volumes are in it. */
  readonly zone: pulumi.Input<string>;
  readonly securityGroupId: pulumi.Input<string>;
  /** @default AWS chooses one; it stays for the server's life */
  readonly privateAddress?: string | undefined;
  /** User that the fleet logs in as, and the public key that it logs in with. */
  readonly admin: string;
  readonly authorizedKey: pulumi.Input<string>;
  /** In GB. @default 20 */
  readonly rootGB?: number | undefined;
  /** Of gp3; MiB a second. @default 3000, 125 */
  readonly rootIops?: number | undefined;
  readonly rootThroughput?: number | undefined;
  /** Cheaper, and taken away when AWS needs it. @default false */
  readonly spot?: boolean | undefined;
  readonly placementGroup?: pulumi.Input<string> | undefined;
  /** A public address that stays over stop and start; costs 0.005 USD an hour as every public one. @default false */
  readonly elasticAddress?: boolean | undefined;
  /** The instance's Name. @default this resource's */
  readonly shownAs?: string | undefined;
  /**
   * EBS volumes that outlive the server: a new one gets them attached. They are protected: `pulumi destroy` refuses until `pulumi state
   * unprotect`, which `fleet down` does, and a last snapshot stays. New ones belong at the end: the order decides on the device names.
   */
  readonly volumes?: readonly DataVolume[] | undefined;
  /** The instance's own disks as one filesystem. @default they are left alone */
  readonly store?: Omit<StoreOptions, "server"> | undefined;
  /** @default true */
  readonly alarms?: boolean | undefined;
  /** By name: every process on the server has its rights. @default none */
  readonly instanceProfile?: pulumi.Input<string> | undefined;
  /** EC2's metrics by the minute; cost.ts has the price. @default false: every five */
  readonly monitoring?: boolean | undefined;
  /** Nobody but this stack can terminate it, not from the console either. @default false */
  readonly terminationProtection?: boolean | undefined;
}

/** EBS names from `j` on: the letters before it are for the disks that a Xen instance maps. */
const letterOf = (at: number): string => String.fromCharCode(106 + at);

/** As the server itself sees the volume that was attached as the `at`-th: on Nitro EBS is NVMe, told apart by the volume's id alone. */
export const deviceOf = ({ xen }: Pick<InstanceType, "xen">, at: number, volumeId: string): string =>
  xen ? `/dev/xvd${letterOf(at)}` : `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;

/** What is not said is gp3's own, and sent: what is no longer sent stays at AWS as it was, and goes on costing. */
const speedOf = ({ iops = 3000, throughput = 125 }: Pick<DataVolume, "iops" | "throughput">) => ({ iops, throughput });

/** A stop or start wipes the instance store; change.ts says which changes do that. */
export class Server extends pulumi.ComponentResource {
  /** As this computer reaches it. */
  declare readonly address: pulumi.Output<string>;
  declare readonly privateAddress: pulumi.Output<string>;
  /** The key that it shows at the first connection; user data has carried it, so whoever connects replaces it then. */
  declare readonly hostKey: pulumi.Output<string>;
  declare readonly instance: aws.ec2.Instance;
  /** Of its volumes, by name, as it sees them; each known when it is attached. */
  declare readonly devices: Readonly<Record<string, pulumi.Output<string>>>;
  readonly #name: string;
  readonly #args: ServerArgs;

  constructor(name: string, args: ServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:aws:Server", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const hostKey = new KeyPair(`${name}-host-key`, { comment: args.server }, { parent: this, ...this.#withInstance() });
    const volumes = this.#volumes();
    this.instance = this.#instance(this.#userData(hostKey), volumes);
    this.#tagInterface();
    const attached = this.#attached(volumes);
    this.devices = Object.fromEntries(
      (args.volumes ?? []).map(({ name: own }, at) => [own, attached[at]!.volumeId.apply((id) => deviceOf(args.type, at, id))]),
    );
    const address = this.#address(attached);
    if (args.alarms ?? true) this.#alarms();
    this.address = args.elasticAddress ? this.#elastic().publicIp : address;
    this.privateAddress = this.instance.privateIp;
    this.hostKey = hostKey.publicKey.apply((key) => key.split(" ").slice(0, 2).join(" "));
    this.registerOutputs({ address: this.address, privateAddress: this.privateAddress, hostKey: this.hostKey });
  }

  #tags(what?: string): Tags {
    return tagsOf(this.#args.ownership, what ? `${this.#name}-${what}` : this.#name);
  }

  /** What makes the next instance another server. It then gets a host key and a first boot of its own. A spot instance can't be stopped. */
  #withInstance(): { replacementTrigger: unknown[] } {
    const { ami, type, subnetId, privateAddress = "", placementGroup = "", spot = false } = this.#args;
    return { replacementTrigger: [ami, type.arch, subnetId, privateAddress, placementGroup, spot ? type.type : false] };
  }

  /**
   * Kept as it was when the instance was made: it speaks at the first boot alone, and AWS would stop a server to change it. A secret,
   * also in the state.
   */
  #userData(hostKey: KeyPair): pulumi.Output<string> {
    const { server, admin, authorizedKey, type, store, image } = this.#args;
    const disks = store && instanceStore(type, { ...store, server: this.#name }, distributionOf(image));
    const extras = disks ? { files: disks.files, packages: disks.packages, commands: disks.commands } : {};
    const input = pulumi
      .all([authorizedKey, hostKey.privateKey, hostKey.publicKey])
      .apply(([key, privateKey, publicKey]) =>
        inlineUserData(server, cloudConfig({ server, admin, authorizedKey: key, hostKey: { privateKey, publicKey }, ...extras })),
      );
    const kept = { parent: this, additionalSecretOutputs: ["output"], ...this.#withInstance() };
    return pulumi.secret(new pulumi.Stash(`${this.#name}-first-boot`, { input: pulumi.secret(input) }, kept).output.apply(String));
  }

  #instance(userData: pulumi.Output<string>, dependsOn: readonly pulumi.Resource[]): aws.ec2.Instance {
    const { type, ami, subnetId, securityGroupId, privateAddress, spot, placementGroup, store } = this.#args;
    const { instanceProfile = "", monitoring = false, terminationProtection = false } = this.#args;
    const args: aws.ec2.InstanceArgs = {
      ami,
      instanceType: type.type,
      subnetId,
      vpcSecurityGroupIds: [securityGroupId],
      // `associatePublicIpAddress` is not sent: of a stopped instance it is read as false, and the change back to true makes another server.
      // The subnet gives public addresses to all.
      ...(privateAddress !== undefined && { privateIp: privateAddress }),
      ...(placementGroup !== undefined && { placementGroup }),
      // Said where they are off, too: see speedOf.
      iamInstanceProfile: instanceProfile,
      monitoring,
      disableApiTermination: terminationProtection,
      // Its own `destroy` lifts the protection, or nothing could; also one that is left from before.
      forceDestroy: true,
      ...(spot && { instanceMarketOptions: { marketType: "spot", spotOptions: { spotInstanceType: "one-time" } } }),
      ...(store && !type.nvme && { ephemeralBlockDevices: ephemeralMappings(type) }),
      // Instances with disks of their own can't be moved to other hardware.
      maintenanceOptions: { autoRecovery: type.disks > 0 ? "disabled" : "default" },
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1, instanceMetadataTags: "enabled" },
      rootBlockDevice: this.#rootDisk(),
      userData,
      tags: { ...this.#tags(), ...(this.#args.shownAs !== undefined && { Name: this.#args.shownAs }) },
    };
    return new aws.ec2.Instance(this.#name, args, {
      parent: this,
      dependsOn: [...dependsOn],
      // The next one can't have the address while this one does.
      deleteBeforeReplace: privateAddress !== undefined,
      // Whatever gave it another first boot is about another server; the provider would stop and start this one, which never reads it.
      replaceOnChanges: ["userData"],
      // Bare metal takes longer than the provider's ten minutes.
      customTimeouts: { create: "30m", update: "30m", delete: "30m" },
    });
  }

  #rootDisk(): aws.types.input.ec2.InstanceRootBlockDevice {
    const { rootGB = 20, rootIops, rootThroughput } = this.#args;
    const kind = { volumeType: "gp3", volumeSize: rootGB, encrypted: true, deleteOnTermination: true };
    return { ...kind, ...speedOf({ iops: rootIops, throughput: rootThroughput }), tags: this.#tags("root") };
  }

  /** An interface comes with its instance, and without its tags. */
  #tagInterface(): void {
    for (const [key, value] of Object.entries(this.#tags("interface")))
      new aws.ec2.Tag(
        `${this.#name}-interface-${key}`,
        { resourceId: this.instance.primaryNetworkInterfaceId, key, value },
        // By its `project` it may be taken away: tag by tag, the right would go with the first.
        { parent: this, deletedWith: this.instance },
      );
  }

  #elastic(): aws.ec2.Eip {
    return new aws.ec2.Eip(
      `${this.#name}-address`,
      { domain: "vpc", instance: this.instance.id, tags: this.#tags("address") },
      { parent: this },
    );
  }

  /** On, where somebody stopped it or a volume had to be detached for another; another address comes with every start. */
  #address(dependsOn: readonly pulumi.Resource[]): pulumi.Output<string> {
    const { id, publicIp } = this.instance;
    const opts = { parent: this, dependsOn: [...dependsOn], deletedWith: this.instance };
    const power = new InstancePower(this.#name, { region: this.#args.region, ...assumedOf(this.#args), instance: id }, opts);
    return pulumi.all([power.address, publicIp]).apply(([started, known]) => started || known);
  }

  /** Before the instance, so that they go after it: the last snapshot is of what the server wrote until it was off. */
  #volumes(): readonly aws.ebs.Volume[] {
    const { volumes = [], zone } = this.#args;
    return volumes.map(({ name, sizeGB, snapshots, ...speed }) => {
      const full = `${this.#name}-${name}`;
      // Not the instance's zone: that is unknown while another instance is planned, and a volume in an unknown zone is another volume.
      const args = { availabilityZone: zone, size: sizeGB, type: "gp3", ...speedOf(speed), encrypted: true, finalSnapshot: true };
      const tags = { ...this.#tags(name), volume: full, ...snapshotsKept };
      if (snapshots)
        keepSnapshots(full, { keep: snapshots, tags: this.#tags(`${name}-snapshots`), boundary: this.#args.boundary }, { parent: this });
      const opts = { parent: this, protect: true, customTimeouts: lastSnapshot };
      return new aws.ebs.Volume(full, { ...args, tags }, opts);
    });
  }

  /** Where the instance goes, that is what detaches them. */
  #attached(all: readonly aws.ebs.Volume[]): readonly aws.ec2.VolumeAttachment[] {
    const { volumes = [], spot = false } = this.#args;
    // A mounted disk comes off when the server is off. A spot instance can't be stopped: its volume is taken from it.
    const detach = spot ? { forceDetach: true } : { stopInstanceBeforeDetaching: true };
    return volumes.map(({ name }, at) => {
      const place = { instanceId: this.instance.id, volumeId: all[at]!.id, deviceName: `/dev/sd${letterOf(at)}`, ...detach };
      const opts = { parent: this, deleteBeforeReplace: true, deletedWith: this.instance };
      return new aws.ec2.VolumeAttachment(`${this.#name}-${name}-attachment`, place, opts);
    });
  }

  #alarms(): void {
    const { type, region } = this.#args;
    for (const data of statusAlarms(type)) {
      const wiring = {
        dimensions: { InstanceId: this.instance.id },
        actions: [actionArn(region, data.action)],
        tags: this.#tags(data.name),
      };
      const { action: _, ...rest } = data;
      alarm(`${this.#name}-${data.name}`, rest, wiring, { parent: this });
    }
  }
}
