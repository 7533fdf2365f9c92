// A stack without a server of its own, as a person types it: pools, a pipeline and a database through the real engine, on an emulator of AWS.
// All of it in another account than that of whoever types, by a role there.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import * as elb from "@aws-sdk/client-elastic-load-balancing-v2";
import { CreatePolicyCommand, GetRoleCommand, IAMClient, ListRolesCommand } from "@aws-sdk/client-iam";
import { DeleteBucketPolicyCommand, GetObjectCommand, ListBucketsCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkout } from "../../provisioners/stack.ts";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { Trial } from "../support/fleet.ts";

let emulator: Emulator;
/** Of the account that the role is in. */
const accountId = "210987654321";
const assumeRole = `arn:aws:iam::${accountId}:role/fleet`;
const credentials = async () => {
  const { Credentials } = await new STSClient({ region }).send(new AssumeRoleCommand({ RoleArn: assumeRole, RoleSessionName: "test" }));
  const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "", SessionToken: sessionToken = "" } = Credentials ?? {};
  return { accessKeyId, secretAccessKey, sessionToken };
};
const theirs = { region, credentials };
const target = {
  kind: "aws",
  region,
  accountId,
  assumeRole,
  externalId: "event",
  permissionsBoundary: `arn:aws:iam::${accountId}:policy/bound`,
  sshFrom: ["203.0.113.0/24"],
  image: "/own/image",
  expiresAt: "2099-12-01T09:00:00Z",
  pools: {
    web: { roles: ["base"], image: "debian-12", types: ["t3.small"], size: { max: 1 }, single: { address: true } },
    jobs: { script: "#!/bin/sh\nset -eu\nhostname\n", types: ["c7a.large", "c7i.large"], size: { min: 1, max: 3, desired: 2 } },
  },
  pipelines: { images: { jobSeconds: 10, suffix: ".jpg", pool: { worker: "thumbnails", types: ["t3.small"] } } },
  balancers: { front: { to: ["jobs"], port: 8080, domain: "shop.example.org", health: { path: "/healthz" } } },
  databases: { db: { engine: "postgres", finalSnapshot: false } },
};
const trial = new Trial("aws-work", { target, servers: {} });

const groups = async (of: object = theirs) => {
  const { AutoScalingGroups = [] } = await new AutoScalingClient(of).send(new DescribeAutoScalingGroupsCommand({}));
  return Object.fromEntries(
    AutoScalingGroups.map(({ AutoScalingGroupName: name = "", MinSize, MaxSize, DesiredCapacity }) => [
      name,
      [MinSize, DesiredCapacity, MaxSize],
    ]),
  );
};

beforeAll(async () => {
  emulator = await startEmulator();
  Object.assign(process.env, emulator.env, { PATH: `${join(checkout, "test/aws-provider")}:${process.env.PATH}` });
  const { Images = [] } = await new ec2.EC2Client(theirs).send(new ec2.DescribeImagesCommand({}));
  const image = Images.find(({ Architecture, Platform }) => Architecture === "x86_64" && !Platform)?.ImageId;
  const bound = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] });
  await new IAMClient(theirs).send(new CreatePolicyCommand({ PolicyName: "bound", PolicyDocument: bound }));
  await new SSMClient(theirs).send(new PutParameterCommand({ Name: "/own/image", Value: image, Type: "String" }));
});

afterAll(async () => {
  await trial.remove();
  await emulator?.stop();
});

