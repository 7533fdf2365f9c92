// A pool of one server in the emulator of AWS, with the user data and hooks that the component gives it. The emulator starts no server:
// the test does, with what the emulator kept.
import * as groups from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import { groupOf } from "../../components/targets/aws/pool-args.ts";
import { base64 } from "../../components/targets/aws/user-data.ts";
import { type WorkerBoot, workerUserData } from "../../components/targets/aws/worker-boot.ts";
import { region } from "./aws-emulator.ts";
import type { Credentials, Instance } from "./metadata-service.ts";

/** What is particular to a case; its name is the group's and its host's too. */
export type PoolWish = Partial<WorkerBoot> & Pick<WorkerBoot, "plan"> & { readonly name: string };

const zone = `${region}a`;
const instanceType = "c5.large";

const hooksOf = (name: string) => ({ launchHook: `${name}-launch`, drainHook: `${name}-drain` });

/** Byte for byte what the component puts into its launch template. */
export function userDataOf({ name, ...more }: PoolWish, authorizedKey: string): string {
  const boot = { region, group: name, ...hooksOf(name), drain: "systemctl stop fleet-work.service", fence: 0, ...more };
  return workerUserData({ server: name, admin: "fleet-admin", distribution: "debian", authorizedKey }, boot);
}

async function makeTemplate(name: string, UserData: string): Promise<string> {
  const client = new ec2.EC2Client({ region });
  const { Images = [] } = await client.send(new ec2.DescribeImagesCommand({}));
  const ImageId = Images.find(({ Architecture, Platform }) => Architecture === "x86_64" && !Platform)?.ImageId;
  const LaunchTemplateData = { ImageId, InstanceType: instanceType, UserData } as const;
  const args = { LaunchTemplateName: name, LaunchTemplateData };
  const { LaunchTemplate } = await client.send(new ec2.CreateLaunchTemplateCommand(args));
  return LaunchTemplate!.LaunchTemplateId!;
}

async function makeGroup(name: string, LaunchTemplateId: string): Promise<string> {
  const wish = { name, size: { min: 1, max: 1 }, tags: {} as never, ...hooksOf(name), patience: { boot: 900, drain: 600 } };
  const { initialLifecycleHooks } = groupOf({ ...wish, single: true, scheduled: false });
  const client = new groups.AutoScalingClient({ region });
  await client.send(
    new groups.CreateAutoScalingGroupCommand({
      AutoScalingGroupName: name,
      MinSize: 1,
      MaxSize: 1,
      AvailabilityZones: [zone],
      LaunchTemplate: { LaunchTemplateId, Version: "1" },
    }),
  );
  // The emulator drops the hooks that a group is created with.
  for (const { name: LifecycleHookName, lifecycleTransition, heartbeatTimeout, defaultResult } of initialLifecycleHooks) {
    const hook = { LifecycleTransition: lifecycleTransition, HeartbeatTimeout: heartbeatTimeout, DefaultResult: defaultResult };
    await client.send(new groups.PutLifecycleHookCommand({ AutoScalingGroupName: name, LifecycleHookName, ...hook }));
  }
  const { AutoScalingGroups } = await client.send(new groups.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
  return AutoScalingGroups![0]!.Instances![0]!.InstanceId!;
}

/** Returns what the metadata service has to say to its server: the user data is the emulator's, read back. */
export async function makePool(wish: PoolWish, authorizedKey: string, credentials: Credentials): Promise<Instance> {
  const { name } = wish;
  const LaunchTemplateId = await makeTemplate(name, base64(userDataOf(wish, authorizedKey)));
  const id = await makeGroup(name, LaunchTemplateId);
  const client = new ec2.EC2Client({ region });
  const { LaunchTemplateVersions } = await client.send(new ec2.DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId }));
  const userData = LaunchTemplateVersions![0]!.LaunchTemplateData!.UserData!;
  return { id, type: instanceType, zone, userData, role: { name, credentials }, target: "InService" };
}
