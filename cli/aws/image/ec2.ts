// What a bake asks of EC2: images of instances, instances of images, and all of it away again.
import * as ec2 from "@aws-sdk/client-ec2";
import { project } from "../../../components/targets/aws/tags.ts";
import { sleep } from "../../../provisioners/ssh/retry.ts";
import { UserError } from "../../../spec/problem.ts";
import { instancesBy } from "../instances.ts";
import { all, type Tags, tagsOf } from "../tagged-resource.ts";

export const listOf = (tags: Tags): ec2.Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
const born = (tags: Tags, ...kinds: ec2.ResourceType[]): ec2.TagSpecification[] =>
  kinds.map((ResourceType) => ({ ResourceType, Tags: listOf(tags) }));
export const filtersBy = (tags: Tags): ec2.Filter[] =>
  Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));

/** Asks until the answer is there. Throws a UserError when the time is over, or at once where `look` throws one. */
async function until<T>(what: string, seconds: number, signal: AbortSignal | undefined, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (let pause = 1000; ; pause = Math.min(10_000, pause * 1.5)) {
    signal?.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new UserError(`expected ${what} within ${seconds / 60} minutes, got none; next: the same again`);
    await sleep(pause, signal);
  }
}

/** Seconds. A first snapshot of a large disk takes long; AWS writes it to S3 whole. */
const patience = { image: 3600, start: 900, stop: 900, gone: 900, group: 300 };

export const imagesBy = async (client: ec2.EC2Client, Filters: ec2.Filter[]): Promise<readonly ec2.Image[]> =>
  await all(ec2.paginateDescribeImages({ client }, { Filters, Owners: ["self"] }), (page) => page.Images);

export const snapshotsIn = ({ BlockDeviceMappings = [] }: ec2.Image): readonly string[] =>
  BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);

export interface ImageWish {
  readonly instance: ec2.Instance;
  readonly name: string;
  readonly tags: Tags;
  /** As it runs; else AWS would restart it. */
  readonly noReboot: boolean;
}

/** The root disk alone: data volumes outlive servers, and an image of them would be a copy of the data. */
export async function makeImage(client: ec2.EC2Client, { instance, name, tags, noReboot }: ImageWish): Promise<string> {
  const others = (instance.BlockDeviceMappings ?? []).filter(({ DeviceName }) => DeviceName !== instance.RootDeviceName);
  const { ImageId = "" } = await client.send(
    new ec2.CreateImageCommand({
      InstanceId: instance.InstanceId,
      Name: name,
      NoReboot: noReboot,
      BlockDeviceMappings: others.map(({ DeviceName }) => ({ DeviceName, NoDevice: "" })),
      TagSpecifications: born(tags, "image", "snapshot"),
    }),
  );
  return ImageId;
}

export async function untilImage(client: ec2.EC2Client, id: string, signal: AbortSignal): Promise<ec2.Image> {
  return await until(`the image ${id}`, patience.image, signal, async () => {
    const [image] = await imagesBy(client, [{ Name: "image-id", Values: [id] }]);
    if (image?.State === "failed" || image?.State === "error")
      throw new UserError(`expected the image ${id}, got AWS's word: ${image.StateReason?.Message ?? image.State}`);
    return image?.State === "available" ? image : undefined;
  });
}

/** Lets SSH in, and nothing out: what runs on a copy of a server must not speak to what the server speaks to. */
export async function makeGroup(
  client: ec2.EC2Client,
  { name, VpcId, tags }: { readonly name: string; readonly VpcId: string; readonly tags: Tags },
): Promise<string> {
  const Description = "copies of servers while an image is baked";
  const made = await client.send(
    new ec2.CreateSecurityGroupCommand({ GroupName: name, VpcId, Description, TagSpecifications: born(tags, "security-group") }),
  );
  return made.GroupId ?? "";
}

export async function closeGroup(client: ec2.EC2Client, GroupId: string, from: readonly string[]): Promise<void> {
  const out = [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }];
  await client.send(new ec2.RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: out }));
  const ssh = { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: from.map((CidrIp) => ({ CidrIp })) };
  await client.send(new ec2.AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [ssh] }));
}

export interface CopyWish {
  readonly of: ec2.Instance;
  readonly image: ec2.Image;
  readonly GroupId: string;
  /** In clear. */
  readonly userData: string;
  readonly tags: Tags;
}

/** As large as the server, since its services are measured for it; without its rights. */
export async function startCopy(client: ec2.EC2Client, { of, image, GroupId, userData, tags }: CopyWish): Promise<string> {
  const { Instances = [] } = await client.send(
    new ec2.RunInstancesCommand({
      ImageId: image.ImageId,
      InstanceType: of.InstanceType,
      MinCount: 1,
      MaxCount: 1,
      SubnetId: of.SubnetId,
      SecurityGroupIds: [GroupId],
      UserData: Buffer.from(userData).toString("base64"),
      MetadataOptions: { HttpEndpoint: "enabled", HttpTokens: "required", HttpPutResponseHopLimit: 1, InstanceMetadataTags: "enabled" },
      TagSpecifications: born(tags, "instance", "volume", "network-interface"),
    }),
  );
  return Instances[0]?.InstanceId ?? "";
}

const one = async (client: ec2.EC2Client, id: string): Promise<ec2.Instance | undefined> =>
  (await instancesBy(client, [{ Name: "instance-id", Values: [id] }]))[0];

