// Servers on EC2. The settings of the target; its components read nothing else.
import { z } from "zod";
import { type ParamsSchema, RoleParams } from "../../../../spec/params.ts";
import { AbsolutePath, Cidr, Identifier, Line, Port, ServerName } from "../../../../spec/scalars.ts";
import { TimeOrNever } from "../../../../spec/time.ts";
import { defaultHours } from "../expiry.ts";
import {
  AccountId,
  Email,
  ExternalId,
  Image,
  InstanceProfile,
  InstanceType,
  Iops,
  PolicyArn,
  Region,
  RoleArn,
  Store,
  TagKey,
  Throughput,
  ZoneId,
} from "./grammar.ts";
import { workWith } from "./workloads.ts";

export { InstanceType, imageNames } from "./grammar.ts";

const Volume = z
  .strictObject({
    name: Identifier.describe("its name, part of the names of what is made"),
    sizeGB: z.int().min(1).max(65536).describe("size in GB"),
    iops: Iops.optional(),
    throughput: Throughput.optional(),
    mountPoint: AbsolutePath.optional().describe(
      "where the role `base` mounts it, with a filesystem where it is blank; default it is left alone",
    ),
    blank: z
      .boolean()
      .optional()
      .describe("says that nothing is on it: one too large to be read whole (in 5 minutes) gets its filesystem; default false"),
    filesystem: z.enum(["xfs", "ext4"]).default("xfs").describe("made where the volume is blank; default xfs"),
    snapshots: z.int().min(1).max(365).optional().describe("daily snapshots to keep; default none are made"),
  })
  .describe("an EBS volume that outlives its server: protected, encrypted");

