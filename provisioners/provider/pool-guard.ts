// fleet:index:PoolGuard: what else steers an autoscaling group. Pulumi sees the schedules, policies and hooks that it made; one that somebody
// added shows nowhere, and takes the group down at its hour. A look names it, an up removes it.

import type { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { type Access, clientOf } from "../aws/access.ts";
import { difference } from "./difference.ts";
import { troubles } from "./pool-troubles.ts";
import type { Resource } from "./resource.ts";

export interface PoolGuardInputs extends Access {
  readonly group: string;
  /** What belongs to the group: `schedule NAME`, `policy NAME`, `hook NAME`. */
  readonly own: readonly string[];
}

export interface PoolGuardOutputs extends PoolGuardInputs {
  /** What steers the group beside those, in the same words. */
  readonly strays: readonly string[];
}

interface Found {
  readonly name: string;
  readonly remove: () => Promise<unknown>;
}

/** The SDK is loaded where there is a group to look at: it would cost every other stack a tenth of a second. */
async function foundAt({ group: AutoScalingGroupName, ...access }: PoolGuardInputs): Promise<readonly Found[]> {
  const sdk = await import("@aws-sdk/client-auto-scaling");
  const client: AutoScalingClient = new sdk.AutoScalingClient(clientOf(access));
  const of = { AutoScalingGroupName };
  const [{ ScheduledUpdateGroupActions = [] }, { ScalingPolicies = [] }, { LifecycleHooks = [] }] = await Promise.all([
    client.send(new sdk.DescribeScheduledActionsCommand(of)),
    client.send(new sdk.DescribePoliciesCommand(of)),
    client.send(new sdk.DescribeLifecycleHooksCommand(of)),
  ]);
  return [
    ...ScheduledUpdateGroupActions.map(({ ScheduledActionName = "" }) => ({
      name: `schedule ${ScheduledActionName}`,
      remove: () => client.send(new sdk.DeleteScheduledActionCommand({ ...of, ScheduledActionName })),
    })),
    ...ScalingPolicies.map(({ PolicyName = "" }) => ({
      name: `policy ${PolicyName}`,
      remove: () => client.send(new sdk.DeletePolicyCommand({ ...of, PolicyName })),
    })),
    ...LifecycleHooks.map(({ LifecycleHookName = "" }) => ({
      name: `hook ${LifecycleHookName}`,
      remove: () => client.send(new sdk.DeleteLifecycleHookCommand({ ...of, LifecycleHookName })),
    })),
  ];
}

/** Of the first one's group. What a stack no longer wants is Pulumi's own to remove: it counts as known until then. */
async function straysOf(...known: readonly [PoolGuardInputs, ...PoolGuardInputs[]]): Promise<readonly Found[]> {
  const own = new Set(known.flatMap((inputs) => inputs.own));
  return (await foundAt(known[0])).filter(({ name }) => !own.has(name));
}

async function troublesOf({ group, ...access }: PoolGuardInputs): Promise<string | undefined> {
  const sdk = await import("@aws-sdk/client-auto-scaling");
  const asked = new sdk.DescribeScalingActivitiesCommand({ AutoScalingGroupName: group, MaxRecords: 50 });
  const { Activities = [] } = await new sdk.AutoScalingClient(clientOf(access)).send(asked);
  return troubles(group, Activities, new Date());
}

async function clear(...known: readonly [PoolGuardInputs, ...PoolGuardInputs[]]): Promise<PoolGuardOutputs> {
  for (const { remove } of await straysOf(...known)) await remove();
  return { ...known[0], strays: [] };
}

export const poolGuardResource: Resource<PoolGuardInputs, PoolGuardOutputs> = {
  refreshBeforeUpdate: true,
  diff: ({ inputs, outputs }, news) => ({
    ...(news.group === inputs.group && news.region === inputs.region ? {} : { group: "update-replace" as const }),
    ...difference("own", inputs.own, news.own),
    ...difference("strays", outputs.strays, []),
  }),
  create: async (inputs, _call, preview) => ({
    id: inputs.group,
    outputs: preview ? { ...inputs, strays: [] } : await clear(inputs),
  }),
  async read(_id, old, call) {
    try {
      const strays = (await straysOf(old.inputs)).map(({ name }) => name).sort();
      const said = await troublesOf(old.inputs);
      if (said !== undefined) call.log("warning", said);
      return { inputs: old.inputs, outputs: { ...old.outputs, strays } };
    } catch (error) {
      // A fork's preview has no rights: it shows what was known, and says so.
      call.log("warning", `${old.inputs.group}: could not look for what else steers it: ${(error as Error).message}`);
      return old;
    }
  },
  update: async (_id, olds, news, _call, preview) => (preview ? { ...news, strays: [] } : await clear(news, olds.inputs)),
  delete: async () => {},
};
