// A contest's environment check, to the letter: one set of rules makes the stack, and says what of a real fleet breaks them.
import { type Doors, everywhere, type Flow, teamFlows } from "./network-rules.ts";

export interface ContestRules {
  /** In the whole VPC: a fourth one, even a monitor, disqualifies. */
  readonly maxInstances: number;
  readonly instanceType: string;
  /** The only volume of each instance. */
  readonly disk: { readonly type: string; readonly sizeGB: number };
  readonly interfaces: number;
  /** TCP ports, each open to exactly this network: no narrower one, no IPv6, prefix list or group beside it. */
  readonly open: readonly number[];
  readonly openTo: string;
  readonly vpc: string;
  /** The servers' subnet: all protocols from it. */
  readonly subnet: string;
  /** Of the name by which the check tells a server, its number: `isucon14-contest-1`. */
  readonly namePrefix: string;
  /** What the check, which runs on a server, asks EC2 with the server's own rights. */
  readonly actions: readonly string[];
}

/** Of ISUCON14's `isucon-env-checker`. AMI and zone differ by contest and are given beside it. */
export const isucon14: ContestRules = {
  maxInstances: 3,
  instanceType: "c5.large",
  disk: { type: "gp3", sizeGB: 20 },
  interfaces: 1,
  open: [22, 443],
  openTo: everywhere,
  vpc: "192.168.0.0/16",
  subnet: "192.168.0.0/24",
  namePrefix: "isucon14-contest-",
  actions: ["Instances", "Volumes", "NetworkInterfaces", "SecurityGroups", "AvailabilityZones"].map((what) => `ec2:Describe${what}`),
};

/** What makes the stack. The check allows more doors beside them. */
export const contestDoors = ({ openTo, subnet }: ContestRules): Doors => ({ sshFrom: [openTo], httpsFrom: [openTo], team: [subnet] });
const contestFlows = (rules: ContestRules): readonly Flow[] => teamFlows(contestDoors(rules));

/** A rule of a security group as EC2 states it: all that it lets in or out, in one place. */
export interface SeenRule {
  readonly direction: "in" | "out";
  /** `tcp`, `udp`, or `-1` for all. */
  readonly protocol: string;
  readonly fromPort: number;
  readonly toPort: number;
  /** Networks of IPv4. */
  readonly networks: readonly string[];
  /** IPv6 networks, prefix lists and groups, by name. */
  readonly others: readonly string[];
}

export interface SeenInstance {
  readonly id: string;
  readonly type: string;
  readonly ami: string;
  /** `apne1-az4` */
  readonly zoneId: string;
  readonly volumes: readonly { readonly id: string; readonly type: string; readonly sizeGB: number }[];
  readonly interfaces: readonly string[];
  readonly rules: readonly SeenRule[];
}

/** The VPC as it is. */
export interface SeenFleet {
  readonly instances: readonly SeenInstance[];
  /** All network interfaces of the VPC, whoever's. */
  readonly interfaces: readonly string[];
}

export interface Expected {
  /** @default whatever is there */
  readonly ami?: string;
  /** @default whatever is there */
  readonly zoneId?: string;
}

const ruleText = ({ protocol, fromPort, toPort }: Pick<SeenRule, "protocol" | "fromPort" | "toPort">) =>
  protocol === "-1" ? "all protocols" : `${fromPort === toPort ? fromPort : `${fromPort}-${toPort}`}/${protocol}`;

/** Rules wanted by the check: each must be there with exactly its network. Other ingress rules beside them are allowed. */
function missingRules(rules: ContestRules, { rules: seen }: SeenInstance): readonly string[] {
  return contestFlows(rules).flatMap(({ direction, peer, protocol, ports: [fromPort, toPort] }) => {
    const wanted = { protocol: protocol === "all" ? "-1" : protocol, fromPort, toPort };
    const same = seen.filter((rule) => rule.direction === direction && rule.protocol === wanted.protocol);
    const on = wanted.protocol === "-1" ? same : same.filter((rule) => rule.fromPort === fromPort && rule.toPort === toPort);
    if (on.some(({ networks, others }) => others.length === 0 && networks.length === 1 && networks[0] === peer)) return [];
    const got = on.map(({ networks, others }) => [...networks, ...others].join(" ")).join("; ") || "nothing";
    return [`expected ${ruleText(wanted)} ${direction === "in" ? "from" : "to"} exactly \`${peer}\`, got \`${got}\``];
  });
}

function wrongInstance(rules: ContestRules, expected: Expected, instance: SeenInstance): readonly string[] {
  const { volumes } = instance;
  const differs = (what: string, want: string | undefined, got: string) =>
    want === undefined || want === got ? [] : [`expected ${what} \`${want}\`, got \`${got}\``];
  const disk = (each: { type: string; sizeGB: number }) => `${each.type} of ${each.sizeGB} GB`;
  return [
    ...differs("type", rules.instanceType, instance.type),
    ...differs("AMI", expected.ami, instance.ami),
    ...differs("zone", expected.zoneId, instance.zoneId),
    ...differs("volumes", disk(rules.disk), volumes.map(disk).join(", ") || "none"),
    ...differs("interfaces", String(rules.interfaces), String(instance.interfaces.length)),
    ...missingRules(rules, instance),
  ];
}

/** A reason to be disqualified. */
export interface Breach {
  /** An instance's id, or `VPC`. */
  readonly subject: string;
  readonly sentence: string;
}

/** None means that the check would pass. */
export function verifyContest(rules: ContestRules, expected: Expected, { instances, interfaces }: SeenFleet): readonly Breach[] {
  const known = new Set(instances.flatMap((instance) => instance.interfaces));
  const strangers = interfaces.filter((each) => !known.has(each));
  const many = `expected at most ${rules.maxInstances} instances, got ${instances.length}; a helper belongs outside of it`;
  const ofVpc = [
    ...(instances.length > rules.maxInstances ? [many] : []),
    ...strangers.map((each) => `expected no interface but the servers' own, got \`${each}\``),
  ];
  return [
    ...ofVpc.map((sentence) => ({ subject: "VPC", sentence })),
    ...instances.flatMap((instance) => wrongInstance(rules, expected, instance).map((sentence) => ({ subject: instance.id, sentence }))),
  ];
}
