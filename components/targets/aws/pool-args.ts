// What a worker pool is asked for, and the plain part of its launch template and group: no outputs, so that it can be read and
// tested as data.

import type * as pulumi from "@pulumi/pulumi";
import type { AssumedRole } from "../../../provisioners/aws/access.ts";
import type { InstanceType } from "./facts/types.ts";
import { ephemeralMappings, type StoreOptions } from "./instance-store.ts";
import type { Placed } from "./placement.ts";
import type { Bounded, Statement } from "./policies.ts";
import type { AskedSize, Backlog, EventHours } from "./scaling.ts";
import { atLaunch, propagated, type Tags } from "./tags.ts";

export interface WorkerPoolArgs extends Placed, AssumedRole, Bounded {
  readonly region: string;
  /** Types that may be used, best first; all of one architecture and one disk layout. */
  readonly types: readonly [InstanceType, ...InstanceType[]];
  readonly image: string;
  /** In GB. @default 20 */
  readonly rootGB?: number;
  readonly admin: string;
  readonly authorizedKey: pulumi.Input<string>;
  /** `desired`: so many there should be. @default left to the group's scaling, which begins with the minimum */
  readonly size: AskedSize;
  /**
   * The plan from a blank host as one POSIX script. Without secrets: user data can be read on the server by anyone. An output's length is
   * not known in time: it always lies in a bucket.
   */
  readonly plan: string | pulumi.Output<string>;
  /** Command line that stops taking work and returns when the work in hand is done. @default systemctl stop fleet-work.service */
  readonly drain?: string;
  /** Seconds from launch until a server must have reported, and from the notice until it has drained. @default 900, 600 */
  readonly patience?: { readonly boot: number; readonly drain: number };
  /** For the plan and the pool's services, in `/etc/fleet/environment`. No secrets. @default none */
  readonly environment?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Of the servers beyond the first: per cent on spot. @default 0 */
  readonly spot?: number;
  readonly store?: Omit<StoreOptions, "server">;
  /** Grows and shrinks with a queue. @default stays at the minimum */
  readonly backlog?: Pick<Backlog, "latency" | "perMessage"> & { readonly queueName: pulumi.Input<string> };
  /** @default none */
  readonly event?: EventHours;
  /** Beyond reporting to the pool's own hooks. @default nothing */
  readonly statements?: pulumi.Input<readonly Statement[]>;
  /**
   * A single server that is replaced when it fails, and takes its address and its volume along. Needs `size` 1 to 1 and one subnet, whose
   * zone the volume is in.
   */
  readonly single?: { readonly address: boolean; readonly volume?: { readonly sizeGB: number; readonly zone: pulumi.Input<string> } };
  /** Of the balancers before it. @default none */
  readonly targetGroups?: readonly pulumi.Input<string>[];
  /** Addresses that get the notices of launches, failures and alarms. @default none */
  readonly emails?: readonly string[];
}

export interface TemplateWish {
  readonly type: InstanceType;
  readonly rootGB: number;
  /** Whether its own disks are used: those of a Xen instance must be mapped. */
  readonly withStore: boolean;
  readonly tags: Tags;
}

export function templateOf({ type, rootGB, withStore, tags }: TemplateWish) {
  const mappings = withStore ? ephemeralMappings(type) : [];
  return {
    plain: {
      instanceType: type.type,
      updateDefaultVersion: true,
      // A server that switches itself off is gone, and the group replaces it at once.
      instanceInitiatedShutdownBehavior: "terminate",
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1, instanceMetadataTags: "enabled" },
      monitoring: { enabled: true },
      tagSpecifications: atLaunch(tags),
      tags: { ...tags },
    },
    wired: (group: pulumi.Input<string>, rootDevice: pulumi.Input<string>) => ({
      networkInterfaces: [{ deviceIndex: 0, associatePublicIpAddress: "true", securityGroups: [group], deleteOnTermination: "true" }],
      blockDeviceMappings: [
        { deviceName: rootDevice, ebs: { volumeType: "gp3", volumeSize: rootGB, encrypted: "true", deleteOnTermination: "true" } },
        ...mappings,
      ],
    }),
  };
}

/** Seconds. */
export const usualPatience = { boot: 900, drain: 600 } as const;

type HookWish = Pick<GroupWish, "launchHook" | "drainHook" | "patience">;

/** Silence is no fitness for service; but whoever leaves must be let go. */
export function hooksOf({ launchHook, drainHook, patience }: HookWish) {
  const hook = (hookName: string, transition: string, heartbeatTimeout: number, defaultResult: string) => ({
    name: hookName,
    lifecycleTransition: `autoscaling:EC2_INSTANCE_${transition}`,
    heartbeatTimeout,
    defaultResult,
  });
  return [hook(launchHook, "LAUNCHING", patience.boot, "ABANDON"), hook(drainHook, "TERMINATING", patience.drain, "CONTINUE")];
}

export interface GroupWish {
  readonly name: string;
  readonly size: WorkerPoolArgs["size"];
  readonly tags: Tags;
  readonly launchHook: string;
  readonly drainHook: string;
  /** Seconds. */
  readonly patience: { readonly boot: number; readonly drain: number };
  readonly single: boolean;
  /** Whether a balancer asks its servers how they are. @default false */
  readonly balanced?: boolean;
  /** Whether the pool has scheduled actions of its own. */
  readonly scheduled: boolean;
}

/** The desired capacity is left to scaling, unless it is asked for. Hooks exist before the first server does. */
export function groupOf({ name, size, tags, launchHook, drainHook, patience, single, scheduled, balanced = false }: GroupWish) {
  return {
    name,
    minSize: size.min,
    maxSize: size.max,
    ...(size.desired !== undefined && { desiredCapacity: size.desired }),
    // One that the balancer finds ill is replaced, once it had time to be found well.
    healthCheckType: balanced ? "ELB" : "EC2",
    healthCheckGracePeriod: balanced ? 120 : 60,
    defaultInstanceWarmup: 60,
    waitForCapacityTimeout: "0",
    capacityRebalance: !single,
    // Without an event no schedule has any business here: one that somebody adds never runs.
    suspendedProcesses: scheduled ? [] : ["ScheduledActions"],
    enabledMetrics: ["GroupInServiceInstances" as const, "GroupDesiredCapacity" as const, "GroupPendingInstances" as const],
    initialLifecycleHooks: hooksOf({ launchHook, drainHook, patience }),
    // A single server has to go before its address and volume are free for the next.
    instanceMaintenancePolicy: single
      ? { minHealthyPercentage: 0, maxHealthyPercentage: 100 }
      : { minHealthyPercentage: 100, maxHealthyPercentage: 200 },
    instanceRefresh: {
      strategy: "Rolling",
      // No `autoRollback`: the provider gives the group the new template before it starts the refresh, so that back would be the same one.
      preferences: { minHealthyPercentage: single ? 0 : 100, skipMatching: true },
    },
    tags: propagated(tags),
  };
}
