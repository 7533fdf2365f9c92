// Autoscaling groups and what steers them.
import * as sdk from "@aws-sdk/client-auto-scaling";
import { autoscaling } from "./clients.ts";
import { type AwsType, gone, type Inputs } from "./type.ts";
import { fromAws, toAws } from "./words.ts";

const templateOf = ({ launchTemplate, mixedInstancesPolicy }: Inputs) => ({
  ...(launchTemplate && { LaunchTemplate: { LaunchTemplateId: launchTemplate.id, Version: launchTemplate.version } }),
  ...(mixedInstancesPolicy && { MixedInstancesPolicy: toAws(mixedInstancesPolicy) as sdk.MixedInstancesPolicy }),
});

const shapeOf = (inputs: Inputs) => ({
  MinSize: inputs.minSize,
  MaxSize: inputs.maxSize,
  ...(inputs.desiredCapacity !== undefined && { DesiredCapacity: inputs.desiredCapacity }),
  HealthCheckType: inputs.healthCheckType,
  HealthCheckGracePeriod: inputs.healthCheckGracePeriod,
  DefaultInstanceWarmup: inputs.defaultInstanceWarmup,
  VPCZoneIdentifier: inputs.vpcZoneIdentifiers.join(","),
  CapacityRebalance: inputs.capacityRebalance,
  ...templateOf(inputs),
});

const tagsOf = (ResourceId: string, tags: readonly Inputs[] = []): sdk.Tag[] =>
  tags.map(({ key, value, propagateAtLaunch }) => ({
    ResourceId,
    ResourceType: "auto-scaling-group",
    Key: key,
    Value: value,
    PropagateAtLaunch: propagateAtLaunch,
  }));

