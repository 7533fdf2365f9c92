// Instances and what is attached to them; launch templates.
import * as sdk from "@aws-sdk/client-ec2";
import { ec2 } from "./clients.ts";
import { addressOfHost, tellHost } from "./hosts.ts";
import { born, retag } from "./network.ts";
import { type AwsType, gone, type Inputs, renewed, tagMap } from "./type.ts";
import { refuseStop } from "./volumes.ts";
import { fromAws, toAws } from "./words.ts";

const instanceOf = async (id: string) => {
  const found = await gone(ec2().send(new sdk.DescribeInstancesCommand({ InstanceIds: [id] })));
  const one = found?.Reservations?.[0]?.Instances?.[0];
  return one?.State?.Name === "terminated" || one?.State?.Name === "shutting-down" ? undefined : one;
};

/** A stopped instance has none; the emulator lets it keep its own. */
const associated = ({ State, PublicIpAddress }: sdk.Instance): boolean => State?.Name === "running" && PublicIpAddress !== undefined;

async function mapsPublic(subnetId: string): Promise<boolean | undefined> {
  const { Subnets } = await ec2().send(new sdk.DescribeSubnetsCommand({ SubnetIds: [subnetId] }));
  return Subnets?.[0]?.MapPublicIpOnLaunch;
}

async function rootDevice(ami: string): Promise<string> {
  const { Images } = await ec2().send(new sdk.DescribeImagesCommand({ ImageIds: [ami] }));
  return Images?.[0]?.RootDeviceName ?? "/dev/sda1";
}

/** Written by itself: the emulator takes it with no launch. */
const protect = (InstanceId: string, on = false) =>
  ec2().send(new sdk.ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: on } }));

async function isProtected(InstanceId: string): Promise<boolean | undefined> {
  const asked = { InstanceId, Attribute: "disableApiTermination" } as const;
  return (await ec2().send(new sdk.DescribeInstanceAttributeCommand(asked))).DisableApiTermination?.Value;
}

const sizeChange = async (InstanceId: string, instanceType: string): Promise<void> => {
  await refuseStop(InstanceId);
  await ec2().send(new sdk.StopInstancesCommand({ InstanceIds: [InstanceId] }));
  await tellHost(InstanceId, "stop");
  await ec2().send(new sdk.ModifyInstanceAttributeCommand({ InstanceId, InstanceType: { Value: instanceType } }));
  await ec2().send(new sdk.StartInstancesCommand({ InstanceIds: [InstanceId] }));
  await tellHost(InstanceId, "start");
};

/** Those that were attached later outlive it, and are free; the emulator keeps them attached to what is gone. */
async function freeVolumes(id: string): Promise<void> {
  const one = await instanceOf(id);
  const later = (one?.BlockDeviceMappings ?? []).filter(({ DeviceName }) => DeviceName !== one?.RootDeviceName);
  for (const { Ebs } of later) await gone(ec2().send(new sdk.DetachVolumeCommand({ VolumeId: Ebs?.VolumeId, InstanceId: id })));
}

