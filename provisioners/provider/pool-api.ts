// What PoolRollout asks of Auto Scaling and tells it. The SDK is loaded where there is a group to look at.

import type { Activity, AutoScalingClient, AutoScalingGroup, InstanceRefresh } from "@aws-sdk/client-auto-scaling";
import { type Access, clientOf } from "../aws/access.ts";

/** What a group starts its servers from, as it was read: to be given back as it was. */
export interface Launch {
  readonly version?: string;
  /** A launch template or a policy of mixed instances, as AWS writes it, in JSON. */
  readonly written?: string;
}

export interface SeenPool {
  readonly group: AutoScalingGroup;
  readonly activities: readonly Activity[];
  readonly launch: Launch;
}

export interface Pool {
  look(): Promise<SeenPool | undefined>;
  /** Why AWS ended a replacement that began since then; undefined where none has ended so. */
  refreshEnded(since: number): Promise<string | undefined>;
  isRefreshing(): Promise<boolean>;
  /** @returns whether one is under way now, by this or already */
  startRefresh(minHealthy: number): Promise<boolean>;
  cancelRefresh(): Promise<void>;
  setLaunch(launch: Launch): Promise<void>;
}

export function launchOf({ LaunchTemplate, MixedInstancesPolicy }: AutoScalingGroup): Launch {
  const version = LaunchTemplate?.Version ?? MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification?.Version;
  const template = LaunchTemplate && { LaunchTemplateId: LaunchTemplate.LaunchTemplateId, Version: LaunchTemplate.Version };
  const written = MixedInstancesPolicy ? { MixedInstancesPolicy } : { LaunchTemplate: template };
  return version === undefined ? {} : { version, written: JSON.stringify(withoutName(written)) };
}

/** AWS answers with a template's id and name, and takes one of the two. */
const withoutName = (written: object): object =>
  JSON.parse(JSON.stringify(written, (key, value) => (key === "LaunchTemplateName" ? undefined : value)));

const going: ReadonlySet<string> = new Set(["Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"]);
const ended: ReadonlySet<string> = new Set(["Failed", "Cancelled", "RollbackFailed", "RollbackSuccessful"]);

/** Undefined where AWS says that it is so already, or that there is nothing to end. */
async function unless<T>(names: RegExp, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (names.test((error as Error).name)) return undefined;
    throw error;
  }
}

export function awsPool({ group, ...access }: Access & { readonly group: string }): Pool {
  const of = { AutoScalingGroupName: group };
  let made: Promise<{ sdk: typeof import("@aws-sdk/client-auto-scaling"); client: AutoScalingClient }> | undefined;
  const aws = () =>
    (made ??= import("@aws-sdk/client-auto-scaling").then((sdk) => ({ sdk, client: new sdk.AutoScalingClient(clientOf(access)) })));
  const refreshes = async (): Promise<readonly InstanceRefresh[]> => {
    const { sdk, client } = await aws();
    return (await client.send(new sdk.DescribeInstanceRefreshesCommand({ ...of, MaxRecords: 5 }))).InstanceRefreshes ?? [];
  };
  return {
    async look() {
      const { sdk, client } = await aws();
      const [{ AutoScalingGroups = [] }, { Activities = [] }] = await Promise.all([
        client.send(new sdk.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [group] })),
        client.send(new sdk.DescribeScalingActivitiesCommand({ ...of, MaxRecords: 50 })),
      ]);
      const [found] = AutoScalingGroups;
      return found && { group: found, activities: Activities, launch: launchOf(found) };
    },
    async refreshEnded(since) {
      const [newest] = (await refreshes()).filter(({ StartTime }) => (StartTime?.getTime() ?? 0) >= since - 60_000);
      if (newest?.Status === undefined || !ended.has(newest.Status)) return undefined;
      return newest.StatusReason || newest.Status;
    },
    isRefreshing: async () => (await refreshes()).some(({ Status = "" }) => going.has(Status)),
    async startRefresh(minHealthy) {
      const { sdk, client } = await aws();
      const Preferences = { MinHealthyPercentage: minHealthy, SkipMatching: true };
      await unless(/InProgress/, client.send(new sdk.StartInstanceRefreshCommand({ ...of, Preferences })));
      return true;
    },
    async cancelRefresh() {
      const { sdk, client } = await aws();
      await unless(/NotFound/, client.send(new sdk.CancelInstanceRefreshCommand(of)));
    },
    async setLaunch({ written = "{}" }) {
      const { sdk, client } = await aws();
      await client.send(new sdk.UpdateAutoScalingGroupCommand({ ...of, ...JSON.parse(written) }));
    },
  };
}
