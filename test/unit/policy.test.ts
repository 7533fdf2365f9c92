// The rules of the policy pack: every golden fleet passes them, and each is broken by what it is there for.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as rules from "../../policy/rules.ts";

const goldens = join(import.meta.dirname, "../golden/aws");

interface Resource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const resourcesIn = (file: string): readonly Resource[] =>
  Object.entries(parse(readFileSync(join(goldens, file), "utf8")) as Readonly<Record<string, Resource["inputs"]>>).map(([key, inputs]) => {
    const [type = "", name = ""] = key.split(" ");
    return { type, name, inputs: inputs ?? {} };
  });

const before = new Date("2026-11-30T00:00:00Z");
const after = new Date("2026-12-02T00:00:00Z");
const all = (contest: boolean, now = before): readonly rules.Rule[] => [
  rules.noOpenSsh(contest),
  rules.encrypted,
  rules.onlyImdsV2,
  rules.tagged,
  rules.notExpired(now),
  rules.atLeastOne,
  rules.noKeysInSight,
];
const judged = (resources: readonly Resource[], of: readonly rules.Rule[]): readonly string[] =>
  resources.flatMap(({ type, name, inputs }) => of.flatMap((rule) => rule(type, inputs).map((sentence) => `${name}: ${sentence}`)));

const files = readdirSync(goldens).filter((file) => file.endsWith(".yaml"));

describe("golden fleets", () => {
  test.for(files)("%s breaks no rule", (file) => {
    const resources = resourcesIn(file);
    expect(resources.length).toBeGreaterThan(0);
    expect(judged(resources, all(true))).toEqual([]);
    expect(rules.bucketsShut(resources)).toEqual([]);
  });

  test("outside of a contest, SSH from everywhere is refused", () => {
    expect(judged(resourcesIn("fleet-contest.yaml"), all(false))).toEqual([
      expect.stringContaining("expected SSH from named networks, got it from everywhere"),
    ]);
  });

  test("after its end a stack can't be changed", () => {
    const sentences = judged(resourcesIn("fleet-storage.yaml"), all(true, after));
    expect(sentences.length).toBeGreaterThan(5);
    expect(sentences[0]).toContain("expired at 2026-12-01T09:00:00Z; next: ./fleet down");
  });
});

const group = "aws:ec2/securityGroup:SecurityGroup";
const instance = "aws:ec2/instance:Instance";

