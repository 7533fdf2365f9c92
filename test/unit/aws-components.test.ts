// Each AWS component: the whole set of what it registers, as a golden file, and properties over fleets nobody thought of.
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Database } from "../../components/targets/aws/database.ts";
import { usable } from "../../components/targets/aws/facts/cidr.ts";
import { serverSubnet } from "../../components/targets/aws/facts/servers.ts";
import { instanceType } from "../../components/targets/aws/facts/types.ts";
import { Network } from "../../components/targets/aws/network.ts";
import { teamFlows } from "../../components/targets/aws/network-rules.ts";
import { Pipeline } from "../../components/targets/aws/pipeline.ts";
import type { WorkerPoolArgs } from "../../components/targets/aws/pool-args.ts";
import { ownTagKeys } from "../../components/targets/aws/tags.ts";
import { thumbnailPlan } from "../../components/targets/aws/thumbnails.ts";
import { WorkerPool } from "../../components/targets/aws/worker-pool.ts";
import { awsAnswers } from "../support/aws-answers.ts";
import { asked, fleet, ownership } from "../support/aws-samples.ts";
import { expectGolden } from "../support/golden.ts";
import { mockPulumi, promised, type Registered } from "../support/mock-pulumi.ts";
import { goldenText, untagged } from "../support/registered.ts";

const pool: Omit<WorkerPoolArgs, "ownership" | "plan"> = {
  region: "ap-northeast-1",
  types: [instanceType("c7a.large")],
  image: "ubuntu-24.04",
  subnetIds: ["subnet-1", "subnet-2"],
  securityGroupId: "sg-1",
  admin: "fleet-admin",
  authorizedKey: "ssh-ed25519 AAAA fleet",
  size: { min: 1, max: 4 },
};
const place = { vpcId: "vpc-1", subnetIds: ["subnet-1", "subnet-2"], securityGroupId: "sg-1" };

const samples: Readonly<Record<string, () => Promise<readonly Registered[]>>> = {
  "network-two-zones": async () => {
    const flows = teamFlows({ team: ["192.168.0.0/16"], sshFrom: ["203.0.113.0/24"] });
    return (await mockPulumi(() => new Network("net", { ownership, flows, zoneIds: ["apne1-az4", "apne1-az1"] }), awsAnswers)).resources;
  },
  "fleet-contest": async () =>
    (await mockPulumi(fleet("team-a", asked({ profile: "contest", zoneId: "apne1-az4" }, ["isu1", "isu2", "isu3"])), awsAnswers)).resources,
  "fleet-default-vpc": async () =>
    (
      await mockPulumi(
        fleet("team-a", asked({ vpc: "default", image: "ami-0123456789abcdef0", spot: true, placement: "cluster" }, ["web"])),
        awsAnswers,
      )
    ).resources,
  "fleet-door": async () =>
    (await mockPulumi(fleet("team-a", asked({ door: "instance-connect", zoneId: "apne1-az4" }, ["isu1"])), awsAnswers)).resources,
  "fleet-storage": async () => {
    const db = {
      instanceType: "i2.8xlarge",
      store: { preset: "seeds" },
      elasticAddress: true,
      rootIops: 6000,
      volumes: [{ name: "backup", sizeGB: 100, snapshots: 7, throughput: 500 }],
      monitoring: true,
      instanceProfile: "backup-writer",
    };
    const arm = { instanceType: "im4gn.8xlarge", image: "al2023", store: {}, terminationProtection: true };
    const target = {
      servers: { db, arm },
      tags: { "cost-center": "4711" },
      open: [{ port: 60000, to: 61000, protocol: "udp", from: ["203.0.113.0/24"] }],
    };
    return (await mockPulumi(fleet("team-a", asked(target, ["db", "arm"])), awsAnswers)).resources;
  },
  "pool-many": async () => {
    const types = [instanceType("c7a.large"), instanceType("c7i.large")] as const;
    const event = { from: "2099-12-01T01:00:00Z", until: "2099-12-01T09:00:00Z", min: 4, max: 20 };
    const args = { ...pool, types, event, spot: 50, emails: ["ops@example.org"], backlog: { queueName: "q", latency: 60, perMessage: 5 } };
    return (await mockPulumi(() => new WorkerPool("pool", { ...args, ownership, plan: "#!/bin/sh\nset -eu\nhostname\n" }), awsAnswers))
      .resources;
  },
  "pool-of-one": async () => {
    const single = { address: true, volume: { sizeGB: 50, zone: "ap-northeast-1a" } };
    const args = {
      ...pool,
      subnetIds: ["subnet-1"],
      size: { min: 1, max: 1 },
      single,
      ownership,
      plan: `#!/bin/sh\n${"# long\n".repeat(3000)}`,
    };
    return (await mockPulumi(() => new WorkerPool("one", args), awsAnswers)).resources.map((each) =>
      each.type.startsWith("aws:s3/bucketObject")
        ? { ...each, inputs: { ...each.inputs, content: `${String(each.inputs.content).length} characters` } }
        : each,
    );
  },
  pipeline: async () => {
    const args = { ownership, jobSeconds: 10, latency: 120, suffix: ".jpg", expireDays: 14, pool: { ...pool, plan: thumbnailPlan() } };
    return (await mockPulumi(() => new Pipeline("images", args), awsAnswers)).resources;
  },
  "database-mysql": async () =>
    (await mockPulumi(() => new Database("db", { ownership, engine: "mysql", ...place }), awsAnswers)).resources,
  "database-postgres": async () =>
    (
      await mockPulumi(
        () => new Database("db", { ownership, engine: "postgres", multiZone: true, settings: { work_mem: "65536" }, ...place }),
        awsAnswers,
      )
    ).resources,
};

