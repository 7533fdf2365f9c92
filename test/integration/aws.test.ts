// The AWS components through the real engine, on an emulator of AWS: up, again, changes, a failure in the middle, the attacks of a Game Day,
// away, and the proof of zero.
import * as groups from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hidden, undelete } from "../../cli/aws/undelete.ts";
import type { Wish } from "../aws-provider/program.ts";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { awsProject, type Project } from "../support/aws-project.ts";
import { start } from "../support/fleet.ts";

let emulator: Emulator;
let project: Project;

const wish = {
  target: { zoneId: "apne1-az1" },
  servers: ["isu1", "isu2"],
  pipeline: { jobSeconds: 10, workerType: "c5.large", event: false },
  database: { storageGB: 20 },
} as const satisfies Wish;

const fleet = async (...args: readonly string[]) => {
  const { code, stdout, said } = await start("./fleet", args, { env: emulator.env }).done;
  return { code, said, json: () => JSON.parse(stdout) };
};
const swept = () => fleet("sweep", "--region", region, "--json");

beforeAll(async () => {
  emulator = await startEmulator();
  Object.assign(process.env, emulator.env);
  const { Images = [] } = await new ec2.EC2Client({ region }).send(new ec2.DescribeImagesCommand({}));
  const image = Images.find(({ Architecture, Platform }) => Architecture === "x86_64" && !Platform)?.ImageId;
  await new SSMClient({ region }).send(new PutParameterCommand({ Name: "/own/image", Value: image, Type: "String" }));
  project = await awsProject(emulator);
});

afterAll(async () => {
  project?.forget();
  await emulator?.stop();
});

/** Brings it to what is wished, from wherever it is: `fleet up` looks at what is there first, too. */
async function up(more: Partial<Wish> = {}): Promise<string> {
  project.wish({ ...wish, ...more });
  const { code, said } = await project.run("up", "--refresh");
  expect(code, said).toBe(0);
  return said;
}

describe("a stack's life", () => {
  test("up fails in the middle where a stranger holds a name, and goes on from there", async () => {
    const client = new sqs.SQSClient({ region });
    const { QueueUrl } = await client.send(
      new sqs.CreateQueueCommand({ QueueName: "images-queue", Attributes: { VisibilityTimeout: "7" } }),
    );
    project.wish(wish);
    const failed = await project.run("up");
    expect(failed.code).not.toBe(0);
    expect(failed.said).toContain("images-queue");
    await client.send(new sqs.DeleteQueueCommand({ QueueUrl }));
    const said = await up();
    expect(said).toMatch(/\+ \d+ created/);
    expect(said).toMatch(/[1-9]\d* unchanged/);
    expect(said).not.toMatch(/replaced|deleted/);
  });

  test("a second up changes nothing, and a look finds everything as it was made", async () => {
    expect(await project.drift()).toEqual([]);
    expect(await up()).not.toMatch(/updated|created|replaced|deleted/);
  });

  test("a change is made in place", async () => {
    const changed = { pipeline: { ...wish.pipeline, jobSeconds: 20, workerType: "c5.xlarge" }, database: { storageGB: 30 } };
    project.wish({ ...wish, ...changed, target: { ...wish.target, httpFrom: ["203.0.113.0/24"] } });
    expect(await project.drift()).toEqual([
      "update aws:autoscaling/group:Group images-workers launchTemplate",
      "update aws:autoscaling/policy:Policy images-workers-backlog targetTrackingConfiguration",
      "update aws:ec2/launchTemplate:LaunchTemplate images-workers instanceType userData",
      "update aws:ec2/securityGroup:SecurityGroup team-a-network-group ingress",
      "update aws:rds/instance:Instance db allocatedStorage maxAllocatedStorage",
      "update aws:sqs/queue:Queue images-queue visibilityTimeoutSeconds",
      "update fleet:index:PoolRollout images-workers shape version",
    ]);
    expect((await project.run("up")).code).toBe(0);
    expect(await project.drift()).toEqual([]);
  });

  test("what the fleet made is found by its tags, each with what takes it away", async () => {
    const { code, json } = await swept();
    expect(code).toBe(1);
    const { left, unseen } = json();
    expect(unseen).toEqual([]);
    const kinds = new Set(left.map(({ kind }: { kind: string }) => kind));
    expect([...kinds]).toEqual([
      ...["autoscaling group", "instance", "interface", "volume", "launch template", "database", "database subnet group"],
      ...["database settings", "bucket", "queue", "topic", "alarm", "log group", "instance profile", "role", "security group", "subnet"],
      ...["internet gateway", "VPC"],
    ]);
    expect(left.every(({ command }: { command: string }) => command.startsWith(`aws --region ${region} `))).toBe(true);
  });
});