export const instance: AwsType = {
  async create(inputs) {
    const { ami, instanceType, subnetId, vpcSecurityGroupIds, privateIp, userData, rootBlockDevice, metadataOptions, tags } = inputs;
    const { tags: _, ...disk } = rootBlockDevice;
    // An interface that came with its instance goes with it; the emulator wants to be told.
    const nic = {
      DeviceIndex: 0,
      SubnetId: subnetId,
      Groups: vpcSecurityGroupIds,
      AssociatePublicIpAddress: inputs.associatePublicIpAddress ?? (await mapsPublic(subnetId)),
      DeleteOnTermination: true,
    };
    const { Instances } = await ec2().send(
      new sdk.RunInstancesCommand({
        ImageId: ami,
        InstanceType: instanceType,
        MinCount: 1,
        MaxCount: 1,
        NetworkInterfaces: [{ ...nic, ...(privateIp && { PrivateIpAddress: privateIp }) }],
        BlockDeviceMappings: [{ DeviceName: await rootDevice(ami), Ebs: toAws(disk) as sdk.EbsBlockDevice }],
        Monitoring: { Enabled: inputs.monitoring ?? false },
        MetadataOptions: toAws(metadataOptions),
        ...(inputs.instanceMarketOptions && { InstanceMarketOptions: toAws(inputs.instanceMarketOptions) }),
        UserData: Buffer.from(userData).toString("base64"),
        ...born("instance", tags),
      }),
    );
    const { InstanceId = "", BlockDeviceMappings = [] } = Instances?.[0] ?? {};
    const [root] = BlockDeviceMappings;
    if (inputs.disableApiTermination) await protect(InstanceId, true);
    if (root?.Ebs?.VolumeId) await retag(root.Ebs.VolumeId, rootBlockDevice.tags);
    await tellHost(InstanceId, "start");
    return InstanceId;
  },
  async read(id) {
    const one = await instanceOf(id);
    if (!one) return undefined;
    return {
      ami: one.ImageId,
      instanceType: one.InstanceType,
      subnetId: one.SubnetId,
      privateIp: one.PrivateIpAddress,
      publicIp: one.State?.Name !== "running" ? "" : ((await addressOfHost(id, tagMap(one.Tags).Name ?? "")) ?? one.PublicIpAddress),
      vpcSecurityGroupIds: one.NetworkInterfaces?.[0]?.Groups?.map(({ GroupId }) => GroupId),
      associatePublicIpAddress: associated(one),
      primaryNetworkInterfaceId: one.NetworkInterfaces?.[0]?.NetworkInterfaceId,
      availabilityZone: one.Placement?.AvailabilityZone,
      metadataOptions: fromAws(one.MetadataOptions ?? {}),
      // Not `monitoring`: the emulator can't change it.
      disableApiTermination: await isProtected(id),
      tags: tagMap(one.Tags),
    };
  },
  async update(id, { instanceType, vpcSecurityGroupIds, disableApiTermination, tags }, olds) {
    if (instanceType !== olds.instanceType) await sizeChange(id, instanceType);
    await ec2().send(new sdk.ModifyInstanceAttributeCommand({ InstanceId: id, Groups: vpcSecurityGroupIds }));
    if (disableApiTermination !== olds.disableApiTermination) await protect(id, disableApiTermination);
    await retag(id, tags, olds.tags);
  },
  async delete(id, { forceDestroy }) {
    if (forceDestroy) await protect(id, false);
    await freeVolumes(id);
    await ec2().send(new sdk.TerminateInstancesCommand({ InstanceIds: [id] }));
    await tellHost(id, "terminate");
  },
};

export const eip: AwsType = {
  async create({ instance: InstanceId, tags }) {
    const { AllocationId = "" } = await ec2().send(new sdk.AllocateAddressCommand({ Domain: "vpc", ...born("elastic-ip", tags) }));
    if (InstanceId) await ec2().send(new sdk.AssociateAddressCommand({ AllocationId, InstanceId }));
    return AllocationId;
  },
  async read(id) {
    const found = await gone(ec2().send(new sdk.DescribeAddressesCommand({ AllocationIds: [id] })));
    const [one] = found?.Addresses ?? [];
    return one && { publicIp: one.PublicIp, allocationId: id, instance: one.InstanceId, domain: one.Domain, tags: tagMap(one.Tags) };
  },
  async update(id, { instance: InstanceId, tags }, olds) {
    if (InstanceId) await ec2().send(new sdk.AssociateAddressCommand({ AllocationId: id, InstanceId, AllowReassociation: true }));
    await retag(id, tags, olds.tags);
  },
  async delete(id) {
    const { Addresses } = await ec2().send(new sdk.DescribeAddressesCommand({ AllocationIds: [id] }));
    const AssociationId = Addresses?.[0]?.AssociationId;
    if (AssociationId) await gone(ec2().send(new sdk.DisassociateAddressCommand({ AssociationId })));
    await ec2().send(new sdk.ReleaseAddressCommand({ AllocationId: id }));
  },
};

