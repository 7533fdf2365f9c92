// A contest's environment check: what the rules make passes it, and each thing that would disqualify is named.
import { describe, expect, test } from "vitest";
import { isucon14, type SeenFleet, verifyContest } from "../../components/targets/aws/contest.ts";
import { AwsTarget } from "../../components/targets/aws/settings/target.ts";
import { shapeOf } from "../../components/targets/aws/shape.ts";
import { awsAnswers } from "../support/aws-answers.ts";
import { asked, fleet } from "../support/aws-samples.ts";
import { mockPulumi, type Registered } from "../support/mock-pulumi.ts";

describe("the contest's check", () => {
  const seen = (resources: readonly Registered[]): SeenFleet => {
    const of = (type: string) =>
      resources.filter((each) => each.type === type).map(({ name, inputs }) => ({ name, ...(inputs as Record<string, never>) }));
    const group = of("aws:ec2/securityGroup:SecurityGroup")[0] as unknown as Record<
      "ingress" | "egress",
      { protocol: string; fromPort: number; toPort: number; cidrBlocks: string[] }[]
    >;
    const rules = (["ingress", "egress"] as const).flatMap((side) =>
      group[side].map(({ cidrBlocks, protocol, fromPort, toPort }) => ({
        direction: side === "ingress" ? ("in" as const) : ("out" as const),
        protocol,
        fromPort,
        toPort,
        networks: cidrBlocks,
        others: [],
      })),
    );
    const attached = of("aws:ec2/volumeAttachment:VolumeAttachment") as unknown as { instanceId: string; volumeId: string }[];
    const instances = (
      of("aws:ec2/instance:Instance") as unknown as {
        name: string;
        instanceType: string;
        ami: string;
        rootBlockDevice: { volumeType: string; volumeSize: number };
      }[]
    ).map(({ name, instanceType: type, ami, rootBlockDevice }) => ({
      id: name,
      type,
      ami,
      zoneId: String((of("aws:ec2/subnet:Subnet")[0] as unknown as { availabilityZoneId: string }).availabilityZoneId),
      volumes: [
        { id: "root", type: rootBlockDevice.volumeType, sizeGB: rootBlockDevice.volumeSize },
        ...attached
          .filter(({ instanceId }) => instanceId === `${name}-id`)
          .map(({ volumeId }) => ({ id: volumeId, type: "gp3", sizeGB: 1 })),
      ],
      interfaces: [`${name}-eni`],
      rules,
    }));
    return { instances, interfaces: instances.flatMap((each) => each.interfaces) };
  };
  const stack = async (more: object, names: readonly string[]) =>
    seen((await mockPulumi(fleet("team-a", asked(more, names)), awsAnswers)).resources);

  test("passes what its own rules make", async () => {
    const made = await stack({ profile: "contest", zoneId: "apne1-az4" }, ["isu1", "isu2", "isu3"]);
    expect(verifyContest(isucon14, { zoneId: "apne1-az4", ami: made.instances[0]!.ami }, made)).toEqual([]);
  });

  test("finds what it asks for on the server: the name that it knows, a public address that stays, and the right to look", async () => {
    const of = async (more: object) =>
      (await mockPulumi(fleet("team-a", asked({ zoneId: "apne1-az4", ...more }, ["web", "db"])), awsAnswers)).resources;
    const made = await of({ profile: "contest", servers: { db: { instanceProfile: "own" } } });
    const all = (type: string) => made.filter((each) => each.type === type).map(({ inputs }) => inputs);
    const instances = all("aws:ec2/instance:Instance");
    expect(instances.map(({ tags, iamInstanceProfile }) => [(tags as { Name: string }).Name, iamInstanceProfile])).toEqual([
      ["isucon14-contest-2", "own"],
      ["isucon14-contest-1", expect.stringContaining("check")],
    ]);
    expect(all("aws:ec2/eip:Eip")).toHaveLength(2);
    const [{ policy = "" } = {}] = all("aws:iam/rolePolicy:RolePolicy") as { policy?: string }[];
    expect(JSON.parse(policy).Statement).toEqual([expect.objectContaining({ Action: isucon14.actions, Resource: "*" })]);
    expect(isucon14.actions.every((action) => action.startsWith("ec2:Describe"))).toBe(true);
    const open = await of({ sshFrom: ["203.0.113.0/24"] });
    expect(open.filter(({ type }) => /^aws:(iam|ec2\/eip)/.test(type))).toEqual([]);
  });

  test("names each thing that would disqualify an open stack", async () => {
    const more = {
      instanceType: "c5.xlarge",
      rootGB: 30,
      sshFrom: ["203.0.113.0/24"],
      servers: { isu1: { volumes: [{ name: "extra", sizeGB: 1 }] } },
    };
    const made = await stack(more, ["isu1", "isu2", "isu3", "monitor"]);
    const breaches = verifyContest(isucon14, { zoneId: "apne1-az1" }, { ...made, interfaces: [...made.interfaces, "eni-stranger"] });
    expect(breaches.slice(0, 6).map(({ subject, sentence }) => `${subject}: ${sentence}`)).toEqual([
      "VPC: expected at most 3 instances, got 4; a helper belongs outside of it",
      "VPC: expected no interface but the servers' own, got `eni-stranger`",
      expect.stringMatching(/^team-a-isu1: expected type `c5.large`, got `c5.xlarge`$/),
      expect.stringMatching(/^team-a-isu1: expected volumes `gp3 of 20 GB`, got `gp3 of 30 GB, gp3 of 1 GB`$/),
      expect.stringMatching(/^team-a-isu1: expected 22\/tcp from exactly `0.0.0.0\/0`, got `203.0.113.0\/24`$/),
      expect.stringMatching(/^team-a-isu2: expected type/),
    ]);
  });

  test("refuses a fourth server, and every setting that the check forbids", () => {
    expect(() => shapeOf(asked({ profile: "contest" }, ["a", "b", "c", "d"]))).toThrow("expected at most 3 in a contest's network, got 4");
    const forbidden = {
      instanceType: "c5.xlarge",
      rootGB: 30,
      cidr: "10.0.0.0/16",
      vpc: "default",
      sshFrom: ["203.0.113.0/24"],
      servers: { isu1: { store: {} } },
    };
    const { error } = AwsTarget.safeParse({ kind: "aws", region: "ap-northeast-1", profile: "contest", ...forbidden });
    expect(error?.issues.map(({ path }) => path.join("."))).toEqual([
      "vpc",
      "cidr",
      "sshFrom",
      "instanceType",
      "rootGB",
      "servers.isu1.store",
    ]);
  });
});