describe("each rule refuses", () => {
  const ingress = (more: object) => ({ ingress: [{ protocol: "tcp", fromPort: 22, toPort: 22, ...more }] });

  test.for([
    ["one port to everybody", ingress({ cidrBlocks: ["0.0.0.0/0"] })],
    ["a range around it, over IPv6", ingress({ fromPort: 0, toPort: 1024, ipv6CidrBlocks: ["::/0"] })],
    ["all protocols", ingress({ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] })],
  ] as const)("open SSH: %s", ([, props]) => {
    expect(rules.noOpenSsh(false)(group, props)).toHaveLength(1);
    expect(rules.noOpenSsh(true)(group, props)).toEqual([]);
  });

  test("open SSH, but not HTTPS from everywhere nor SSH from an office", () => {
    expect(rules.noOpenSsh(false)(group, ingress({ fromPort: 443, toPort: 443, cidrBlocks: ["0.0.0.0/0"] }))).toEqual([]);
    expect(rules.noOpenSsh(false)(group, ingress({ cidrBlocks: ["203.0.113.0/24"] }))).toEqual([]);
    expect(
      rules.noOpenSsh(false)("aws:ec2/securityGroupRule:SecurityGroupRule", { type: "egress", protocol: "-1", cidrBlocks: ["0.0.0.0/0"] }),
    ).toEqual([]);
  });

  test("disks in the clear, a root disk that nothing is said of, and queues", () => {
    expect(rules.encrypted(instance, { rootBlockDevice: { encrypted: true }, ebsBlockDevices: [{ encrypted: false }] })).toHaveLength(1);
    expect(rules.encrypted(instance, {})).toEqual(["expected the root disk to be encrypted, got `nothing`"]);
    expect(rules.encrypted("aws:ebs/volume:Volume", {})).toHaveLength(1);
    expect(rules.encrypted("aws:sqs/queue:Queue", {})).toHaveLength(1);
    expect(rules.encrypted("aws:rds/instance:Instance", { storageEncrypted: false })).toHaveLength(1);
  });

  test("IMDSv1, and a hop that a container can take", () => {
    expect(rules.onlyImdsV2(instance, {})).toHaveLength(2);
    expect(rules.onlyImdsV2(instance, { metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 2 } })).toEqual([
      "expected a hop limit of 1, got `2`",
    ]);
  });

  test("what does not say whose it is", () => {
    expect(rules.tagged("aws:ec2/vpc:Vpc", { tags: { project: "contest-fleet", team: "a" } })).toEqual([
      "expected the tags project, team, stack, owner, expiry, got none of the name stack, owner, expiry",
    ]);
  });

  test("an expiry that is no time", () => {
    expect(rules.notExpired(before)("aws:ec2/vpc:Vpc", { tags: { expiry: "soon" } })).toHaveLength(1);
    expect(rules.notExpired(after)("aws:ec2/vpc:Vpc", { tags: { expiry: "never" } })).toEqual([]);
  });

  test("groups and schedules that shrink to nothing", () => {
    expect(rules.atLeastOne("aws:autoscaling/group:Group", { minSize: 0, desiredCapacity: 1 })).toEqual([
      "expected minSize of at least 1, got `0`",
    ]);
    expect(rules.atLeastOne("aws:autoscaling/schedule:Schedule", { minSize: 0, desiredCapacity: 0 })).toHaveLength(2);
    expect(rules.atLeastOne("aws:autoscaling/schedule:Schedule", { minSize: -1, maxSize: 4 })).toEqual([]);
  });

  test("keys where the console shows them, but not in user data", () => {
    const key = `AKIA${"A".repeat(16)}`;
    expect(rules.noKeysInSight(instance, { tags: { note: key } })).toEqual(["expected no key in the clear, got one in `tags`"]);
    expect(rules.noKeysInSight(instance, { userData: key })).toEqual([]);
  });

  test("a fleet above the limit, and one whose price nobody knows", () => {
    const storage = resourcesIn("fleet-storage.yaml");
    expect(rules.withinPrice(storage, "us-east-1", 1_000)).toEqual([]);
    expect(rules.withinPrice(storage, "us-east-1", 0.5)).toEqual([expect.stringMatching(/^expected at most 0\.5 USD an hour, got \d/)]);
    const rare = storage.map((each) => ({ ...each, inputs: { ...each.inputs, instanceType: "x9.unheard" } }));
    expect(rules.withinPrice(rare, "us-east-1", 1_000)).toEqual([]);
    const dear = storage.map((each) => ({ ...each, inputs: { ...each.inputs, instanceType: "p5.48xlarge" } }));
    expect(rules.withinPrice(dear, "us-east-1", 100)).toEqual([
      expect.stringMatching(/got up to \d+: no price is known of \S+: p5\.48xlarge/),
    ]);
  });

  test("a pool counts at its largest, its event's hours included", () => {
    const pool = resourcesIn("pool-many.yaml");
    const usual = pool.filter(({ type }) => !type.endsWith(":Schedule"));
    const bigger = pool.map((each) => (each.type.endsWith(":Group") ? { ...each, inputs: { ...each.inputs, maxSize: 40 } } : each));
    expect(rules.withinPrice(usual, "us-east-1", 1)).toEqual([]);
    expect(rules.withinPrice(pool, "us-east-1", 1)).toHaveLength(1);
    expect(rules.withinPrice(pool, "us-east-1", 3)).toEqual([]);
    expect(rules.withinPrice(bigger, "us-east-1", 3)).toHaveLength(1);
  });

  test("buckets without their encryption", () => {
    expect(rules.bucketsShut([{ type: "aws:s3/bucket:Bucket", name: "b", inputs: {} }])).toHaveLength(2);
  });
});
