// The words of the `aws` target: regions, types, images, disks. What is made of them stands in aws.ts and aws-work.ts.
import { z } from "zod";
import { AbsolutePath } from "../../../../spec/scalars.ts";

/** A string of one grammar; `what` completes the sentence "expected …". */
export const text = (pattern: RegExp, what: string) =>
  z.string({ error: `expected ${what}` }).regex(pattern, { error: `expected ${what}` });

export const Region = text(/^[a-z]{2}(?:-[a-z]+){1,3}-[1-9]$/, "an AWS region such as `ap-northeast-1`");
export const AccountId = text(/^[0-9]{12}$/, 'an AWS account in quotes, twelve digits, such as `"123456789012"`');
export const RoleArn = text(
  /^arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role\/[A-Za-z0-9+=,.@_/-]{1,512}$/,
  "a role's ARN such as `arn:aws:iam::123456789012:role/fleet`",
);
export const ExternalId = text(/^[A-Za-z0-9+=,.@:/_-]{2,1224}$/, "an external id: letters, digits and `+=,.@:/-_`");
export const PolicyArn = text(
  /^arn:aws(?:-[a-z]+)*:iam::(?:[0-9]{12}|aws):policy\/[A-Za-z0-9+=,.@_/-]{1,512}$/,
  "a policy's ARN such as `arn:aws:iam::123456789012:policy/fleet-boundary`",
);
/** `t4g.small`, `i4i.2xlarge`, `c7i-flex.large`, `u-6tb1.56xlarge`, `m5.metal-48xl`. */
export const InstanceType = text(
  /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.(?:[0-9]*[a-z]+)(?:-[0-9]+xl)?$/,
  "an EC2 instance type such as `c5.large`",
).describe("EC2 instance type");
/** As gp3 has it. What is beyond the default costs, by the month. */
export const Iops = z.int().min(3000).max(80_000).describe("IOPS of the disk (gp3); default 3000");
export const Throughput = z.int().min(125).max(2000).describe("MiB a second of the disk (gp3); default 125");

export const InstanceProfile = text(/^[A-Za-z0-9+=,.@_-]{1,128}$/, "the name of an instance profile such as `backup-writer`");
/** Those in the instance's metadata, which the fleet's servers have: EC2 refuses blanks and slashes there. */
const tagWords =
  "a tag's key without blanks or slashes, and other than Name, project, team, stack, owner, expiry, pool, volume, snapshots and aws:…";
export const TagKey = text(
  /^(?!(?:Name|project|team|stack|owner|expiry|pool|volume|snapshots)$|[Aa][Ww][Ss]:)(?!\.{1,2}$|_index$)[A-Za-z0-9_.:=+@-]{1,128}$/,
  tagWords,
);

/** The same building for every account, where a zone's name is not. */
export const ZoneId = text(/^[a-z]{2,6}[0-9]?-az[1-9][0-9]?$/, "the id of an availability zone such as `apne1-az4`");

/** Images by a name of ours; their parameters are in components/targets/aws/image.ts. */
export const imageNames = ["ubuntu-24.04", "ubuntu-22.04", "debian-12", "al2023"] as const;
/** Of an image that the fleet bakes: part of names and tags. */
export const BakedName = text(/^[a-z][a-z0-9-]{1,62}$/, "a name of 2 to 63 small letters, digits and dashes such as `web-2026-12`");
const baked = `(?:${imageNames.map((name) => name.replaceAll(".", "\\.")).join("|")})/[a-z][a-z0-9-]{1,62}`;
const imageWords = `${imageNames.map((name) => `\`${name}\``).join(", ")}, one of those baked such as \`debian-12/web\`, an AMI such as \`ami-0abc1234\` or an SSM parameter such as \`/own/image\``;
const otherImage = text(new RegExp(`^(?:${baked}|ami-[0-9a-f]{8,17}|\\/[A-Za-z0-9/._-]{3,500})$`), imageWords);
export const Image = z.union([z.enum(imageNames), otherImage], {
  error: `expected ${imageWords}`,
});

export const Email = text(/^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{3,190}$/, "an e-mail address such as `ops@example.org`");

const percent = "expected from 0 to 50 per cent";
export const Store = z
  .strictObject({
    preset: z.enum(["aws", "seeds"]).default("aws").describe("settings to begin with: AWS's own practice, or the i2.8xlarge benchmark's"),
    mountPoint: AbsolutePath.default("/data").describe("where the filesystem is; default /data"),
    overProvision: z
      .int({ error: percent })
      .min(0, { error: percent })
      .max(50, { error: percent })
      .optional()
      .describe("per cent of each disk left unpartitioned; default the preset's"),
    chunkKiB: z.int().min(4).max(65536).optional().describe("RAID chunk in KiB; default mdadm's own"),
    mkfs: z
      .array(text(/^[A-Za-z0-9=,.-]+$/, "an option of mkfs.xfs such as `-K`"))
      .optional()
      .describe("options of mkfs.xfs"),
    mountOptions: z
      .array(text(/^[A-Za-z0-9=._-]+$/, "a mount option such as `noatime`"))
      .min(1)
      .optional()
      .describe("mount options"),
  })
  .describe("the disks that come with the instance, as one XFS filesystem; gone after every stop");
