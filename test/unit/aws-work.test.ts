// Pools, pipelines and databases of a stack file: what they count for, what is refused, and what a pool's server is told.

import { spawnSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { rowsOf } from "../../cli/aws/work.ts";
import { billOf, costLines } from "../../components/targets/aws/cost.ts";
import { poolsIn } from "../../components/targets/aws/facts/pools.ts";
import { planOfPool } from "../../components/targets/aws/pool-plan.ts";
import { need } from "../../components/targets/aws/quota.ts";
import { costed, shapeOf, wanted } from "../../components/targets/aws/shape.ts";
import { aws } from "../../components/targets/aws/target.ts";
import { fleetOn } from "../../components/targets/contract.ts";
import { TeamFleet } from "../../components/team-fleet.ts";
import { type FleetPlan, planFleet } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { teamAnswers } from "../support/aws-answers.ts";
import { asked, fleet } from "../support/aws-samples.ts";
import { mockPulumi, promised, type Registered } from "../support/mock-pulumi.ts";

const stackOf = (target: object, more: object = {}): FleetPlan => {
  const fleet = { team: "team-a", target: { kind: "aws", region: "us-east-1", sshFrom: ["203.0.113.0/24"], ...target }, ...more };
  const text = stringify({ config: { "contest-fleet:fleet": fleet } });
  const laid = { path: "/etc/motd", content: "laid over\n", mode: "0644" } as const;
  const around = { stack: "event-a", cores: 2, architecture: "amd64", overlays: { web: [laid] } } as const;
  return planFleet(parseStack(text, "Pulumi.event-a.yaml", choices).spec, around);
};
const targetOf = ({ spec }: FleetPlan) => fleetOn(aws, spec)!.target;
const shape = (target: object) => {
  const plan = stackOf(target);
  return shapeOf({ team: "team-a", stack: "event-a", target: targetOf(plan), servers: plan.spec.servers });
};
const registered = async (plan: FleetPlan, config: object = {}) =>
  await mockPulumi(() => new TeamFleet("team-a", { plan, config: pulumi.secret(pulumi.output(config)) }), teamAnswers);
const inputsOf = (resources: readonly Registered[], type: string) =>
  resources.filter((each) => each.type === type).map(({ inputs }) => inputs);

const script = "#!/bin/sh\nset -eu\nhostname\n";
const event = { from: "2099-12-01T01:00:00Z", until: "2099-12-01T09:00:00Z", min: 4, max: 9 };

describe("before anything is made", () => {
  test("a pool costs its largest size of its dearest type, a database its class and disk", () => {
    const of = shape({
      pools: { jobs: { types: ["c7a.large", "c7i.large"], script, event } },
      databases: { db: { engine: "postgres", multiZone: true }, big: { engine: "mysql", class: "db.x2g.large" } },
    });
    const lines = costLines("team-a", "us-east-1", costed(of)).map(({ what, perHour }) => [what, perHour]);
    expect(lines).toEqual([
      ["jobs (9 at most): c7a.large", 0.9238],
      ["jobs (9 at most): 20 GB of disk", 0.0197],
      ["jobs (9 at most): metrics by the minute", 0.0259],
      ["jobs (9 at most): public address", 0.045],
      ["db: db.t4g.medium of postgres in two zones", 0.13],
      ["db: 20 GB of its disk", 0.0063],
      ["big: db.x2g.large of mysql", null],
      ["big: 20 GB of its disk", 0.0032],
    ]);
    expect(billOf("team-a", costLines("team-a", "us-east-1", costed(of))).unknown).toEqual(["big: db.x2g.large of mysql"]);
  });

  test("quotas count a pool at its largest, on spot what the group would ask for there, and a kept address", () => {
    const half = shape({ pools: { jobs: { types: ["c7a.large"], script, spot: 50, event } } });
    expect(need(wanted(half), 1)).toEqual({ "L-1216C47A": 10, "L-34B43A08": 8, "L-F678F1CE": 1 });
    const all = shape({ pools: { jobs: { types: ["c7a.large"], script, spot: 100 } } });
    expect(need(wanted(all), 0)).toEqual({ "L-34B43A08": 8 });
    const one = shape({ pools: { one: { types: ["t4g.small"], script, size: { max: 1 }, single: { address: true } } } });
    expect(need(wanted(one), 0)).toEqual({ "L-1216C47A": 2, "L-0263D0A3": 1 });
  });

  test.each([
    [{ types: ["c7a.large", "t4g.small"] }, "target.pools.p.types: expected types of one architecture, got amd64 and arm64"],
    [
      { types: ["i4i.large", "i4i.xlarge"], store: {} },
      "target.pools.p.types: expected types with the same disks, got `i4i.large` and `i4i.xlarge`",
    ],
    [{ types: ["c7a.large"], store: {} }, "target.pools.p.store: expected types with disks of their own, got `c7a.large`"],
  ])("types that can't be in one pool are refused: %j", (pool, sentence) => {
    expect(() => shape({ pools: { p: { script, ...pool } } })).toThrow(sentence);
  });
});

describe("what a pool's server is told", () => {
  const told = (plan: FleetPlan, at = 0) => {
    const pool = poolsIn(targetOf(plan))[at]!;
    return planOfPool(plan, pool, (names) => Object.fromEntries(names.map((name) => [name, `ssh-ed25519 AAAA ${name}`])));
  };

  test("its roles with their parameters and what the stack lays over them, as one script that a shell takes", async () => {
    const members = [{ name: "alice", keys: [] as string[] }];
    const plan = stackOf(
      { pools: { web: { roles: ["base", "nginx"], params: { nginx: { sites: [] } }, types: ["c7a.large", "c7a.xlarge"] } } },
      { members: members.map((each) => ({ ...each, github: "alice" })), servers: { isu1: { roles: ["base"] } } },
    );
    expect(plan.pools.map(({ name, declared, view }) => [name, declared.cores, view.pooled])).toEqual([["web", 2, true]]);
    const text = await promised(pulumi.output(told(plan)));
    expect(text).toContain("base: user[alice]: ");
    expect(text).toContain("nginx: package[nginx]: ");
    expect(text).toContain("files: file[/etc/motd]: ");
    expect(text).not.toContain("\u27e6");
    expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  test("its script, or the one of a file below stacks/", () => {
    expect(told(stackOf({ pools: { p: { script } } }))).toBe(script);
    expect(() => told(stackOf({ pools: { p: { script: "scripts/nobody.sh" } } }))).toThrow(
      "target.pools.p.script: expected a file, got no `stacks/scripts/nobody.sh`",
    );
  });

  test("the sample worker", () => {
    expect(told(stackOf({ pipelines: { images: { jobSeconds: 10, pool: { worker: "thumbnails" } } } }))).toContain("fleet-thumbnails");
  });

  test("no secret: a role that wants one is refused", () => {
    const plan = stackOf({ pools: { web: { roles: ["app"] } } }, { params: { app: { environment: { TOKEN: { secure: "v1:a:b" } } } } });
    expect(() => told(plan)).toThrow("target.pools.web: expected roles without secrets");
  });

  test("nothing that only the server could say: an AMI tells no distribution", () => {
    const plan = stackOf({ image: "ami-0123456789abcdef0", pools: { web: { roles: ["nginx"] } } });
    expect(() => told(plan)).toThrow("target.pools.web.image: expected an image by its name");
  });
});

describe("what is made", () => {
  const group = "aws:autoscaling/group:Group";

  test("a plan that waits for keys lies in a bucket under its checksum, and user data names it", async () => {
    const { resources } = await registered(stackOf({ pools: { web: { roles: ["base"] } } }));
    const [{ key, content } = {}] = inputsOf(resources, "aws:s3/bucketObjectv2:BucketObjectv2");
    const sum = String(key).replace(".sh", "");
    expect(String(content)).toMatch(/^#!\/bin\/sh\n/);
    const [{ userData } = {}] = inputsOf(resources, "aws:ec2/launchTemplate:LaunchTemplate");
    const text = Buffer.from(String(userData), "base64").toString();
    expect(text).toContain(`plan_sha256=${sum}`);
    expect(text).toContain(`/${sum}.sh`);
  });

  test("a pool's desired size is asked for; without one it is the group's own", async () => {
    const pools = { some: { script, size: { min: 2, max: 6, desired: 3 } }, free: { script } };
    const { resources } = await registered(stackOf({ pools }));
    expect(inputsOf(resources, group).map(({ name, desiredCapacity }) => [name, desiredCapacity])).toEqual([
      ["team-a-aws-free", undefined],
      ["team-a-aws-some", 3],
    ]);
  });

  test("a pipeline's own settings win over the environment of its pool", async () => {
    const pool = { script, environment: { MODE: "event", QUEUE_URL: "mine" } };
    const { resources } = await registered(stackOf({ pipelines: { images: { jobSeconds: 10, pool } } }));
    const [{ userData } = {}] = inputsOf(resources, "aws:ec2/launchTemplate:LaunchTemplate");
    const text = Buffer.from(String(userData), "base64").toString();
    expect(text).toContain("MODE=event");
    expect(text).toContain("QUEUE_URL=https://sqs/team-a-aws-images-queue");
    expect(text).not.toContain("QUEUE_URL=mine");
  });

  test("a database takes the stack's secret as its password, or AWS makes one; only servers and pools reach it", async () => {
    const password = { secure: "v1:a:b" };
    const plan = stackOf({ vpc: "default", databases: { db: { engine: "mysql" }, own: { engine: "postgres", password } } });
    const { built, resources } = await registered(plan, { target: { databases: { own: { password: "correct horse" } } } });
    const [db, own] = inputsOf(resources, "aws:rds/instance:Instance");
    expect([db?.manageMasterUserPassword, db?.password]).toEqual([true, undefined]);
    expect([own?.manageMasterUserPassword, own?.password]).toEqual([undefined, expect.objectContaining({ value: "correct horse" })]);
    const groups = inputsOf(resources, "aws:ec2/securityGroup:SecurityGroup");
    const doors = groups.flatMap(({ ingress }) => ingress as { fromPort: number; securityGroups?: string[] }[]);
    expect(doors.filter(({ securityGroups }) => securityGroups).map((door) => [door.fromPort, door.securityGroups])).toEqual([
      [3306, ["team-a-aws-network-group-id"]],
      [5432, ["team-a-aws-network-group-id"]],
    ]);
    expect(inputsOf(resources, "aws:rds/subnetGroup:SubnetGroup")[0]?.subnetIds).toEqual(["subnet-of-apne1-az1", "subnet-of-apne1-az2"]);
    const { databases } = built.aws!;
    expect(Object.keys(databases.db!)).toEqual(["address", "port", "database", "user", "secretArn"]);
    expect(await pulumi.isSecret(pulumi.output(databases.own!.address))).toBe(false);
    expect(await pulumi.isSecret(pulumi.output(databases.own!.password))).toBe(true);
    expect(await promised(pulumi.unsecret(pulumi.output(databases.own!.password)))).toBe("correct horse");
  });

  test("the table of flows shows the way into a database", async () => {
    const of = asked({ databases: { db: { engine: "mysql" } } }, ["isu1"]);
    const { built } = await mockPulumi(fleet("team-a", of), teamAnswers);
    expect(built.network.flowTable.split("\n").slice(2)).toEqual([
      "in   all       from 192.168.0.0/24  between the servers of the team",
      "in   all       from 192.168.1.0/24  between the servers of the team",
      "out  all       to 0.0.0.0/0         packages, keys and time",
      "in   3306/tcp  from servers         the database db",
    ]);
  });

  test("a given zone is the first; a database's second is another one", async () => {
    const { resources } = await registered(stackOf({ zoneId: "apne1-az1", databases: { db: { engine: "mysql" } } }));
    const subnets = inputsOf(resources, "aws:ec2/subnet:Subnet").map(({ availabilityZoneId, cidrBlock }) => [
      availabilityZoneId,
      cidrBlock,
    ]);
    expect(subnets).toEqual([
      ["apne1-az1", "192.168.0.0/24"],
      ["apne1-az2", "192.168.1.0/24"],
    ]);
  });
});

test("where work goes in and comes out, as rows", () => {
  const pipeline = { inputBucket: "in-1", outputBucket: "out-1", queueUrl: "https://q", deadLetterUrl: "https://d", group: "g" };
  const db = { address: "db.test", port: 5432, database: "app", user: "app" };
  const rows = rowsOf({
    balancers: { front: { url: "https://www.example.org/", address: "www.example.org" } },
    pools: { web: { group: "team-a-web", address: "203.0.113.9" } },
    pipelines: { images: pipeline },
    databases: { db: { ...db, secretArn: "arn:s" }, own: { ...db, password: "[secret]" } },
  });
  expect(rows.map((row) => row.join(" "))).toEqual([
    "front way in https://www.example.org/",
    "web group team-a-web",
    " address 203.0.113.9",
    "images in s3://in-1",
    " out s3://out-1",
    " queue https://q",
    " dead letters https://d",
    " group g",
    "db database app@db.test:5432/app",
    " password aws secretsmanager get-secret-value --secret-id arn:s",
    "own database app@db.test:5432/app",
  ]);
});