describe("registers exactly", () => {
  test.each(Object.entries(samples))("%s", async (name, run) => {
    expectGolden(`aws/${name}.yaml`, goldenText(await run()));
  });
});

test("a pool starts from a baked image, and another one is another pin of its template", async () => {
  const launched = async (image: string, types: WorkerPoolArgs["types"] = pool.types) => {
    const asked: unknown[] = [];
    const calls = {
      ...awsAnswers.calls,
      "aws:ec2/getAmiIds:getAmiIds": ({ filters, owners }: Record<string, unknown>) => {
        asked.push(owners, filters);
        const { values } = (filters as { name: string; values: string[] }[]).find(({ name }) => name === "tag:baked")!;
        return { ids: values[0] === "gone" ? [] : [`ami-${values[0]}`] };
      },
    };
    const args = { ...pool, ownership, image, types, plan: "#!/bin/sh\n" };
    const { resources } = await mockPulumi(() => new WorkerPool("pool", args), { ...awsAnswers, calls });
    const template = resources.find(({ type }) => type === "aws:ec2/launchTemplate:LaunchTemplate")!;
    const pins = resources.filter(({ type }) => type === "pulumi:index:Stash").map(({ name }) => name);
    return { image: template.inputs.imageId, pins, asked: JSON.stringify(asked) };
  };
  const first = await launched("debian-12/web-1");
  expect([first.image, first.pins]).toEqual(["ami-web-1", ["pool-image-debian-12-web-1-amd64"]]);
  expect(first.asked).toMatch(/^\[\["self"\],.*"tag:tested","values":\["yes"\].*"architecture","values":\["x86_64"\]/);
  // Not the same pin under another text: it would keep the old image.
  const second = await launched("debian-12/web-2");
  expect([second.image, second.pins]).toEqual(["ami-web-2", ["pool-image-debian-12-web-2-amd64"]]);
  const arm = await launched("debian-12/web-2", [instanceType("c7g.large")]);
  expect([arm.pins, arm.asked]).toEqual([["pool-image-debian-12-web-2-arm64"], expect.stringContaining('"values":["arm64"]')]);
});

describe("fleets nobody thought of", () => {
  const machines = fc.record(
    {
      instanceType: fc.constantFrom("c5.large", "t4g.small", "i2.8xlarge", "i3en.3xlarge", "i7ie.2xlarge", "d3.xlarge"),
      image: fc.constantFrom("ubuntu-24.04", "debian-12", "al2023", "ami-0123456789abcdef0"),
      rootGB: fc.integer({ min: 8, max: 100 }),
      spot: fc.boolean(),
      elasticAddress: fc.boolean(),
      alarms: fc.boolean(),
      rootIops: fc.integer({ min: 3000, max: 16_000 }),
      monitoring: fc.boolean(),
      terminationProtection: fc.boolean(),
      instanceProfile: fc.constant("backup-writer"),
      volumes: fc.uniqueArray(
        fc.record(
          { name: fc.constantFrom("a", "b", "c"), sizeGB: fc.integer({ min: 1, max: 99 }), throughput: fc.integer({ min: 125, max: 750 }) },
          { requiredKeys: ["name", "sizeGB"] },
        ),
        {
          selector: ({ name }) => name,
        },
      ),
    },
    { requiredKeys: [] },
  );
  const fleets = fc.record({
    names: fc.uniqueArray(fc.constantFrom("isu1", "isu2", "isu3", "db", "web"), { minLength: 1, maxLength: 5 }),
    given: fc.uniqueArray(fc.integer({ min: 4, max: 40 }), { maxLength: 3 }),
    cidr: fc.constantFrom("192.168.0.0/16", "10.1.2.0/24", "10.9.0.0/26"),
    machine: machines,
    vpc: fc.constantFrom("own", "default"),
  });

  test("names are unique, addresses differ and lie in the subnet, everything is tagged", async () => {
    await fc.assert(
      fc.asyncProperty(fleets, async ({ names, given, cidr, machine, vpc }) => {
        const of = asked({ cidr, vpc, ...machine }, names);
        const base = cidr.slice(0, cidr.lastIndexOf("."));
        const servers = Object.fromEntries(
          names.map((name, at) => [name, given[at] === undefined || vpc === "default" ? {} : { privateAddress: `${base}.${given[at]}` }]),
        );
        const { resources } = await mockPulumi(fleet("team-a", { ...of, servers }), awsAnswers);
        const keys = resources.map(({ type, name }) => `${type} ${name}`);
        expect(new Set(keys).size).toBe(keys.length);
        const addresses = resources.flatMap(({ type, inputs }) =>
          type === "aws:ec2/instance:Instance" && inputs.privateIp ? [String(inputs.privateIp)] : [],
        );
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(addresses.length).toBe(vpc === "own" ? names.length : 0);
        expect(addresses.every((address) => usable(serverSubnet(cidr), address))).toBe(true);
        expect(untagged(resources)).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

test("every sample is tagged", async () => {
  for (const run of Object.values(samples)) expect(untagged(await run())).toEqual([]);
});

test("an instance's interface gets the tags that the instance can't give it", async () => {
  const tagsOfInterface = (await samples["fleet-default-vpc"]!())
    .filter(({ type }) => type === "aws:ec2/tag:Tag")
    .map(({ inputs }) => [inputs.resourceId, inputs.key]);
  expect(tagsOfInterface).toEqual(expect.arrayContaining(ownTagKeys.map((key) => ["team-a-web-eni", key])));
});

test("a connection holds the private key as a secret, and the one-time host key", async () => {
  const { built } = await mockPulumi(fleet("team-a", asked({}, ["isu1"])), awsAnswers);
  const { connection } = built.servers.isu1!;
  expect(await pulumi.isSecret(pulumi.output(connection.privateKey))).toBe(true);
  expect(await pulumi.isSecret(pulumi.output(connection.address))).toBe(false);
  expect(await promised(pulumi.unsecret(pulumi.output({ ...connection })))).toEqual({
    name: "isu1",
    address: "203.0.113.7",
    port: 22,
    user: "fleet-admin",
    hostKey: "ssh-ed25519 AAAA-of-team-a-isu1-host-key",
    privateKey: "the fleet's private key",
  });
});