/** What an attacker with the team's own credentials does, and what a look then says. */
describe("a Game Day", () => {
  const attacked = async (attack: (outputs: Readonly<Record<string, string>>) => Promise<unknown>, named: readonly string[]) => {
    await attack(await project.outputs());
    expect(await project.drift()).toEqual(named);
  };
  const healed = async () => {
    await up();
    expect(await project.drift()).toEqual([]);
  };
  const scaling = () => new groups.AutoScalingClient({ region });
  const AutoScalingGroupName = "images-workers";

  beforeAll(async () => {
    await up();
  });

  test("another launch template is named and healed, the group as well", async () => {
    const client = new ec2.EC2Client({ region });
    await attacked(async () => {
      const { AutoScalingGroups } = await scaling().send(new groups.DescribeAutoScalingGroupsCommand({}));
      const LaunchTemplateId = AutoScalingGroups?.[0]?.LaunchTemplate?.LaunchTemplateId;
      const LaunchTemplateData = { InstanceType: "t3.nano", UserData: "cG93ZXJvZmYK" } as const;
      const { LaunchTemplateVersion } = await client.send(
        new ec2.CreateLaunchTemplateVersionCommand({ LaunchTemplateId, SourceVersion: "1", LaunchTemplateData }),
      );
      const DefaultVersion = String(LaunchTemplateVersion?.VersionNumber);
      await client.send(new ec2.ModifyLaunchTemplateCommand({ LaunchTemplateId, DefaultVersion }));
      const LaunchTemplate = { LaunchTemplateId, Version: DefaultVersion };
      await scaling().send(new groups.UpdateAutoScalingGroupCommand({ AutoScalingGroupName, LaunchTemplate }));
    }, [
      "update aws:autoscaling/group:Group images-workers launchTemplate",
      "update aws:ec2/launchTemplate:LaunchTemplate images-workers instanceType userData",
      "update fleet:index:PoolRollout images-workers missing version",
    ]);
    await healed();
  });

  test("a minimum of 0, a schedule let loose, and a policy that only shrinks", async () => {
    await attacked(async () => {
      const none = { MinSize: 0, MaxSize: 0, DesiredCapacity: 0 };
      // The servers stay: the emulator can't launch any from a template's later version.
      await scaling().send(new groups.UpdateAutoScalingGroupCommand({ AutoScalingGroupName, MinSize: 0 }));
      const often = { ScheduledActionName: "nightfall", Recurrence: "* * * * *", ...none };
      await scaling().send(new groups.PutScheduledUpdateGroupActionCommand({ AutoScalingGroupName, ...often }));
      const shrinks = { PolicyName: "erosion", AdjustmentType: "ChangeInCapacity", ScalingAdjustment: -1 };
      await scaling().send(new groups.PutScalingPolicyCommand({ AutoScalingGroupName, ...shrinks }));
      await scaling().send(new groups.ResumeProcessesCommand({ AutoScalingGroupName, ScalingProcesses: ["ScheduledActions"] }));
    }, [
      "update aws:autoscaling/group:Group images-workers minSize suspendedProcesses",
      "update fleet:index:PoolGuard images-workers strays",
    ]);
    await healed();
    const { AutoScalingGroups } = await scaling().send(new groups.DescribeAutoScalingGroupsCommand({}));
    expect(AutoScalingGroups?.[0]).toMatchObject({ MinSize: 1, SuspendedProcesses: [{ ProcessName: "ScheduledActions" }] });
    const { ScheduledUpdateGroupActions } = await scaling().send(new groups.DescribeScheduledActionsCommand({ AutoScalingGroupName }));
    const { ScalingPolicies = [] } = await scaling().send(new groups.DescribePoliciesCommand({ AutoScalingGroupName }));
    expect([ScheduledUpdateGroupActions, ScalingPolicies.map(({ PolicyName }) => PolicyName)]).toEqual([[], ["images-workers-backlog"]]);
  });

  test("a queue that shows its messages at once and forgets them, open doors, a bucket for everybody", async () => {
    await attacked(
      async ({ queueUrl, securityGroupId, inputBucket }) => {
        const anybody = { Effect: "Allow", Principal: "*", Action: "sqs:*", Resource: "*" };
        const Policy = (Statement: object) => JSON.stringify({ Version: "2012-10-17", Statement: [Statement] });
        const Attributes = { VisibilityTimeout: "0", MessageRetentionPeriod: "60", Policy: Policy(anybody) };
        await new sqs.SQSClient({ region }).send(new sqs.SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes }));
        const IpPermissions = [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }];
        const door = { GroupId: securityGroupId, IpPermissions };
        await new ec2.EC2Client({ region }).send(new ec2.AuthorizeSecurityGroupIngressCommand(door));
        const everybody = { Effect: "Allow", Principal: "*", Action: "s3:*", Resource: `arn:aws:s3:::${inputBucket}/*` };
        const client = new s3.S3Client({ region });
        await client.send(new s3.DeletePublicAccessBlockCommand({ Bucket: inputBucket }));
        await client.send(new s3.PutBucketPolicyCommand({ Bucket: inputBucket, Policy: Policy(everybody) }));
      },
      [
        "create aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock images-input-private",
        "update aws:ec2/securityGroup:SecurityGroup team-a-network-group ingress",
        "update aws:s3/bucketPolicy:BucketPolicy images-input-tls policy",
        "update aws:sqs/queue:Queue images-queue messageRetentionSeconds visibilityTimeoutSeconds",
        "update aws:sqs/queuePolicy:QueuePolicy images-queue policy",
      ],
    );
    await healed();
  });

  test("an emptied bucket gives its objects back, but for those that were deleted before", async () => {
    const { inputBucket: Bucket = "" } = await project.outputs();
    const client = new s3.S3Client({ region });
    // The emulator does not know that the policy is about plain HTTP alone, and would refuse everything.
    await client.send(new s3.DeleteBucketPolicyCommand({ Bucket }));
    for (const Key of ["a.jpg", "b/c.jpg", "old.jpg"]) await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: `picture ${Key}` }));
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key: "old.jpg" }));
    const [before] = await hidden(region, Bucket);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    for (const Key of ["a.jpg", "b/c.jpg"]) await client.send(new s3.DeleteObjectCommand({ Bucket, Key }));
    const since = new Date(Date.parse(before!.deletedAt) + 1000);
    const { code, json } = await fleet("undelete", Bucket, "--since", since.toISOString(), "--region", region, "--yes", "--json");
    expect([
      code,
      json()
        .map(({ key }: { key: string }) => key)
        .sort(),
    ]).toEqual([0, ["a.jpg", "b/c.jpg"]]);
    const back = await client.send(new s3.GetObjectCommand({ Bucket, Key: "b/c.jpg" }));
    expect(await back.Body?.transformToString()).toBe("picture b/c.jpg");
    expect((await hidden(region, Bucket)).map(({ key }) => key)).toEqual(["old.jpg"]);
    expect(await undelete(region, Bucket, [])).toEqual([]);
  });
});

describe("its end", () => {
  test("another zone makes the servers anew, the subnet's addresses freed first", async () => {
    project.wish({ target: { zoneId: "apne1-az2" }, servers: wish.servers });
    const { code, said } = await project.run("up");
    expect(code, said).toBe(0);
    expect(said).toMatch(/Subnet team-a-network-subnet-1 replaced/);
    expect(said).toMatch(/Instance team-a-isu2 replaced/);
    expect(await project.drift()).toEqual([]);
  });

  test("destroy, and the sweep says zero", async () => {
    const { code, said } = await project.run("destroy");
    expect(code, said).toBe(0);
    const after = await fleet("sweep", "--region", region);
    expect([after.code, after.said.trim()]).toEqual([0, "nothing is left: zero"]);
  });

  test("a service that can't be looked at is no zero", async () => {
    const { code, stdout } = await start("./fleet", ["sweep", "--region", region], {
      env: { ...emulator.env, AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:9", AWS_MAX_ATTEMPTS: "1" },
    }).done;
    expect(code).toBe(1);
    expect(stdout).toContain("not looked at: SQS");
  });
});