const groupOf = async (name: string) => {
  const { AutoScalingGroups } = await autoscaling().send(new sdk.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
  return AutoScalingGroups?.[0];
};

async function suspend(AutoScalingGroupName: string, wanted: readonly string[] = []): Promise<void> {
  const now = (await groupOf(AutoScalingGroupName))?.SuspendedProcesses?.flatMap(({ ProcessName }) => ProcessName ?? []) ?? [];
  const [more, less] = [wanted.filter((each) => !now.includes(each)), now.filter((each) => !wanted.includes(each))];
  const of = (ScalingProcesses: string[]) => ({ AutoScalingGroupName, ScalingProcesses });
  if (more.length > 0) await autoscaling().send(new sdk.SuspendProcessesCommand(of(more)));
  if (less.length > 0) await autoscaling().send(new sdk.ResumeProcessesCommand(of(less)));
}

/** To the balancers' groups that are asked for, and from the others. */
async function attach(AutoScalingGroupName: string, wanted: readonly string[] = []): Promise<void> {
  const now = (await groupOf(AutoScalingGroupName))?.TargetGroupARNs ?? [];
  const [more, less] = [wanted.filter((each) => !now.includes(each)), now.filter((each) => !wanted.includes(each))];
  const of = (TargetGroupARNs: string[]) => ({ AutoScalingGroupName, TargetGroupARNs });
  if (more.length > 0) await autoscaling().send(new sdk.AttachLoadBalancerTargetGroupsCommand(of(more)));
  if (less.length > 0) await autoscaling().send(new sdk.DetachLoadBalancerTargetGroupsCommand(of(less)));
}

export const group: AwsType = {
  async create(inputs, name) {
    const AutoScalingGroupName: string = inputs.name ?? name;
    const hooks = inputs.initialLifecycleHooks?.map(({ name: LifecycleHookName, ...rest }: Inputs) => ({
      LifecycleHookName,
      ...(toAws(rest) as object),
    }));
    const args = { AutoScalingGroupName, ...shapeOf(inputs), Tags: tagsOf(AutoScalingGroupName, inputs.tags) };
    await autoscaling().send(new sdk.CreateAutoScalingGroupCommand({ ...args, LifecycleHookSpecificationList: hooks }));
    const metrics = { AutoScalingGroupName, Metrics: inputs.enabledMetrics, Granularity: "1Minute" };
    await autoscaling().send(new sdk.EnableMetricsCollectionCommand(metrics));
    await suspend(AutoScalingGroupName, inputs.suspendedProcesses);
    await attach(AutoScalingGroupName, inputs.targetGroupArns);
    return AutoScalingGroupName;
  },
  async read(id) {
    const one = await groupOf(id);
    if (!one) return undefined;
    const { LaunchTemplate } = one;
    return {
      name: id,
      minSize: one.MinSize,
      maxSize: one.MaxSize,
      desiredCapacity: one.DesiredCapacity,
      healthCheckType: one.HealthCheckType,
      healthCheckGracePeriod: one.HealthCheckGracePeriod,
      vpcZoneIdentifiers: one.VPCZoneIdentifier?.split(","),
      ...(LaunchTemplate && { launchTemplate: { id: LaunchTemplate.LaunchTemplateId, version: LaunchTemplate.Version } }),
      ...(one.MixedInstancesPolicy && { mixedInstancesPolicy: fromAws(one.MixedInstancesPolicy) }),
      targetGroupArns: one.TargetGroupARNs ?? [],
      suspendedProcesses: one.SuspendedProcesses?.map(({ ProcessName }) => ProcessName) ?? [],
      tags: one.Tags?.map(({ Key: key, Value: value, PropagateAtLaunch: propagateAtLaunch }) => ({ key, value, propagateAtLaunch })),
    };
  },
  async update(id, inputs, olds) {
    await autoscaling().send(new sdk.UpdateAutoScalingGroupCommand({ AutoScalingGroupName: id, ...shapeOf(inputs) }));
    await suspend(id, inputs.suspendedProcesses);
    await attach(id, inputs.targetGroupArns);
    const kept = new Set(inputs.tags.map(({ key }: Inputs) => key));
    const old = olds.tags.filter(({ key }: Inputs) => !kept.has(key));
    if (old.length > 0) await autoscaling().send(new sdk.DeleteTagsCommand({ Tags: tagsOf(id, old) }));
    await autoscaling().send(new sdk.CreateOrUpdateTagsCommand({ Tags: tagsOf(id, inputs.tags) }));
  },
  /** Drains it first, as the real provider does: without `forceDelete` AWS refuses a group that has servers. */
  async delete(id, { forceDelete = false }) {
    const none = { MinSize: 0, MaxSize: 0, DesiredCapacity: 0 };
    if (await groupOf(id)) await autoscaling().send(new sdk.UpdateAutoScalingGroupCommand({ AutoScalingGroupName: id, ...none }));
    await autoscaling().send(new sdk.DeleteAutoScalingGroupCommand({ AutoScalingGroupName: id, ForceDelete: forceDelete }));
  },
};

const hookOf = ({ name, autoscalingGroupName, lifecycleTransition, heartbeatTimeout, defaultResult }: Inputs) => ({
  AutoScalingGroupName: autoscalingGroupName,
  LifecycleHookName: name,
  LifecycleTransition: lifecycleTransition,
  HeartbeatTimeout: heartbeatTimeout,
  DefaultResult: defaultResult,
});
/** A put is for both: one that is there is changed. */
const putHook = (inputs: Inputs) => autoscaling().send(new sdk.PutLifecycleHookCommand(hookOf(inputs)));

export const lifecycleHook: AwsType = {
  async create(inputs) {
    await putHook(inputs);
    return inputs.name;
  },
  async read(id, { autoscalingGroupName: AutoScalingGroupName }) {
    const asked = { AutoScalingGroupName, LifecycleHookNames: [id] };
    const found = await gone(autoscaling().send(new sdk.DescribeLifecycleHooksCommand(asked)));
    const one = found?.LifecycleHooks?.find(({ LifecycleHookName }) => LifecycleHookName === id);
    if (!one) return undefined;
    return {
      lifecycleTransition: one.LifecycleTransition,
      heartbeatTimeout: one.HeartbeatTimeout,
      defaultResult: one.DefaultResult,
    };
  },
  update: async (_id, inputs) => void (await putHook(inputs)),
  async delete(id, { autoscalingGroupName: AutoScalingGroupName }) {
    await gone(autoscaling().send(new sdk.DeleteLifecycleHookCommand({ AutoScalingGroupName, LifecycleHookName: id })));
  },
};

const putPolicy = ({ autoscalingGroupName, policyType, targetTrackingConfiguration }: Inputs, PolicyName: string) => {
  const args = { AutoScalingGroupName: autoscalingGroupName, PolicyName, PolicyType: policyType };
  const tracking = { TargetTrackingConfiguration: toAws(targetTrackingConfiguration) as sdk.TargetTrackingConfiguration };
  return autoscaling().send(new sdk.PutScalingPolicyCommand({ ...args, ...tracking }));
};

export const policy: AwsType = {
  async create(inputs, generated) {
    const name = inputs.name ?? generated;
    await putPolicy(inputs, name);
    return name;
  },
  async read(id, { autoscalingGroupName }) {
    const asked = { AutoScalingGroupName: autoscalingGroupName, PolicyNames: [id] };
    const found = await gone(autoscaling().send(new sdk.DescribePoliciesCommand(asked)));
    const [one] = found?.ScalingPolicies ?? [];
    return one && { policyType: one.PolicyType, targetTrackingConfiguration: fromAws(one.TargetTrackingConfiguration ?? {}) };
  },
  update: async (id, inputs) => void (await putPolicy(inputs, id)),
  async delete(id, { autoscalingGroupName: AutoScalingGroupName }) {
    await autoscaling().send(new sdk.DeletePolicyCommand({ AutoScalingGroupName, PolicyName: id }));
  },
};

const past = (time: Date | string | undefined): boolean => time !== undefined && new Date(time) <= new Date();

/** As AWS refuses it; the emulator takes any time. */
export const refusePast = ({ startTime }: Inputs): void => {
  if (past(startTime)) throw new Error("ValidationError: Given start time is in the past");
};

const putSchedule = async (inputs: Inputs) => {
  refusePast(inputs);
  await autoscaling().send(
    new sdk.PutScheduledUpdateGroupActionCommand({
      AutoScalingGroupName: inputs.autoscalingGroupName,
      ScheduledActionName: inputs.scheduledActionName,
      StartTime: new Date(inputs.startTime),
      MinSize: inputs.minSize,
      MaxSize: inputs.maxSize,
      // -1: as it is.
      ...(inputs.desiredCapacity >= 0 && { DesiredCapacity: inputs.desiredCapacity }),
    }),
  );
};

export const schedule: AwsType = {
  async create(inputs) {
    await putSchedule(inputs);
    return inputs.scheduledActionName;
  },
  async read(id, { autoscalingGroupName }) {
    const asked = { AutoScalingGroupName: autoscalingGroupName, ScheduledActionNames: [id] };
    const found = await gone(autoscaling().send(new sdk.DescribeScheduledActionsCommand(asked)));
    // AWS forgets a one-time action that ran; the emulator keeps it.
    const one = found?.ScheduledUpdateGroupActions?.find(({ StartTime }) => !past(StartTime));
    return one && { startTime: fromAws({ at: one.StartTime }).at, minSize: one.MinSize, maxSize: one.MaxSize };
  },
  update: async (_id, inputs) => void (await putSchedule(inputs)),
  async delete(id, { autoscalingGroupName: AutoScalingGroupName }) {
    await autoscaling().send(new sdk.DeleteScheduledActionCommand({ AutoScalingGroupName, ScheduledActionName: id }));
  },
};