/** One tag on something that another resource brought along. */
export const tag: AwsType = {
  async create({ resourceId, key, value }) {
    await retag(resourceId, { [key]: value });
    return `${resourceId},${key}`;
  },
  async read(id) {
    const [resourceId = "", key = ""] = id.split(",");
    const filters = [
      { Name: "resource-id", Values: [resourceId] },
      { Name: "key", Values: [key] },
    ];
    const { Tags } = await ec2().send(new sdk.DescribeTagsCommand({ Filters: filters }));
    return Tags?.[0] && { resourceId, key, value: Tags[0].Value };
  },
  update: (_id, { resourceId, key, value }) => retag(resourceId, { [key]: value }),
  delete: (_id, { resourceId, key, value }) => retag(resourceId, {}, { [key]: value }),
};

const rename = { securityGroups: "Groups" };
const dataKeys = [
  "imageId",
  "instanceType",
  "userData",
  "iamInstanceProfile",
  "networkInterfaces",
  "blockDeviceMappings",
  "metadataOptions",
  "monitoring",
  "tagSpecifications",
  "instanceInitiatedShutdownBehavior",
] as const;
const dataOf = (inputs: Inputs) =>
  toAws(Object.fromEntries(dataKeys.flatMap((key) => (inputs[key] === undefined ? [] : [[key, inputs[key]]]))), rename);

async function nextVersion(LaunchTemplateId: string, inputs: Inputs): Promise<void> {
  const made = await ec2().send(new sdk.CreateLaunchTemplateVersionCommand({ LaunchTemplateId, LaunchTemplateData: dataOf(inputs) }));
  const DefaultVersion = String(made.LaunchTemplateVersion?.VersionNumber);
  await ec2().send(new sdk.ModifyLaunchTemplateCommand({ LaunchTemplateId, DefaultVersion }));
}

export const launchTemplate: AwsType = {
  // Tags of its own make no version: updateKeys of ec2_launch_template.go.
  renews: { outputs: ["latestVersion", "defaultVersion"], inputs: dataKeys },
  async create(inputs, name) {
    const args = { LaunchTemplateName: inputs.name ?? name, LaunchTemplateData: dataOf(inputs), ...born("launch-template", inputs.tags) };
    const { LaunchTemplate } = await ec2().send(new sdk.CreateLaunchTemplateCommand(args));
    return LaunchTemplate?.LaunchTemplateId ?? "";
  },
  async read(id) {
    const found = await gone(ec2().send(new sdk.DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [id] })));
    const [one] = found?.LaunchTemplates ?? [];
    if (!one) return undefined;
    const asked = { LaunchTemplateId: id, Versions: ["$Latest"] };
    const { LaunchTemplateVersions } = await ec2().send(new sdk.DescribeLaunchTemplateVersionsCommand(asked));
    const [version] = LaunchTemplateVersions ?? [];
    const { TagSpecifications, ...data } = version?.LaunchTemplateData ?? {};
    // The emulator counts the template's own tags to those of what it launches.
    const launched = TagSpecifications?.filter(({ ResourceType }) => ResourceType !== "launch-template");
    return {
      ...fromAws({ ...data, TagSpecifications: launched }, rename),
      name: one.LaunchTemplateName,
      latestVersion: one.LatestVersionNumber,
      defaultVersion: one.DefaultVersionNumber,
      tags: tagMap(one.Tags),
    };
  },
  async update(id, inputs, olds) {
    if (renewed(launchTemplate, olds, inputs).length > 0) await nextVersion(id, inputs);
    await retag(id, inputs.tags, olds.tags);
  },
  delete: async (id) => void (await ec2().send(new sdk.DeleteLaunchTemplateCommand({ LaunchTemplateId: id }))),
};
