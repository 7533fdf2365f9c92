// What must hold of a fleet's resources, as plain predicates: a list of sentences, empty where all is well. main.ts hands them to Pulumi.

import { everywhere } from "../components/targets/aws/network-rules.ts";
import { type Priced, priceOf } from "../components/targets/aws/resource-price.ts";
import { ownTagKeys } from "../components/targets/aws/tags.ts";
import { isMap } from "../spec/path.ts";
import { typed } from "../spec/typed.ts";

export type Props = Readonly<Record<string, unknown>>;

/** Judges one resource by its type and inputs. */
export type Rule = (type: string, props: Props) => readonly string[];

const anywhere = [everywhere, "::/0"];
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);
const maps = (value: unknown): readonly Props[] => list(value).filter(isMap);
const says = (holds: boolean, sentence: string): readonly string[] => (holds ? [] : [sentence]);

const ssh = 22;

function opensSsh({ protocol, ipProtocol, fromPort, toPort, cidrBlocks, ipv6CidrBlocks, cidrIpv4, cidrIpv6 }: Props): boolean {
  const all = ["-1", "all"].includes(String(protocol ?? ipProtocol));
  const hasPort = all || (Number(fromPort) <= ssh && ssh <= Number(toPort));
  const networks = [cidrBlocks, ipv6CidrBlocks, cidrIpv4, cidrIpv6].flatMap(list);
  return hasPort && networks.some((network) => anywhere.includes(String(network)));
}

/** The contest's own check wants SSH from everywhere; nobody else does without having said so (`sshFrom`). */
export const noOpenSsh =
  (contest: boolean): Rule =>
  (type, props) => {
    const rules: Readonly<Record<string, readonly Props[]>> = {
      "aws:ec2/securityGroup:SecurityGroup": maps(props.ingress),
      "aws:ec2/securityGroupRule:SecurityGroupRule": props.type === "ingress" ? [props] : [],
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": [props],
    };
    const open = (rules[type] ?? []).some(opensSsh);
    return says(
      contest || !open,
      "expected SSH from named networks, got it from everywhere; next: set `target.sshFrom`, or `profile: contest`",
    );
  };

const isTrue = (value: unknown): boolean => value === true || value === "true";

/** Disks, databases, queues and what a launch template brings. Buckets are encrypted by a resource of their own: `bucketsEncrypted`. */
export const encrypted: Rule = (type, props) => {
  const say = (what: string, value: unknown) => says(isTrue(value), `expected ${what} to be encrypted, got \`${value ?? "nothing"}\``);
  switch (type) {
    case "aws:ec2/instance:Instance": {
      const disks = [...maps(props.rootBlockDevice), ...maps(props.ebsBlockDevices)];
      return [
        ...(maps(props.rootBlockDevice).length > 0 ? [] : say("the root disk", undefined)),
        ...disks.flatMap((disk) => say("each disk", disk.encrypted)),
      ];
    }
    case "aws:ebs/volume:Volume":
      return say("the volume", props.encrypted);
    case "aws:ec2/launchTemplate:LaunchTemplate":
      return maps(props.blockDeviceMappings).flatMap(({ ebs }) => maps(ebs).flatMap((disk) => say("each disk", disk.encrypted)));
    case "aws:rds/instance:Instance":
      return say("the database", props.storageEncrypted);
    case "aws:sqs/queue:Queue":
      return says(
        isTrue(props.sqsManagedSseEnabled) || props.kmsMasterKeyId !== undefined,
        "expected the queue to be encrypted, got neither `sqsManagedSseEnabled` nor `kmsMasterKeyId`",
      );
    default:
      return [];
  }
};

/** IMDSv2 alone, out of reach of containers and proxies. */
export const onlyImdsV2: Rule = (type, props) => {
  if (type !== "aws:ec2/instance:Instance" && type !== "aws:ec2/launchTemplate:LaunchTemplate") return [];
  const [options = {}] = maps(props.metadataOptions);
  return [
    ...says(
      options.httpTokens === "required",
      `expected IMDSv2 alone (\`httpTokens: required\`), got \`${options.httpTokens ?? "nothing"}\``,
    ),
    ...says(
      Number(options.httpPutResponseHopLimit) === 1,
      `expected a hop limit of 1, got \`${options.httpPutResponseHopLimit ?? "nothing"}\``,
    ),
  ];
};

