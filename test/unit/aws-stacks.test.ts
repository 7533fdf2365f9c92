// Whole fleets on AWS, from the stack file to all that is registered: the samples as goldens, and properties over stacks nobody thought of.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { billOf, costLines } from "../../components/targets/aws/cost.ts";
import { overlap } from "../../components/targets/aws/facts/cidr.ts";
import { priceOf } from "../../components/targets/aws/resource-price.ts";
import { costed, shapeOf } from "../../components/targets/aws/shape.ts";
import { aws } from "../../components/targets/aws/target.ts";
import { fleetOn } from "../../components/targets/contract.ts";
import { TeamFleet } from "../../components/team-fleet.ts";
import * as rules from "../../policy/rules.ts";
import { type FleetPlan, planFleet } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack, readStack } from "../../spec/read.ts";
import { teamAnswers } from "../support/aws-answers.ts";
import { expectGolden } from "../support/golden.ts";
import { mockPulumi, promised, type Registered } from "../support/mock-pulumi.ts";
import { briefText, untagged } from "../support/registered.ts";

const around = { cores: 2, architecture: "amd64", overlays: {} } as const;
/** The secrets that the stacks of these tests hold. */
const config = pulumi.output({ target: { databases: { store: { password: "correct horse" } } } });
const registered = async (plan: FleetPlan) =>
  await mockPulumi(() => new TeamFleet(plan.spec.team, { plan, config: pulumi.secret(config) }), teamAnswers);

const samples = join(import.meta.dirname, "../../stacks/samples");
const isOnAws = (file: string): boolean => /kind: aws$/m.test(readFileSync(join(samples, file), "utf8"));
const sampleNames = readdirSync(samples)
  .filter(isOnAws)
  .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
const sample = (stack: string) => planFleet(readStack(join(samples, `Pulumi.${stack}.yaml`), choices).spec, { stack, ...around });

/** What the policy pack would say of it, its price limit far off. */
function objections({ spec }: FleetPlan, resources: readonly Registered[]): readonly string[] {
  const { profile, region } = fleetOn(aws, spec)!.target;
  const each = [
    rules.noOpenSsh(profile === "contest"),
    rules.encrypted,
    rules.onlyImdsV2,
    rules.tagged,
    rules.notExpired(new Date()),
    rules.atLeastOne,
    rules.noKeysInSight,
  ];
  return [
    ...resources.flatMap(({ type, name, inputs }) => each.flatMap((rule) => rule(type, inputs).map((said) => `${name}: ${said}`))),
    ...rules.bucketsShut(resources),
    ...rules.withinPrice(resources, region, 10_000),
  ];
}

/** USD an hour, from the stack file alone. */
function foretold({ spec, stack }: FleetPlan): number {
  const { target, team, servers } = fleetOn(aws, spec)!;
  return billOf(team, costLines(team, target.region, costed(shapeOf({ team, stack, target, servers })))).perHour;
}

/** What must hold of every fleet, whatever its stack file asks for. */
function expectSound(plan: FleetPlan, resources: readonly Registered[]): void {
  const keys = resources.map(({ type, name }) => `${type} ${name}`);
  expect(new Set(keys).size).toBe(keys.length);
  const of = (type: string, key: string) => resources.flatMap((each) => (each.type === type ? [String(each.inputs[key])] : []));
  const addresses = of("aws:ec2/instance:Instance", "privateIp");
  expect(new Set(addresses).size).toBe(addresses.length);
  const subnets = of("aws:ec2/subnet:Subnet", "cidrBlock");
  expect(subnets.filter((one, at) => subnets.some((other, index) => index < at && overlap(one, other)))).toEqual([]);
  expect(untagged(resources)).toEqual([]);
  expect(objections(plan, resources)).toEqual([]);
  const { region } = fleetOn(aws, plan.spec)!.target;
  expect(priceOf(resources, region).perHour).toBeCloseTo(foretold(plan), 2);
}

// One without an end gets it from the clock.
beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"], now: new Date("2098-12-31T09:00:00.7Z") }));
afterAll(() => void vi.useRealTimers());

describe("the samples", () => {
  test("are these", () => {
    expect(sampleNames).toEqual(["aws-contest", "game-day", "storage-bench", "storage"]);
  });

  test.each(sampleNames)("%s registers exactly", async (name) => {
    const plan = sample(name);
    const { resources } = await registered(plan);
    expectSound(plan, resources);
    expectGolden(`aws/stack-${name}.yaml`, briefText(resources));
  });

  test("a game day says where work goes in and out", async () => {
    const { built } = await registered(sample("game-day"));
    expect(await promised(pulumi.output({ ...built.aws! }))).toEqual({
      balancers: { front: { url: "http://game-day-aws-front.elb.test/", address: "game-day-aws-front.elb.test" } },
      pools: { web: { group: "game-day-aws-web", address: "203.0.113.9" } },
      pipelines: {
        images: {
          inputBucket: "game-day-aws-images-input-0a1b",
          outputBucket: "game-day-aws-images-output-0a1b",
          queueUrl: "https://sqs/game-day-aws-images-queue",
          deadLetterUrl: "https://sqs/game-day-aws-images-dead",
          group: "game-day-aws-images-workers",
        },
      },
      databases: { db: { address: "game-day-aws-db.rds.test", port: 3306, database: "app", user: "app", secretArn: "arn:secret" } },
    });
  });
});