describe("a stack of pools, pipelines and databases alone", () => {
  test("another account's credentials are refused before anything is made", async () => {
    trial.edit(({ target }) => Object.assign(target as object, { assumeRole: undefined }));
    const without = await trial.run("check");
    expect([without.code, without.said]).toEqual([2, expect.stringContaining("externalId: expected `assumeRole` beside it, got none")]);
    trial.edit(({ target }) => Object.assign(target as object, { externalId: undefined }));
    const { code, said } = await trial.up();
    expect([code, said]).toEqual([
      2,
      expect.stringContaining(`target.accountId: expected to work in the account ${accountId}, got 123456789012`),
    ]);
    trial.edit(({ target: now }) => Object.assign(now as object, { assumeRole, externalId: "event" }));
    expect([await groups(), await groups({ region })]).toEqual([{}, {}]);
  });

  test("up: makes them, and ends with where work goes in and comes out", async () => {
    const { code, said, stdout } = await trial.up();
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(await groups()).toEqual({
      "trial-aws-images-workers": [1, 1, 4],
      "trial-aws-jobs": [1, 2, 3],
      "trial-aws-web": [1, 1, 1],
    });
    expect(stdout).toMatch(/^images +in +s3:\/\/trial-aws-images-input-[0-9a-f]+$/m);
    expect(stdout).toMatch(/^front +way in +http:\/\/shop\.example\.org:8080\/$/m);
    expect(stdout).toMatch(/^db +database +app@\S+:5432\/app$/m);
    expect(stdout).toContain("address");
    expect(stdout).not.toContain("fleet ssh");
  });

  test("all of it is in the role's account, nothing at home, and every role that was made is bounded", async () => {
    const iam = new IAMClient(theirs);
    const { Roles = [] } = await iam.send(new ListRolesCommand({}));
    const made = Roles.flatMap(({ RoleName = "" }) => (RoleName.startsWith("trial-aws-") ? RoleName : []));
    const bounds = await Promise.all(
      made.map(async (RoleName) => (await iam.send(new GetRoleCommand({ RoleName }))).Role?.PermissionsBoundary),
    );
    expect(bounds.map((bound) => bound?.PermissionsBoundaryArn)).toEqual(made.map(() => `arn:aws:iam::${accountId}:policy/bound`));
    expect([made.length, await groups({ region })]).toEqual([3, {}]);
    const home = await trial.run("sweep");
    expect([home.code, home.said]).toEqual([1, expect.stringMatching(new RegExp(`group trial-aws-jobs of \\S+, as ${assumeRole}`))]);
  });

  test("the way in leads to the pool: listener, group, health, and the servers' doors for the balancer alone", async () => {
    const client = new elb.ElasticLoadBalancingV2Client(theirs);
    const { LoadBalancers: [front] = [] } = await client.send(new elb.DescribeLoadBalancersCommand({}));
    const { TargetGroups: [group] = [] } = await client.send(new elb.DescribeTargetGroupsCommand({}));
    const { Listeners: [listener] = [] } = await client.send(new elb.DescribeListenersCommand({ LoadBalancerArn: front?.LoadBalancerArn }));
    expect([listener?.Port, listener?.DefaultActions?.[0]?.TargetGroupArn]).toEqual([8080, group?.TargetGroupArn]);
    expect([group?.HealthCheckPath, front?.AvailabilityZones?.length]).toEqual(["/healthz", 2]);
    const names = { AutoScalingGroupNames: ["trial-aws-jobs"] };
    const { AutoScalingGroups: [jobs] = [] } = await new AutoScalingClient(theirs).send(new DescribeAutoScalingGroupsCommand(names));
    expect([jobs?.HealthCheckType, jobs?.TargetGroupARNs]).toEqual(["ELB", [group?.TargetGroupArn]]);
    const { SecurityGroups = [] } = await new ec2.EC2Client(theirs).send(new ec2.DescribeSecurityGroupsCommand({}));
    const into = SecurityGroups.filter(({ GroupId }) => front?.SecurityGroups?.includes(GroupId ?? "") !== true).flatMap(
      ({ IpPermissions = [] }) => IpPermissions.filter(({ FromPort }) => FromPort === 8080),
    );
    expect(into.map(({ IpRanges, UserIdGroupPairs }) => [IpRanges, UserIdGroupPairs?.map(({ GroupId }) => GroupId)])).toEqual([
      [[], front?.SecurityGroups],
    ]);
  });

  test("the plan of a pool's roles lies in its bucket, under the checksum that its servers will ask for", async () => {
    const client = new S3Client(theirs);
    const { aws } = JSON.parse((await trial.pulumi(["stack", "output", "--json"])).stdout);
    expect(Object.keys(aws.pools.web)).toEqual(["address", "group"]);
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    const Bucket = Buckets.map(({ Name = "" }) => Name).find((name) => name.startsWith("trial-aws-web-plans-"));
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    const [{ Key } = {}] = Contents;
    // Over TLS alone, says the policy; the emulator speaks none.
    await client.send(new DeleteBucketPolicyCommand({ Bucket }));
    const plan = await (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
    expect(Key).toBe(`${createHash("sha256").update(String(plan)).digest("hex")}.sh`);
    expect(plan).toContain("base: user[fleet-admin]: ");
  });

  test("up again puts back the policy that was taken away, and changes nothing else", async () => {
    const { code, said } = await trial.up();
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    // What else an up would touch is named here.
    expect(said.match(/^ *~ +aws:.*(?:updat|replac).*$/gm) ?? []).toEqual([]);
    expect(said.split("Resources:")[1]).toMatch(/^\s+\+ 1 created\s+\d+ unchanged\s+Duration/);
  });

  test("stop says what it loses, and leaves nothing on; start has it back at the stack file's sizes", async () => {
    const refused = await trial.run("stop");
    expect([refused.code, refused.said]).toEqual([2, expect.stringContaining("seven days")]);
    const off = await trial.run("stop", ["--yes"]);
    expect([off.code, off.stdout]).toEqual([0, expect.stringContaining("off (0 servers, 3 pools, 1 database)")]);
    expect(off.stdout).toMatch(/^trial-aws-jobs: its 2 servers drain and are terminated; a start brings new ones$/m);
    expect(Object.values(await groups())).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect((await trial.run("stop", ["--yes"])).stdout).toContain("nothing to stop");
    const on = await trial.run("start");
    expect([on.code, on.stdout]).toEqual([0, expect.stringContaining("on (0 servers, 3 pools, 1 database); next: ./fleet up")]);
    expect(await groups()).toEqual({ "trial-aws-images-workers": [1, 1, 4], "trial-aws-jobs": [1, 2, 3], "trial-aws-web": [1, 1, 1] });
  });

  test("down takes all of it away, and proves it", async () => {
    const { code, said } = await trial.run("down", ["--yes"]);
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(await groups()).toEqual({});
  });
});
