// Data volumes, what attaches them, and their daily snapshots; placement groups.
import * as lifecycle from "@aws-sdk/client-dlm";
import * as sdk from "@aws-sdk/client-ec2";
import { dlm, ec2 } from "./clients.ts";
import { born, retag } from "./network.ts";
import { type AwsType, gone, type Inputs, tagMap } from "./type.ts";
import { fromAws, toAws } from "./words.ts";

const volumeOf = async (id: string) =>
  (await gone(ec2().send(new sdk.DescribeVolumesCommand({ VolumeIds: [id] }))))?.Volumes?.find(({ State }) => State !== "deleted");

export const volume: AwsType = {
  async create({ availabilityZone: AvailabilityZone, size: Size, type: VolumeType, encrypted: Encrypted, iops: Iops, throughput, tags }) {
    const args = { AvailabilityZone, Size, VolumeType, Encrypted, Iops, Throughput: throughput, ...born("volume", tags) };
    return (await ec2().send(new sdk.CreateVolumeCommand(args))).VolumeId ?? "";
  },
  async read(id) {
    const one = await volumeOf(id);
    if (!one) return undefined;
    const { AvailabilityZone: availabilityZone, Size: size, VolumeType: type, Encrypted: encrypted, Tags } = one;
    return { availabilityZone, size, type, encrypted, iops: one.Iops, throughput: one.Throughput, tags: tagMap(Tags) };
  },
  async update(id, { size: Size, type: VolumeType, iops: Iops, throughput: Throughput, tags }, olds) {
    const same = Size === olds.size && VolumeType === olds.type && Iops === olds.iops && Throughput === olds.throughput;
    if (!same) await ec2().send(new sdk.ModifyVolumeCommand({ VolumeId: id, Size, VolumeType, Iops, Throughput }));
    await retag(id, tags, olds.tags);
  },
  /** The last snapshot has the volume's tags, as the real provider gives them. */
  async delete(id, { finalSnapshot, tags }) {
    if (finalSnapshot) await ec2().send(new sdk.CreateSnapshotCommand({ VolumeId: id, ...born("snapshot", tags) }));
    await ec2().send(new sdk.DeleteVolumeCommand({ VolumeId: id }));
  },
};

/** As AWS refuses it; the emulator stops any. */
export async function refuseStop(id: string): Promise<void> {
  const { Reservations } = await ec2().send(new sdk.DescribeInstancesCommand({ InstanceIds: [id] }));
  if (Reservations?.[0]?.Instances?.[0]?.InstanceLifecycle === "spot")
    throw new Error(
      `UnsupportedOperation: You can't stop the Spot Instance '${id}' because it is associated with a one-time Spot Instance request`,
    );
}

export const volumeAttachment: AwsType = {
  async create({ instanceId: InstanceId, volumeId: VolumeId, deviceName: Device }) {
    // As AWS refuses it; the emulator would take it from the other instance.
    const [held] = (await volumeOf(VolumeId))?.Attachments ?? [];
    if (held) throw new Error(`VolumeInUse: ${VolumeId} is already attached to an instance`);
    await ec2().send(new sdk.AttachVolumeCommand({ InstanceId, VolumeId, Device }));
    return `${Device}:${VolumeId}:${InstanceId}`;
  },
  async read(id) {
    const [Device, VolumeId = "", InstanceId] = id.split(":");
    const one = (await volumeOf(VolumeId))?.Attachments?.find((each) => each.InstanceId === InstanceId && each.Device === Device);
    return one && { instanceId: InstanceId, volumeId: VolumeId, deviceName: Device };
  },
  /** Leaves the instance stopped, as the real provider does. */
  async delete(_id, { instanceId: InstanceId, volumeId: VolumeId, stopInstanceBeforeDetaching }) {
    if (stopInstanceBeforeDetaching) await refuseStop(InstanceId);
    if (stopInstanceBeforeDetaching) await ec2().send(new sdk.StopInstancesCommand({ InstanceIds: [InstanceId] }));
    await ec2().send(new sdk.DetachVolumeCommand({ VolumeId, InstanceId }));
  },
};

/** One schedule's `times` is a word with Pulumi and a list with AWS. */
function policyOf({ description: Description, executionRoleArn: ExecutionRoleArn, policyDetails, tags: Tags }: Inputs) {
  const { schedules, targetTags, ...rest } = policyDetails;
  const Schedules = schedules.map(({ createRule: { times, ...rule }, ...schedule }: Inputs) =>
    toAws({ ...schedule, createRule: { ...rule, times: [times] } }),
  );
  const TargetTags = Object.entries(targetTags).map(([Key, Value]) => ({ Key, Value: String(Value) }));
  return {
    Description,
    ExecutionRoleArn,
    State: "ENABLED" as const,
    PolicyDetails: { ...(toAws(rest) as object), Schedules, TargetTags },
    Tags,
  };
}

export const lifecyclePolicy: AwsType = {
  async create(inputs) {
    return (await dlm().send(new lifecycle.CreateLifecyclePolicyCommand(policyOf(inputs)))).PolicyId ?? "";
  },
  async read(id) {
    const found = await gone(dlm().send(new lifecycle.GetLifecyclePolicyCommand({ PolicyId: id })));
    if (!found?.Policy) return undefined;
    const { PolicyDetails, Tags: tags, ...rest } = found.Policy;
    const { schedules = [], targetTags: _, ...details } = fromAws(PolicyDetails ?? {});
    const shown = schedules.map(({ createRule, ...schedule }: Inputs) => {
      return { ...schedule, createRule: { ...createRule, times: createRule.times?.[0] } };
    });
    const policyDetails = { ...details, schedules: shown, targetTags: tagMap(PolicyDetails?.TargetTags) };
    return { ...fromAws(rest), policyDetails, tags };
  },
  async update(id, inputs) {
    const { Tags: _, ...policy } = policyOf(inputs);
    await dlm().send(new lifecycle.UpdateLifecyclePolicyCommand({ PolicyId: id, ...policy }));
  },
  delete: async (id) => void (await dlm().send(new lifecycle.DeleteLifecyclePolicyCommand({ PolicyId: id }))),
};

/** Remembered: the emulator has none. Its name is its id. */
export const placementGroup: AwsType = {
  create: async (inputs, name) => inputs.name ?? name,
  read: async (id) => ({ name: id }),
  update: async () => {},
  delete: async () => {},
};