const planOf = (target: object, servers: object): FleetPlan => {
  const fleet = { team: "team-a", target: { kind: "aws", region: "ap-northeast-1", sshFrom: ["203.0.113.0/24"], ...target }, servers };
  const text = stringify({ config: { "contest-fleet:fleet": fleet } });
  return planFleet(parseStack(text, "Pulumi.event-a.yaml", choices).spec, { stack: "event-a", ...around });
};

const certificate = "arn:aws:acm:ap-northeast-1:123456789012:certificate/0f3a";

describe("stacks nobody thought of", () => {
  const time = fc.record({ from: fc.constant("2099-12-01T01:00:00Z"), until: fc.constant("2099-12-01T09:00:00Z") });
  const size = fc.record({ min: fc.integer({ min: 1, max: 3 }), max: fc.integer({ min: 3, max: 9 }) });
  const event = fc.tuple(time, size).map(([hours, sizes]) => ({ ...hours, ...sizes }));
  const common = {
    types: fc.constantFrom(["c7a.large"], ["c7a.large", "c7i.large"], ["t4g.small"]),
    image: fc.constantFrom("ubuntu-24.04", "debian-12"),
    spot: fc.integer({ min: 0, max: 100 }),
    emails: fc.constantFrom([], ["ops@example.org"]),
    environment: fc.constantFrom({}, { MODE: "event" }),
    rootGB: fc.integer({ min: 8, max: 99 }),
  };
  const machine = fc.record(common, { requiredKeys: [] });
  const wayOf = (...ways: readonly object[]) => fc.constantFrom(...ways);
  const roles = { roles: ["base", "nginx"] };
  const script = { script: "#!/bin/sh\nset -eu\nhostname\n" };
  const merged = (...parts: readonly fc.Arbitrary<object>[]) => fc.tuple(...parts).map((all) => Object.assign({}, ...all) as object);
  const single = fc.record({ address: fc.boolean(), volume: fc.record({ sizeGB: fc.integer({ min: 1, max: 99 }) }) }, { requiredKeys: [] });
  const alone = single.map((of) => ({ size: { max: 1 }, single: of }));
  const many = fc.record({ size, event }, { requiredKeys: [] });
  const pool = merged(machine, wayOf(roles, script), fc.oneof(many, alone));
  const workers = merged(machine, wayOf(roles, script, { worker: "thumbnails" }), many);
  const pipeline = fc.record({ jobSeconds: fc.integer({ min: 1, max: 7200 }), pool: workers, suffix: fc.constant(".jpg") });
  const database = fc.record(
    {
      engine: fc.constantFrom("mysql", "postgres"),
      class: fc.constantFrom("db.t4g.medium", "db.r6g.large"),
      storageGB: fc.integer({ min: 20, max: 99 }),
      multiZone: fc.boolean(),
      finalSnapshot: fc.boolean(),
    },
    { requiredKeys: ["engine"] },
  );
  const named = (names: readonly string[], of: fc.Arbitrary<object>) => fc.dictionary(fc.constantFrom(...names), of, { maxKeys: 2 });
  const target = fc.record({
    cidr: fc.constantFrom("192.168.0.0/16", "10.1.2.0/23", "10.9.0.0/20"),
    vpc: fc.constantFrom("own", "default"),
    zoneId: fc.constantFrom("apne1-az1", "apne1-az4"),
    zones: fc.integer({ min: 1, max: 2 }),
    rootIops: fc.integer({ min: 3000, max: 10_000 }),
    monitoring: fc.boolean(),
    tags: fc.constantFrom({}, { "cost-center": "4711" }),
    open: fc.constantFrom([], [{ port: 8080, from: ["0.0.0.0/0", "203.0.113.0/24"] }]),
    volumes: fc.constantFrom([], [{ name: "data", sizeGB: 50, iops: 5000, throughput: 700 }]),
    pools: named(["web", "jobs"], pool),
    pipelines: named(["images", "logs"], pipeline),
    databases: named(["db", "store"], database),
  });
  const servers = named(["isu1", "isu2", "isu3"], fc.constant({ roles: ["base"] }));
  const way = fc.constantFrom({}, { kind: "tcp", port: 5432 }, { certificate, domain: "www.example.org", sticky: 60, slowStart: 30 });
  /** In front of all that there is. */
  const behind = fc.tuple(fc.record({ target, servers }), fc.option(way)).map(([fleet, one]) => {
    const to = [...Object.keys(fleet.servers), ...Object.keys(fleet.target.pools)];
    return { ...fleet, target: { ...fleet.target, balancers: one && to.length > 0 ? { front: { ...one, to } } : {} } };
  });
  const stacks = behind.filter(({ target: { vpc, pools, pipelines, databases }, servers: of }) => {
    const known = Object.keys(of).length;
    const some = known + [pools, pipelines, databases].reduce((sum, each) => sum + Object.keys(each).length, 0) > 0;
    // Several servers in the default VPC need addresses of their own.
    return some && (known <= 1 || vpc === "own");
  });

  test("are unique in their names, apart in their addresses, tagged, within policy, and cost what was foretold", async () => {
    await fc.assert(
      fc.asyncProperty(stacks, async ({ target: wanted, servers: own }) => {
        const plan = planOf(wanted, own);
        expectSound(plan, (await registered(plan)).resources);
      }),
      { numRuns: 20 },
    );
  });
});
