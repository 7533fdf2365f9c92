// The images that were baked: which there are, who uses them, and away.
import { EC2Client, type Image } from "@aws-sdk/client-ec2";
import { project } from "../../../components/targets/aws/tags.ts";
import { type Access, clientOf } from "../../../provisioners/aws/access.ts";
import { instancesBy } from "../instances.ts";
import type { AwsStack } from "../stacks.ts";
import { tagsOf } from "../tagged-resource.ts";
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
    ...{ architecture: Architecture ?? "", sizeGB, wants, made: CreationDate, expiry },
  };
}

/** Those that were tested, the newest first. */
export async function bakedIn(access: Access): Promise<readonly Listed[]> {
  const Filters = [...filtersBy({ project, tested: "yes" }), { Name: "tag-key", Values: ["baked"] }];
  const found = await imagesBy(new EC2Client(clientOf(access)), Filters);
  return found.map((image) => listed(access.region, image)).sort((a, b) => b.made.localeCompare(a.made));
}

/** A sentence for each that would have nothing to start from any more. */
export async function usersOf(access: Access, { image, use }: Listed, stacks: readonly AwsStack[]): Promise<readonly string[]> {
  const running = await instancesBy(new EC2Client(clientOf(access)), [{ Name: "image-id", Values: [image] }]);
  const naming = stacks.filter(({ shape, target }) => {
    const images = [target.image, ...shape.servers.map((each) => each.image), ...shape.pools.map((each) => each.image)];
    return target.region === access.region && images.some((each) => each === use || each === image);
  });
  return [
    ...naming.map(({ name }) => `stacks/Pulumi.${name}.yaml names it`),
    ...running.map(({ InstanceId, Tags }) => `${tagsOf(Tags).Name ?? InstanceId} runs from it`),
  ];
}

export const remove = async (access: Access, { image }: Listed): Promise<void> => await removeImage(new EC2Client(clientOf(access)), image);