/** With its address. */
export const untilRuns = (client: ec2.EC2Client, id: string, signal: AbortSignal): Promise<ec2.Instance> =>
  until(`the server ${id} to run`, patience.start, signal, async () => {
    const found = await one(client, id);
    return found?.State?.Name === "running" ? found : undefined;
  });

export async function stopped(client: ec2.EC2Client, id: string, signal: AbortSignal): Promise<ec2.Instance> {
  await client.send(new ec2.StopInstancesCommand({ InstanceIds: [id] }));
  return await until(`the server ${id} to stop`, patience.stop, signal, async () => {
    const found = await one(client, id);
    return found?.State?.Name === "stopped" ? found : undefined;
  });
}

/** What a bake makes on its way. */
export interface Made {
  readonly instances: string[];
  readonly images: string[];
  readonly groups: string[];
  readonly snapshots: string[];
}
export const nothing = (): Made => ({ instances: [], images: [], groups: [], snapshots: [] });
export const countOf = ({ instances, images, groups, snapshots }: Made): number =>
  instances.length + images.length + groups.length + snapshots.length;

const gone = /NotFound|InvalidAMIID\.Unavailable/;

/** Each by itself. Returns a sentence for each that AWS did not let go. */
export async function takeAway(client: ec2.EC2Client, { instances, images, groups, snapshots }: Made): Promise<readonly string[]> {
  const failures: string[] = [];
  const each = async (id: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      const { name, message } = error as Error;
      if (!gone.test(name)) failures.push(`${id}: expected it gone, got ${name}: ${message}`);
    }
  };
  for (const id of instances) await each(id, async () => await client.send(new ec2.TerminateInstancesCommand({ InstanceIds: [id] })));
  for (const id of images) await each(id, async () => await removeImage(client, id));
  for (const SnapshotId of snapshots) await each(SnapshotId, async () => await client.send(new ec2.DeleteSnapshotCommand({ SnapshotId })));
  // A group goes when nobody is in it any more.
  if (groups.length > 0)
    for (const id of instances)
      await each(id, async () => {
        await until(`the server ${id} to be gone`, patience.gone, undefined, async () => ((await one(client, id)) ? undefined : true));
      });
  for (const GroupId of groups)
    await each(
      GroupId,
      async () => await until(`the group ${GroupId} to be gone`, patience.group, undefined, () => removed(client, GroupId)),
    );
  return failures;
}

/** Undefined while AWS still has an interface of its last instance, which goes some seconds later. */
async function removed(client: ec2.EC2Client, GroupId: string): Promise<true | undefined> {
  try {
    await client.send(new ec2.DeleteSecurityGroupCommand({ GroupId }));
    return true;
  } catch (error) {
    if ((error as Error).name === "DependencyViolation") return undefined;
    throw error;
  }
}

/** With its snapshots, which AWS keeps otherwise. */
export async function removeImage(client: ec2.EC2Client, ImageId: string): Promise<void> {
  const [image] = await imagesBy(client, [{ Name: "image-id", Values: [ImageId] }]);
  if (!image) return;
  await client.send(new ec2.DeregisterImageCommand({ ImageId }));
  for (const SnapshotId of snapshotsIn(image)) await client.send(new ec2.DeleteSnapshotCommand({ SnapshotId }));
}

export interface Left extends Made {
  /** `ada@laptop`, of each that is there. */
  readonly bakers: readonly string[];
}

/** What bakes of this stack made on their way that is still there: of one that was killed, or that is at work. */
export async function leftBy(client: ec2.EC2Client, stack: string, mark: string): Promise<Left> {
  const Filters = [...filtersBy({ project, stack }), { Name: "tag-key", Values: [mark] }];
  const [instances, images, snapshots, groups] = await Promise.all([
    instancesBy(client, Filters),
    imagesBy(client, Filters),
    all(ec2.paginateDescribeSnapshots({ client }, { Filters, OwnerIds: ["self"] }), (page) => page.Snapshots),
    all(ec2.paginateDescribeSecurityGroups({ client }, { Filters }), (page) => page.SecurityGroups),
  ]);
  // One that was tested is whole, whatever its last tags say.
  const whole = images.filter(({ Tags }) => tagsOf(Tags).tested !== undefined).flatMap(snapshotsIn);
  const unfinished = images.filter(({ Tags }) => tagsOf(Tags).tested === undefined);
  const own = unfinished.flatMap(snapshotsIn);
  const tags = [...instances, ...unfinished, ...groups].map(({ Tags }) => tagsOf(Tags).baker ?? "somebody");
  return {
    instances: instances.flatMap(({ InstanceId }) => InstanceId ?? []),
    images: unfinished.flatMap(({ ImageId }) => ImageId ?? []),
    // An image's own go with it.
    snapshots: snapshots.flatMap(({ SnapshotId: id = "" }) => (whole.includes(id) || own.includes(id) ? [] : [id])),
    groups: groups.flatMap(({ GroupId }) => GroupId ?? []),
    bakers: [...new Set(tags)],
  };
}

/** The image and its snapshots get these, and lose the mark of a bake that is under way. */
export async function finish(client: ec2.EC2Client, image: ec2.Image, tags: Tags, marks: readonly string[]): Promise<void> {
  const Resources = [image.ImageId ?? "", ...snapshotsIn(image)];
  await client.send(new ec2.CreateTagsCommand({ Resources, Tags: listOf(tags) }));
  await client.send(new ec2.DeleteTagsCommand({ Resources, Tags: marks.map((Key) => ({ Key })) }));
}
