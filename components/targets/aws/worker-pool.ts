// Servers that come and go by themselves: an autoscaling group whose members converge at boot and say when they may serve.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { assumedOf } from "../../../provisioners/aws/access.ts";
import { bucket } from "./bucket.ts";
import { imageKey } from "./facts/servers.ts";
import { distributionOf, imageRef, pinnedAmi } from "./image.ts";
import { instanceStore } from "./instance-store.ts";
import { assumedBy, bounded, document, groupArn, reads, reportsToHook, takesOver } from "./policies.ts";
import { groupOf, hooksOf, templateOf, usualPatience, type WorkerPoolArgs } from "./pool-args.ts";
import { PoolGuard } from "./pool-guard.ts";
import { PoolRollout } from "./pool-rollout.ts";
import { backlogMetrics, backlogTarget, scheduleOf, sizeAt } from "./scaling.ts";
import { lastSnapshot } from "./snapshots.ts";
import { snapshotsKept, type Tags, tagsOf } from "./tags.ts";
import { base64, sha256 } from "./user-data.ts";
import { planFits, type WorkerBoot, workerUserData } from "./worker-boot.ts";

interface Kept {
  readonly allocation: pulumi.Output<string>;
  readonly volume: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
}

/** Costs its instances, by the hour; two of a type on demand where nothing is said of spot. */
export class WorkerPool extends pulumi.ComponentResource {
  declare readonly groupName: pulumi.Output<string>;
  /** Hears of launches, terminations and failures. */
  declare readonly topicArn: pulumi.Output<string>;
  /** Of the single server; empty for a pool. */
  declare readonly address: pulumi.Output<string>;
  readonly #name: string;
  readonly #args: WorkerPoolArgs;
  /** One moment for all that goes by the event's hours. */
  readonly #now = new Date();

