// A stack without a server of its own, as a person types it: pools, a pipeline and a database through the real engine, on an emulator of AWS.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import { DeleteBucketPolicyCommand, GetObjectCommand, ListBucketsCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkout } from "../../provisioners/stack.ts";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { Trial } from "../support/fleet.ts";

let emulator: Emulator;
const target = {
  kind: "aws",
  region,
  sshFrom: ["203.0.113.0/24"],
  image: "/own/image",
  expiresAt: "2099-12-01T09:00:00Z",
  pools: {
    web: { roles: ["base"], image: "debian-12", types: ["t3.small"], size: { max: 1 }, single: { address: true } },
    jobs: { script: "#!/bin/sh\nset -eu\nhostname\n", types: ["c7a.large", "c7i.large"], size: { min: 1, max: 3, desired: 2 } },
  },
  pipelines: { images: { jobSeconds: 10, suffix: ".jpg", pool: { worker: "thumbnails", types: ["t3.small"] } } },
  databases: { db: { engine: "postgres", finalSnapshot: false } },
};
const trial = new Trial("aws-work", { target, servers: {} });

const groups = async () => {
  const { AutoScalingGroups = [] } = await new AutoScalingClient({ region }).send(new DescribeAutoScalingGroupsCommand({}));
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
  const { Images = [] } = await new ec2.EC2Client({ region }).send(new ec2.DescribeImagesCommand({}));
  const image = Images.find(({ Architecture, Platform }) => Architecture === "x86_64" && !Platform)?.ImageId;
  await new SSMClient({ region }).send(new PutParameterCommand({ Name: "/own/image", Value: image, Type: "String" }));
});

afterAll(async () => {
  await trial.remove();
  await emulator?.stop();
});

describe("a stack of pools, pipelines and databases alone", { timeout: 300_000 }, () => {
  test("up: makes them, and ends with where work goes in and comes out", async () => {
    const { code, said, stdout } = await trial.up();
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(await groups()).toEqual({
      "trial-aws-images-workers": [1, 1, 4],
      "trial-aws-jobs": [1, 2, 3],
      "trial-aws-web": [1, 1, 1],
    });
    expect(stdout).toMatch(/^images +in +s3:\/\/trial-aws-images-input-[0-9a-f]+$/m);
    expect(stdout).toMatch(/^db +database +app@\S+:5432\/app$/m);
    expect(stdout).toContain("address");
    expect(stdout).not.toContain("fleet ssh");
  });

  test("the plan of a pool's roles lies in its bucket, under the checksum that its servers will ask for", async () => {
    const client = new S3Client({ region });
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
    expect(said.split("Resources:")[1]).toMatch(/^\s+\+ 1 created\s+\d+ unchanged\s+Duration/);
  });

  test("down takes all of it away, and proves it", async () => {
    const { code, said } = await trial.run("down", ["--yes"]);
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(await groups()).toEqual({});
  });
});