/** What may differ from server to server. */
const machine = {
  instanceType: InstanceType.optional().describe("EC2 instance type; default `c5.large`, what ISUCON hands out"),
  image: Image.optional().describe("image, pinned when the server is made; default `ubuntu-24.04`"),
  rootGB: z.int().min(8).max(16384).optional().describe("size of the root disk in GB; default 20"),
  rootIops: Iops.optional(),
  rootThroughput: Throughput.optional(),
  spot: z.boolean().optional().describe("spot instance, taken away when AWS needs it; default false"),
  elasticAddress: z.boolean().optional().describe("a public address that stays over stop and start; quota 5 a region; default false"),
  alarms: z.boolean().optional().describe("reboot, and recover where the storage allows, when EC2's checks fail; default true"),
  monitoring: z.boolean().optional().describe("EC2's metrics by the minute, at about 2 USD a month each; default every five, for nothing"),
  terminationProtection: z
    .boolean()
    .optional()
    .describe("nobody but the fleet itself can terminate the server, by mistake or as an attack; default false"),
  instanceProfile: InstanceProfile.optional().describe(
    "instance profile of IAM, by name: every process on the server gets its rights; default none",
  ),
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

const Door = z
  .strictObject({
    port: Port.describe("the port, or the first of several"),
    to: Port.optional().describe("the last of several; default `port` alone"),
    protocol: z.enum(["tcp", "udp"]).default("tcp").describe("default tcp"),
    from: z.array(Cidr).min(1).describe("networks that may use it"),
  })
  .superRefine(({ port, to = port }, context) => {
    if (to < port) context.addIssue({ code: "custom", path: ["to"], input: to, message: `expected a port from ${port} on` });
  })
  .describe("a way in beside SSH, HTTP and HTTPS");

const Budget = z
  .strictObject({
    monthly: z.number().positive().max(1_000_000).describe("USD a month"),
    emails: z.array(Email).min(1).max(10).describe("whom AWS writes to: at 50, 80 and 100 %, and where the month will come to more"),
    of: z
      .enum(["account", "stack"])
      .default("account")
      .describe(
        "whose bill: all of the account's, or what has the stack's tag, which the payer's account must have activated as a cost allocation tag; default account",
      ),
  })
  .describe("an AWS budget with alarms: AWS counts some hours late, so it stops nothing");

const own = {
  kind: z.literal("aws"),
  region: Region.describe("AWS region of all servers"),
  accountId: AccountId.optional().describe(
    "the account that all of it belongs in: with another one's credentials nothing is done; default any",
  ),
  assumeRole: RoleArn.optional().describe(
    "a role, in an account of the team's own say, by whose rights all of it is made, looked at and taken away; default those of whoever runs this",
  ),
  externalId: ExternalId.optional().describe("what the trust policy of `assumeRole` wants to hear; default none"),
  permissionsBoundary: PolicyArn.optional().describe(
    "a policy that bounds the rights of every role that the fleet makes for its servers; default none",
  ),
  profile: z
    .enum(["open", "contest"])
    .default("open")
    .describe(
      "`contest` keeps to the letter of ISUCON14's environment check: the settings that it names can't be changed, and servers have its names, addresses that stay and the right to look; default open",
    ),
  owner: Line.max(256).optional().describe("tag: whom to ask; default the team"),
  tags: z
    .record(TagKey, Line.min(1).max(256))
    .default({})
    .describe("tags beside project, team, stack, owner and expiry, on everything; default none"),
  expiresAt: TimeOrNever.optional().describe(
    `when all of it may go, or \`never\`; after it the stack can only be destroyed, and \`fleet reap\` does so; default ${defaultHours} hours after the first up`,
  ),
  vpc: z.enum(["own", "default"]).default("own").describe("a network of the team's own, or the account's default one; default own"),
  cidr: Cidr.default("192.168.0.0/16").describe("addresses of the team's own network; its first /24 is the servers'"),
  zoneId: ZoneId.optional().describe("availability zone of the servers, by id; default the region's first"),
  zones: z
    .int()
    .min(1)
    .max(4)
    .default(1)
    .describe("availability zones that the network and its pools reach over, a /24 each; servers stay in the first; default 1"),
  sshFrom: z
    .array(Cidr)
    .min(1)
    .default(["0.0.0.0/0"])
    .describe("networks that may use SSH: must be said, but for `profile: contest`, which opens it to everybody"),
  door: z
    .enum(["public", "instance-connect", "session-manager"])
    .default("public")
    .describe(
      "how SSH comes in: `public` by port 22, from `sshFrom`; the others close it, and go through AWS by IAM's rights and the AWS CLI of this computer: `instance-connect` by an endpoint that the fleet makes, `session-manager` by SSM's agent on the servers, which wants an `instanceProfile` with AmazonSSMManagedInstanceCore; default public",
    ),
  httpsFrom: z.array(Cidr).default(["0.0.0.0/0"]).describe("networks that may use HTTPS; default everywhere"),
  httpFrom: z.array(Cidr).default([]).describe("networks that may use HTTP; default none"),
  open: z.array(Door).max(20).default([]).describe("other ways in, such as `{port: 8080, from: [203.0.113.7/32]}`; default none"),
  priceLimit: z.number().positive().default(10).describe("USD an hour that all of it, pools at their largest, may cost; default 10"),
  budget: Budget.optional(),
  placement: z.enum(["cluster", "spread", "partition"]).optional().describe("placement group for all servers; default none"),
  ...machine,
  servers: z.record(ServerName, AwsServer).default({}).describe("settings of single servers, laid over the ones above"),
};

/** `params` is the schema of a pool's role parameters. */
const plainWith = (params: ParamsSchema) => z.strictObject({ ...own, ...workWith(params) });
export type AwsTarget = z.infer<ReturnType<typeof plainWith>>;

/** The contest's environment check counts every instance and interface of the network: nothing but the servers may be in it. */
function contestRules(target: AwsTarget, context: z.RefinementCtx): void {
  if (target.profile !== "contest") return;
  const wide = (networks: readonly string[]) => networks.length === 1 && networks[0] === "0.0.0.0/0";
  const network = {
    door: target.door === "public",
    vpc: target.vpc === "own",
    cidr: target.cidr === "192.168.0.0/16",
    zones: target.zones === 1,
    sshFrom: wide(target.sshFrom),
    httpsFrom: wide(target.httpsFrom),
  };
  const broken: (readonly string[])[] = Object.entries(network).flatMap(([key, right]) => (right ? [] : [[key]]));
  broken.push(...contestBreaks(target).map((key) => [key]));
  for (const key of ["pools", "pipelines", "databases", "balancers"] as const) if (Object.keys(target[key]).length > 0) broken.push([key]);
  for (const [name, server] of Object.entries(target.servers)) broken.push(...contestBreaks(server).map((key) => ["servers", name, key]));
  for (const path of broken)
    context.addIssue({
      code: "custom",
      path: [...path],
      message: "expected the default, which the contest's environment check wants; remove it",
    });
}

export const awsTargetWith = (params: ParamsSchema) =>
  plainWith(params).superRefine(contestRules).describe("servers on EC2, made by the fleet");
export const AwsTarget = awsTargetWith(RoleParams.default({}));