  constructor(name: string, args: WorkerPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:aws:WorkerPool", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const kept = this.#kept();
    const { userData, arn } = this.#userData(kept);
    const template = this.#template(this.#profile(arn), userData);
    const group = this.#group(template);
    this.#hooksOf(group);
    const [policies, schedules] = [this.#backlog(group), this.#schedules(group)];
    const guard = this.#guard(group, policies, schedules);
    this.#rollout(template, group, [...policies, ...schedules, guard]);
    const topic = this.#topic(group);
    this.groupName = group.name;
    this.topicArn = topic.arn;
    this.address = kept.address;
    this.registerOutputs({ groupName: this.groupName, topicArn: this.topicArn, address: this.address });
  }

  #tags(what?: string): Tags {
    return { ...tagsOf(this.#args.ownership, what ? `${this.#name}-${what}` : this.#name), pool: this.#name };
  }

  /** What stays when the single server goes. */
  #kept(): Kept {
    const { single } = this.#args;
    const none = pulumi.output("");
    const ip = single?.address
      ? new aws.ec2.Eip(`${this.#name}-address`, { domain: "vpc", tags: this.#tags("address") }, { parent: this })
      : undefined;
    const data = single?.volume && {
      size: single.volume.sizeGB,
      availabilityZone: single.volume.zone,
      type: "gp3",
      encrypted: true,
      finalSnapshot: true,
    };
    const tags = { ...this.#tags("data"), ...snapshotsKept };
    const volume =
      data && new aws.ebs.Volume(`${this.#name}-data`, { ...data, tags }, { parent: this, protect: true, customTimeouts: lastSnapshot });
    return { allocation: ip?.allocationId ?? none, address: ip?.publicIp ?? none, volume: volume?.id ?? none };
  }

  #boot(plan: string): WorkerBoot {
    const { region, drain = "systemctl stop fleet-work.service", single } = this.#args;
    return { region, group: this.#name, ...this.#hooks(), plan, drain, fence: single ? 90 : 0 };
  }

  #hooks() {
    return { launchHook: `${this.#name}-launch`, drainHook: `${this.#name}-drain` };
  }

  /** In the launch template where the plan fits; else it lies in a bucket, under its checksum. `arn` is the plan's, if so. */
  #userData(kept: Kept): { readonly userData: pulumi.Output<string>; readonly arn?: pulumi.Output<string> } {
    const { admin, authorizedKey, types, store, image, environment = {}, plan } = this.#args;
    const distribution = distributionOf(image);
    const disks = store && instanceStore(types[0], { ...store, server: this.#name }, distribution);
    const first = {
      server: this.#name,
      admin,
      distribution,
      ...(disks && { files: disks.files, packages: disks.packages, commands: disks.commands }),
    };
    const text = (planUrl?: pulumi.Output<string>) =>
      pulumi
        .all([authorizedKey, kept.allocation, kept.volume, environment, plan, planUrl])
        .apply(([key, allocation, volume, known, script, url]) => {
          // By this name the plan finds it, where EBS is NVMe: under /dev/disk/by-id.
          const found = volume === "" ? known : { ...known, VOLUME_ID: volume };
          const own = { allocation, volume, environment: found, planUrl: url };
          return base64(workerUserData({ ...first, authorizedKey: key }, { ...this.#boot(script), ...own }));
        });
    const known = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, typeof value === "string" ? value : ""]));
    if (typeof plan === "string" && planFits({ ...first, authorizedKey: "" }, { ...this.#boot(plan), environment: known }))
      return { userData: text() };
    const { url, arn } = this.#planInBucket();
    return { userData: text(url), arn };
  }

  #planInBucket(): { readonly url: pulumi.Output<string>; readonly arn: pulumi.Output<string> } {
    const { plan: content, region } = this.#args;
    const plans = bucket(`${this.#name}-plans`, { tags: this.#tags("plans"), undoDays: 1 }, { parent: this });
    const key = pulumi.output(content).apply((text) => `${sha256(text)}.sh`);
    // S3 takes ten tags of an object: the fleet's own, without the team's.
    const { more: _, ...ownership } = this.#args.ownership;
    const tags = { ...tagsOf(ownership, `${this.#name}-plan`), pool: this.#name };
    const args = { bucket: plans.bucket.id, key, content, tags };
    // The group may still start servers from the template before this one.
    const object = new aws.s3.BucketObjectv2(`${this.#name}-plan`, args, { parent: this, dependsOn: plans.ready, retainOnDelete: true });
    const url = pulumi.interpolate`https://${plans.bucket.bucket}.s3.${region}.amazonaws.com/${object.key}`;
    return { url, arn: pulumi.interpolate`${plans.bucket.arn}/*` };
  }

  /** What its servers may do: report, and what the pool's work needs. */
  #profile(plans: pulumi.Output<string> | undefined): aws.iam.InstanceProfile {
    const { region, single, statements = [] } = this.#args;
    const account = aws.getCallerIdentityOutput({}, { parent: this }).accountId;
    const policy = pulumi.all([account, statements, plans ?? ""]).apply(([id, more, arn]) => {
      const own = [reportsToHook(groupArn(region, id, this.#name)), ...(single ? takesOver(region, id, this.#name) : [])];
      return document(...own, ...(arn ? [reads("ReadPlan", arn)] : []), ...more);
    });
    const role = new aws.iam.Role(
      this.#name,
      { assumeRolePolicy: assumedBy("ec2.amazonaws.com"), ...bounded(this.#args), tags: this.#tags("role") },
      { parent: this },
    );
    const allowed = new aws.iam.RolePolicy(this.#name, { role: role.id, policy }, { parent: this });
    return new aws.iam.InstanceProfile(
      this.#name,
      { role: role.name, tags: this.#tags("profile") },
      { parent: this, dependsOn: [allowed] },
    );
  }

  #template(profile: aws.iam.InstanceProfile, userData: pulumi.Output<string>): aws.ec2.LaunchTemplate {
    const { types, image, rootGB = 20, securityGroupId, store } = this.#args;
    const pin = { parent: this, aliases: [{ name: `${this.#name}-image` }] };
    const ami = pinnedAmi(`${this.#name}-image-${imageKey(image, types[0])}`, imageRef(image, types[0].arch), pin);
    // A pinned image grows old, and is then found by those alone who ask for old ones too.
    const found = aws.ec2.getAmiOutput({ filters: [{ name: "image-id", values: [ami] }], includeDeprecated: true }, { parent: this });
    const args = templateOf({ type: types[0], rootGB, withStore: store !== undefined, tags: this.#tags() });
    const wired = {
      imageId: ami,
      userData,
      iamInstanceProfile: { arn: profile.arn },
      ...args.wired(securityGroupId, found.rootDeviceName),
    };
    return new aws.ec2.LaunchTemplate(this.#name, { ...args.plain, ...wired }, { parent: this });
  }

  #group(template: aws.ec2.LaunchTemplate): aws.autoscaling.Group {
    const { types, size, spot = 0, subnetIds, patience = usualPatience, single, event, targetGroups = [] } = this.#args;
    const { launchHook, drainHook } = this.#hooks();
    const plain = groupOf({
      name: this.#name,
      size: sizeAt(size, event, this.#now),
      tags: this.#tags(),
      launchHook,
      drainHook,
      patience,
      single: single !== undefined,
      scheduled: event !== undefined,
      balanced: targetGroups.length > 0,
    });
    // The number, never `$Latest`: with that a change of the template would replace no server.
    const version = template.latestVersion.apply(String);
    const mixed = types.length > 1 || spot > 0;
    const launch = mixed
      ? {
          mixedInstancesPolicy: {
            instancesDistribution: {
              onDemandBaseCapacity: spot === 100 ? 0 : 1,
              onDemandPercentageAboveBaseCapacity: 100 - spot,
              spotAllocationStrategy: "price-capacity-optimized",
            },
            launchTemplate: {
              launchTemplateSpecification: { launchTemplateId: template.id, version },
              overrides: types.map(({ type }) => ({ instanceType: type })),
            },
          },
        }
      : { launchTemplate: { id: template.id, version } };
    // None is said too: what is no longer sent stays attached.
    const args = { ...plain, ...launch, vpcZoneIdentifiers: [...subnetIds], targetGroupArns: [...targetGroups] };
    return new aws.autoscaling.Group(this.#name, args, {
      parent: this,
      deleteBeforeReplace: true,
      // They are for the first servers; a change of them would make another group, with no server in between. #hooksOf changes them in place.
      ignoreChanges: ["initialLifecycleHooks"],
      // The provider waits until the last server has drained.
      customTimeouts: { delete: `${Math.ceil(patience.drain / 60) + 15}m` },
    });
  }

  /** The same hooks as the group began with: their times change in place. */
  #hooksOf(group: aws.autoscaling.Group): void {
    const { patience = usualPatience } = this.#args;
    const { launchHook, drainHook } = this.#hooks();
    for (const { name, ...hook } of hooksOf({ launchHook, drainHook, patience }))
      new aws.autoscaling.LifecycleHook(name, { name, autoscalingGroupName: group.name, ...hook }, { parent: this, deletedWith: group });
  }

  #backlog(group: aws.autoscaling.Group): readonly aws.autoscaling.Policy[] {
    const { backlog } = this.#args;
    if (!backlog) return [];
    const metrics = pulumi
      .all([backlog.queueName, group.name])
      .apply(([queueName, groupName]) => backlogMetrics({ queueName, groupName }) as never[]);
    const tracking = { targetValue: backlogTarget(backlog), customizedMetricSpecification: { metrics } };
    const name = `${this.#name}-backlog`;
    const args = { name, autoscalingGroupName: group.name, policyType: "TargetTrackingScaling", targetTrackingConfiguration: tracking };
    return [new aws.autoscaling.Policy(name, args, { parent: this })];
  }

  #schedules(group: aws.autoscaling.Group): readonly aws.autoscaling.Schedule[] {
    const { event, size, backlog } = this.#args;
    return (event ? scheduleOf(size, event, this.#now, backlog !== undefined) : []).map(({ name, ...scheduled }) => {
      const args = { scheduledActionName: `${this.#name}-${name}`, autoscalingGroupName: group.name, ...scheduled };
      return new aws.autoscaling.Schedule(`${this.#name}-${name}`, args, { parent: this });
    });
  }

  /** What else steers the group is named, and goes. */
  #guard(
    group: aws.autoscaling.Group,
    policies: readonly aws.autoscaling.Policy[],
    schedules: readonly aws.autoscaling.Schedule[],
  ): PoolGuard {
    const own = [
      ...schedules.map(({ scheduledActionName }) => pulumi.interpolate`schedule ${scheduledActionName}`),
      ...policies.map(({ name }) => pulumi.interpolate`policy ${name}`),
      ...Object.values(this.#hooks()).map((name) => `hook ${name}`),
    ];
    const args = { region: this.#args.region, ...assumedOf(this.#args), group: group.name, own };
    return new PoolGuard(this.#name, args, { parent: this, dependsOn: [...schedules, ...policies], deletedWith: group });
  }

  /** What is written is waited for: the pool is up when its servers serve. */
  #rollout(template: aws.ec2.LaunchTemplate, group: aws.autoscaling.Group, after: readonly pulumi.Resource[]): void {
    const { region, size, event, types, spot = 0, patience = usualPatience, single } = this.#args;
    // What holds by the stack file, not by the clock: an event that begins is no change of it.
    const shape = JSON.stringify({ size, event, types: types.map(({ type }) => type), spot });
    const own = { version: template.latestVersion.apply(String), patience: patience.boot, minHealthy: single ? 0 : 100, shape };
    new PoolRollout(
      this.#name,
      { region, ...assumedOf(this.#args), group: group.name, ...own },
      { parent: this, dependsOn: [group, ...after], deletedWith: group },
    );
  }

  #topic(group: aws.autoscaling.Group): aws.sns.Topic {
    // Without a key: alarms can't write to a topic under AWS's own one, and the notices hold no secret.
    const topic = new aws.sns.Topic(this.#name, { tags: this.#tags("notices") }, { parent: this });
    for (const endpoint of this.#args.emails ?? [])
      new aws.sns.TopicSubscription(`${this.#name}-${endpoint}`, { topic: topic.arn, protocol: "email", endpoint }, { parent: this });
    const notifications = ["LAUNCH", "LAUNCH_ERROR", "TERMINATE", "TERMINATE_ERROR"].map(
      (what) => `autoscaling:EC2_INSTANCE_${what}` as aws.autoscaling.NotificationType,
    );
    new aws.autoscaling.Notification(this.#name, { groupNames: [group.name], topicArn: topic.arn, notifications }, { parent: this });
    return topic;
  }
}
