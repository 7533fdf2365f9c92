// The images that were baked: which there are, who uses them, and away.
import { DescribeLaunchTemplateVersionsCommand, EC2Client, type Image, paginateDescribeLaunchTemplates } from "@aws-sdk/client-ec2";
import { snapshotPerGBMonth } from "../../../components/targets/aws/cost.ts";
import { project } from "../../../components/targets/aws/tags.ts";
import { type Access, clientOf } from "../../../provisioners/aws/access.ts";
import { instancesBy } from "../instances.ts";
import type { AwsStack } from "../stacks.ts";
import { all, tagsOf } from "../tagged-resource.ts";
import { filtersBy, imagesBy, removeImage } from "./ec2.ts";

export interface Listed {
  readonly region: string;
  readonly image: string;
  /** As a stack file names it: `debian-12/web`. */
  readonly use: string;
  readonly name: string;
  readonly team: string;
  readonly stack: string;
  readonly server: string;
  readonly roles: readonly string[];
  readonly architecture: string;
  /** Of its root disk. */
  readonly sizeGB: number;
  /** USD that its snapshot costs at most; AWS counts the blocks that hold something. */
  readonly perMonth: number;
  readonly wants: string;
  readonly made: string;
  /** ISO 8601, or `never`. */
  readonly expiry: string;
}

function listed(region: string, { ImageId = "", Architecture, CreationDate = "", BlockDeviceMappings = [], Tags }: Image): Listed {
  const { baked = "", base = "", team = "", stack = "", server = "", roles = "", wants = "", expiry = "never" } = tagsOf(Tags);
  const sizeGB = BlockDeviceMappings.reduce((sum, { Ebs }) => sum + (Ebs?.VolumeSize ?? 0), 0);
  return {
    ...{ region, image: ImageId, use: `${base}/${baked}`, name: baked, team, stack, server, roles: roles.split(" ") },
    ...{
      architecture: Architecture ?? "",
      sizeGB,
      perMonth: Math.round(sizeGB * snapshotPerGBMonth * 100) / 100,
      wants,
      made: CreationDate,
      expiry,
    },
  };
}

/** Those that were tested, the newest first. */
export async function bakedIn(access: Access): Promise<readonly Listed[]> {
  const Filters = [...filtersBy({ project, tested: "yes" }), { Name: "tag-key", Values: ["baked"] }];
  const found = await imagesBy(new EC2Client(clientOf(access)), Filters);
  return found.map((image) => listed(access.region, image)).sort((a, b) => b.made.localeCompare(a.made));
}

/** Launch templates of the fleet's whose next server would start from the image: a pool's, also one that has no server just now. */
async function templatesFrom(client: EC2Client, image: string): Promise<readonly string[]> {
  const templates = await all(
    paginateDescribeLaunchTemplates({ client }, { Filters: filtersBy({ project }) }),
    (page) => page.LaunchTemplates,
  );
  const newest = await Promise.all(
    templates.map(async ({ LaunchTemplateId, LaunchTemplateName = "" }) => {
      const asked = new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions: ["$Latest"] });
      const { LaunchTemplateVersions: [version] = [] } = await client.send(asked);
      return version?.LaunchTemplateData?.ImageId === image ? [LaunchTemplateName] : [];
    }),
  );
  return newest.flat();
}

/** A sentence for each that would have nothing to start from any more. */
export async function usersOf(access: Access, { image, use }: Listed, stacks: readonly AwsStack[]): Promise<readonly string[]> {
  const client = new EC2Client(clientOf(access));
  const [running, templates] = await Promise.all([
    instancesBy(client, [{ Name: "image-id", Values: [image] }]),
    templatesFrom(client, image),
  ]);
  const naming = stacks.filter(({ shape, target }) => {
    const images = [target.image, ...shape.servers.map((each) => each.image), ...shape.pools.map((each) => each.image)];
    return target.region === access.region && images.some((each) => each === use || each === image);
  });
  return [
    ...naming.map(({ name }) => `stacks/Pulumi.${name}.yaml names it`),
    ...running.map(({ InstanceId, Tags }) => `${tagsOf(Tags).Name ?? InstanceId} runs from it`),
    ...templates.map((name) => `the launch template ${name} of a pool starts from it`),
  ];
}

export const remove = async (access: Access, { image }: Listed): Promise<void> => await removeImage(new EC2Client(clientOf(access)), image);
