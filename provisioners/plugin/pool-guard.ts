// fleet:index:PoolGuard: what else steers an autoscaling group. Pulumi sees the schedules, policies and hooks that it made; one that somebody
// added shows nowhere, and takes the group down at its hour. A look names it, an up removes it.
import type { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { difference } from "./difference.ts";
import type { Resource } from "./protocol.ts";

/** Names of what belongs to the group. */
export interface PoolGuardInputs {
  readonly region: string;
  readonly group: string;
  readonly schedules: readonly string[];
  readonly policies: readonly string[];
  readonly hooks: readonly string[];
}

export interface PoolGuardOutputs extends PoolGuardInputs {
  /** What steers the group beside those: `schedule nightfall`. */
  readonly strays: readonly string[];
}

type Found = { readonly what: string; readonly name: string; readonly remove: () => Promise<unknown> };

/** The SDK is loaded where there is a group to look at: it would cost every other stack a tenth of a second. */
async function foundAt({ region, group: AutoScalingGroupName }: PoolGuardInputs): Promise<readonly Found[]> {
  const sdk = await import("@aws-sdk/client-auto-scaling");
  const client: AutoScalingClient = new sdk.AutoScalingClient({ region });
  const of = { AutoScalingGroupName };
  const [{ ScheduledUpdateGroupActions = [] }, { ScalingPolicies = [] }, { LifecycleHooks = [] }] = await Promise.all([
    client.send(new sdk.DescribeScheduledActionsCommand(of)),
    client.send(new sdk.DescribePoliciesCommand(of)),
    client.send(new sdk.DescribeLifecycleHooksCommand(of)),
  ]);
  return [
    ...ScheduledUpdateGroupActions.map(({ ScheduledActionName: name = "" }) => ({
      ...{ what: "schedule", name },
      remove: () => client.send(new sdk.DeleteScheduledActionCommand({ ...of, ScheduledActionName: name })),
    })),
    ...ScalingPolicies.map(({ PolicyName: name = "" }) => ({
      ...{ what: "policy", name },
      remove: () => client.send(new sdk.DeletePolicyCommand({ ...of, PolicyName: name })),
    })),
    ...LifecycleHooks.map(({ LifecycleHookName: name = "" }) => ({
      ...{ what: "hook", name },
      remove: () => client.send(new sdk.DeleteLifecycleHookCommand({ ...of, LifecycleHookName: name })),
    })),
  ];
}

async function straysOf(...known: readonly [PoolGuardInputs, ...PoolGuardInputs[]]): Promise<readonly Found[]> {
  const own = new Set(
    known.flatMap(({ schedules, policies, hooks }) => [
      ...schedules.map((name) => `schedule ${name}`),
      ...policies.map((name) => `policy ${name}`),
      ...hooks.map((name) => `hook ${name}`),
    ]),
  );
  return (await foundAt(known[0])).filter(({ what, name }) => !own.has(`${what} ${name}`));
}

/** What a stack no longer wants is Pulumi's own to remove: it counts as known until then. */
async function clear(...known: readonly [PoolGuardInputs, ...PoolGuardInputs[]]): Promise<PoolGuardOutputs> {
  for (const { remove } of await straysOf(...known)) await remove();
  return { ...known[0], strays: [] };
}

export const poolGuardResource: Resource<PoolGuardInputs, PoolGuardOutputs> = {
  refreshBeforeUpdate: true,
  diff: ({ inputs, outputs }, news) => ({
    ...(news.group === inputs.group && news.region === inputs.region ? {} : { group: "update-replace" as const }),
    ...difference("schedules", inputs.schedules, news.schedules),
    ...difference("policies", inputs.policies, news.policies),
    ...difference("hooks", inputs.hooks, news.hooks),
    ...difference("strays", outputs.strays, []),
  }),
  create: async (inputs, _call, preview) => ({
    id: inputs.group,
    outputs: preview ? { ...inputs, strays: [] } : await clear(inputs),
  }),
  async read(_id, old, call) {
    try {
      const strays = (await straysOf(old.inputs)).map(({ what, name }) => `${what} ${name}`).sort();
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
