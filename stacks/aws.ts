// Servers on EC2. The settings of the target; its components read nothing else.
import { z } from "zod";
import { AbsolutePath, Cidr, Identifier, Line, ServerName } from "./scalars.ts";

const text = (pattern: RegExp, what: string) => z.string({ error: `expected ${what}` }).regex(pattern, { error: `expected ${what}` });

export const Region = text(/^[a-z]{2}(?:-[a-z]+){1,3}-[1-9]$/, "an AWS region such as `ap-northeast-1`");
/** `t4g.small`, `i4i.2xlarge`, `c7i-flex.large`, `u-6tb1.56xlarge`, `m5.metal-48xl`. */
export const InstanceType = text(
  /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.(?:[0-9]*[a-z]+)(?:-[0-9]+xl)?$/,
  "an EC2 instance type such as `c5.large`",
).describe("EC2 instance type");
/** The same building for every account, where a zone's name is not. */
const ZoneId = text(/^[a-z]{2,6}[0-9]?-az[1-9][0-9]?$/, "the id of an availability zone such as `apne1-az4`");

/** Images by a name of ours; their parameters are in components/aws/image.ts. */
export const imageNames = ["ubuntu-24.04", "ubuntu-22.04", "debian-12", "al2023"] as const;
const imageWords = `${imageNames.map((name) => `\`${name}\``).join(", ")}, an AMI such as \`ami-0abc1234\` or an SSM parameter such as \`/own/image\``;
const Image = z.union([z.enum(imageNames), text(/^(?:ami-[0-9a-f]{8,17}|\/[A-Za-z0-9/._-]{3,500})$/, imageWords)], {
  error: `expected ${imageWords}`,
});

const percent = "expected from 0 to 50 per cent";
const Store = z
  .strictObject({
    preset: z.enum(["aws", "seeds"]).default("aws").describe("settings to begin with: AWS's own practice, or the i2.8xlarge benchmark's"),
    mountPoint: AbsolutePath.default("/data").describe("where the filesystem is; default /data"),
    overProvision: z.int({ error: percent }).min(0, { error: percent }).max(50, { error: percent }).optional(),
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

const Volume = z
  .strictObject({
    name: Identifier.describe("its name, part of the names of what is made"),
    sizeGB: z.int().min(1).max(65536).describe("size in GB"),
    snapshots: z.int().min(1).max(365).optional().describe("daily snapshots to keep; default none are made"),
  })
  .describe("an EBS volume that outlives its server: protected, encrypted");

/** What may differ from server to server. */
const machine = {
  instanceType: InstanceType.optional().describe("EC2 instance type; default `c5.large`, what ISUCON hands out"),
  image: Image.optional().describe("image, pinned when the server is made; default `ubuntu-24.04`"),
  rootGB: z.int().min(8).max(16384).optional().describe("size of the root disk in GB; default 20"),
  spot: z.boolean().optional().describe("spot instance, taken away when AWS needs it; default false"),
  elasticAddress: z.boolean().optional().describe("a public address that stays over stop and start; quota 5 a region; default false"),
  alarms: z.boolean().optional().describe("reboot, and recover where the storage allows, when EC2's checks fail; default true"),
  store: Store.optional(),
  volumes: z.array(Volume).max(6).optional().describe("EBS volumes beside the root disk; default none"),
};
export const AwsServer = z.strictObject(machine).describe("one server where it differs from the others");
export type AwsServer = z.infer<typeof AwsServer>;

/** What ISUCON14's environment check allows: nothing else may be set. */
const contestBreaks = ({ instanceType = "c5.large", rootGB = 20, store, volumes = [] }: AwsServer): readonly string[] => [
  ...(instanceType === "c5.large" ? [] : ["instanceType"]),
  ...(rootGB === 20 ? [] : ["rootGB"]),
  ...(store ? ["store"] : []),
  ...(volumes.length === 0 ? [] : ["volumes"]),
];

export const AwsTarget = z
  .strictObject({
    kind: z.literal("aws"),
    region: Region.describe("AWS region of all servers"),
    profile: z
      .enum(["open", "contest"])
      .default("open")
      .describe("`contest` keeps to the letter of ISUCON14's environment check: the settings that it names can't be changed; default open"),
    owner: Line.max(256).optional().describe("tag: whom to ask; default the team"),
    expiresAt: z.iso
      .datetime({ error: "expected a time in UTC such as `2026-12-01T09:00:00Z`" })
      .optional()
      .describe("tag: when all of it may go; after it the stack can only be destroyed; default never"),
    vpc: z.enum(["own", "default"]).default("own").describe("a network of the team's own, or the account's default one; default own"),
    cidr: Cidr.default("192.168.0.0/16").describe("addresses of the team's own network; its first /24 is the servers'"),
    zoneId: ZoneId.optional().describe("availability zone of the servers, by id; default the region's first"),
    sshFrom: z.array(Cidr).min(1).default(["0.0.0.0/0"]).describe("networks that may use SSH; default everywhere"),
    httpsFrom: z.array(Cidr).default(["0.0.0.0/0"]).describe("networks that may use HTTPS; default everywhere"),
    httpFrom: z.array(Cidr).default([]).describe("networks that may use HTTP; default none"),
    placement: z.enum(["cluster", "spread", "partition"]).optional().describe("placement group for all servers; default none"),
    ...machine,
    servers: z.record(ServerName, AwsServer).default({}).describe("settings of single servers, laid over the ones above"),
  })
  .superRefine((target, context) => {
    if (target.profile !== "contest") return;
    const wide = (networks: readonly string[]) => networks.length === 1 && networks[0] === "0.0.0.0/0";
    const network = {
      vpc: target.vpc === "own",
      cidr: target.cidr === "192.168.0.0/16",
      sshFrom: wide(target.sshFrom),
      httpsFrom: wide(target.httpsFrom),
    };
    const broken: (readonly string[])[] = Object.entries(network).flatMap(([key, right]) => (right ? [] : [[key]]));
    broken.push(...contestBreaks(target).map((key) => [key]));
    for (const [name, server] of Object.entries(target.servers)) broken.push(...contestBreaks(server).map((key) => ["servers", name, key]));
    for (const path of broken)
      context.addIssue({
        code: "custom",
        path: [...path],
        message: "expected the default, which the contest's environment check wants; remove it",
      });
  })
  .describe("servers on EC2, made by the fleet");
export type AwsTarget = z.infer<typeof AwsTarget>;