/** By what AWS can tag of what the fleet makes. */
const taggable: ReadonlySet<string> = new Set([
  "aws:lb/loadBalancer:LoadBalancer",
  "aws:lb/targetGroup:TargetGroup",
  "aws:lb/listener:Listener",
  "aws:autoscaling/group:Group",
  "aws:budgets/budget:Budget",
  "aws:cloudwatch/logGroup:LogGroup",
  "aws:cloudwatch/metricAlarm:MetricAlarm",
  "aws:dlm/lifecyclePolicy:LifecyclePolicy",
  "aws:ebs/volume:Volume",
  "aws:ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint",
  ...[
    "eip:Eip",
    "instance:Instance",
    "internetGateway:InternetGateway",
    "launchTemplate:LaunchTemplate",
    "placementGroup:PlacementGroup",
  ].map(ec2),
  ...["securityGroup:SecurityGroup", "subnet:Subnet", "vpc:Vpc"].map(ec2),
  "aws:iam/instanceProfile:InstanceProfile",
  "aws:iam/role:Role",
  "aws:rds/instance:Instance",
  "aws:rds/parameterGroup:ParameterGroup",
  "aws:rds/subnetGroup:SubnetGroup",
  "aws:s3/bucket:Bucket",
  "aws:sns/topic:Topic",
  "aws:sqs/queue:Queue",
]);

function ec2(name: string): string {
  return `aws:ec2/${name}`;
}

/** A group's tags are a list, everybody else's a map. */
export function tagsIn(props: Props): Props {
  if (!Array.isArray(props.tags)) return isMap(props.tags) ? props.tags : {};
  return Object.fromEntries(maps(props.tags).map(({ key, value }) => [String(key), value]));
}

export const tagged: Rule = (type, props) => {
  if (!taggable.has(type)) return [];
  const tags = tagsIn(props);
  const missing = ownTagKeys.filter((key) => tags[key] === undefined || tags[key] === "");
  return says(missing.length === 0, `expected the tags ${ownTagKeys.join(", ")}, got none of the name ${missing.join(", ")}`);
};

/** A destroy asks no policy: so this leaves nothing but that. */
export const notExpired =
  (now: Date): Rule =>
  (_type, props) => {
    const { expiry } = tagsIn(props);
    if (typeof expiry !== "string" || expiry === "never") return [];
    const end = Date.parse(expiry);
    if (Number.isNaN(end)) return [`expected the tag \`expiry\` to be a time or \`never\`, got \`${expiry}\``];
    return says(
      end > now.getTime(),
      `expected a stack that is not over, got one that expired at ${expiry}; next: ${typed()} down, or move \`target.expiresAt\``,
    );
  };

/** A group that may shrink to nothing is how an attacker, or a schedule, switches an event off. */
export const atLeastOne: Rule = (type, { minSize, desiredCapacity }) => {
  const sizes = { minSize, desiredCapacity };
  // A schedule leaves out what it does not change, or says -1 for it.
  const least = type === "aws:autoscaling/schedule:Schedule" ? -1 : undefined;
  if (type !== "aws:autoscaling/group:Group" && least === undefined) return [];
  return Object.entries(sizes).flatMap(([name, size]) =>
    says(size === undefined || size === least || Number(size) >= 1, `expected ${name} of at least 1, got \`${size}\``),
  );
};

/**
 * Of everything that has a known price, an hour, in USD. A server of a type without one counts at what it can't be more than; what else has
 * none is named where the price is shown.
 */
export function withinPrice(resources: readonly Priced[], region: string, limit: number): readonly string[] {
  const { perHour, atMost, unknown } = priceOf(resources, region);
  const next = "next: smaller or fewer servers, or raise `target.priceLimit`";
  if (perHour > limit) return [`expected at most ${limit} USD an hour, got ${perHour}; ${next}`];
  return says(
    atMost <= limit,
    `expected at most ${limit} USD an hour, got up to ${Math.ceil(atMost)}: no price is known of ${unknown.join(", ")}; ${next}`,
  );
}

/** Each bucket has a resource that encrypts it, and one that keeps the public out. */
export function bucketsShut(resources: readonly Priced[]): readonly string[] {
  const count = (type: string) => resources.filter((each) => each.type === type).length;
  const buckets = count("aws:s3/bucket:Bucket");
  const [sse, shut] = [
    count("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"),
    count("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"),
  ];
  return [
    ...says(sse >= buckets, `expected ${buckets} buckets to be encrypted, got ${sse}`),
    ...says(shut >= buckets, `expected ${buckets} buckets to be private, got ${shut}`),
  ];
}

const keyShapes = [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, /\bAKIA[0-9A-Z]{16}\b/, /\bASIA[0-9A-Z]{16}\b/];

const outOfSight = ["userData", "userDataBase64", "password", "content", "contentBase64"];

/** Keys that stand where the console shows them: names, descriptions, tags, policies. User data is a secret of its own. */
export const noKeysInSight: Rule = (type, props) => {
  if (!type.startsWith("aws:")) return [];
  const inSight = Object.keys(props).filter((name) => !outOfSight.includes(name));
  const found = inSight.filter((name) => keyShapes.some((shape) => shape.test(textOf(props, name))));
  return says(found.length === 0, `expected no key in the clear, got one in ${found.map((name) => `\`${name}\``).join(", ")}`);
};

/** Empty for what is known only when it is made: the up asks again. */
function textOf(props: Props, name: string): string {
  try {
    return JSON.stringify(props[name]) ?? "";
  } catch (error) {
    if (error instanceof Error && error.constructor.name === "UnknownValueError") return "";
    throw error;
  }
}
