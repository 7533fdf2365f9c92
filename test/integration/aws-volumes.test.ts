// What is to outlive a server, a pool or a database, through the real engine on an emulator of AWS: data volumes, a kept address, snapshots;
// who may take them away, and what stays when they go.
import { join } from "node:path";
import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  DescribeLifecycleHooksCommand,
  DescribeScheduledActionsCommand,
} from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import { ModifyDBInstanceCommand, RDSClient } from "@aws-sdk/client-rds";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Leftover, Swept } from "../../cli/aws/sweep.ts";
import { checkout } from "../../provisioners/stack.ts";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { awsProject, type Project } from "../support/aws-project.ts";
import { type Answer, start, Trial } from "../support/fleet.ts";

let emulator: Emulator;
let project: Project;
const client = () => new ec2.EC2Client({ region });
const right = ({ code, said }: Answer) => expect([code, code === 0 ? "" : said]).toEqual([0, ""]);

async function swept(stack: string): Promise<{ readonly code: number } & Swept> {
  const { code, stdout } = await start("./fleet", ["sweep", stack, "--region", region, "--json"], { env: emulator.env }).done;
  return { code, ...(JSON.parse(stdout) as Swept) };
}

beforeAll(async () => {
  emulator = await startEmulator();
  Object.assign(process.env, emulator.env, { PATH: `${join(checkout, "test/aws-provider")}:${process.env.PATH}` });
  const { Images = [] } = await client().send(new ec2.DescribeImagesCommand({}));
  const images = Images.filter(({ Architecture, Platform }) => Architecture === "x86_64" && !Platform);
  const ssm = new SSMClient({ region });
  for (const [at, Name] of ["/own/image", "/own/other"].entries())
    await ssm.send(new PutParameterCommand({ Name, Value: images[at]?.ImageId, Type: "String" }));
  project = await awsProject(emulator);
});

afterAll(async () => {
  project?.forget();
  await trial.remove();
  await emulator?.stop();
});

describe("a server with data volumes, a kept address and a placement group", () => {
  const volumes = (sizeGB: number) => [
    { name: "data", sizeGB, iops: 4000, throughput: 500, snapshots: 7 },
    { name: "logs", sizeGB: 5 },
  ];
  const emails = ["ops@example.org"];
  const own = {
    budget: { monthly: 40, emails },
    rootIops: 4000,
    monitoring: true,
    terminationProtection: true,
    tags: { "cost-center": "4711" },
  };
  const wish = { target: { elasticAddress: true, placement: "cluster", ...own, volumes: volumes(50) }, servers: ["isu1"] };
  const grown = { ...wish, target: { ...wish.target, volumes: volumes(80), budget: { monthly: 60, emails, of: "stack" } } };

  /** The instance that runs, what is attached to it by device, and the address. */
  async function seen() {
    const running = { Name: "instance-state-name", Values: ["running"] };
    const { Reservations = [] } = await client().send(new ec2.DescribeInstancesCommand({ Filters: [running] }));
    const [instance, ...others] = Reservations.flatMap(({ Instances = [] }) => Instances);
    expect(others).toEqual([]);
    const { Volumes = [] } = await client().send(new ec2.DescribeVolumesCommand({ Filters: [{ Name: "tag-key", Values: ["volume"] }] }));
    const { Addresses = [] } = await client().send(new ec2.DescribeAddressesCommand({}));
    return {
      instance: instance?.InstanceId,
      addresses: Addresses.map(({ PublicIp, InstanceId }) => [PublicIp, InstanceId]),
      volumes: Volumes.map(({ VolumeId, Size, Attachments: [at] = [] }) => [at?.Device, at?.InstanceId, Size, VolumeId]).sort(),
    };
  }

  const spared = (volumes: Awaited<ReturnType<typeof seen>>["volumes"]) =>
    volumes.map(([, , ...rest]) => [undefined, undefined, ...rest]).sort();

  test("up makes and attaches them; a second up finds them as they were made", async () => {
    project.wish(wish);
    right(await project.run("up"));
    const { instance, addresses, volumes } = await seen();
    expect(addresses).toEqual([[expect.any(String), instance]]);
    expect(volumes).toEqual([
      ["/dev/sdj", instance, 50, expect.any(String)],
      ["/dev/sdk", instance, 5, expect.any(String)],
    ]);
    expect(await project.drift()).toEqual([]);
    const again = await project.run("up", "--refresh");
    right(again);
    expect(again.said).not.toMatch(/updated|created|replaced|deleted/);
  });

  test("nobody else terminates the server; who lifts its protection first is named, and it comes back", async () => {
    const { instance: InstanceId } = await seen();
    const terminate = () => client().send(new ec2.TerminateInstancesCommand({ InstanceIds: [InstanceId!] }));
    await expect(terminate()).rejects.toMatchObject({ name: "OperationNotPermitted" });
    await client().send(new ec2.ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: false } }));
    expect(await project.drift()).toEqual(["update aws:ec2/instance:Instance team-a-isu1 disableApiTermination"]);
    right(await project.run("up", "--refresh"));
    await expect(terminate()).rejects.toMatchObject({ name: "OperationNotPermitted" });
    expect(await project.drift()).toEqual([]);
  });

  test("a server that somebody stopped over night is named, and started again: the same one", async () => {
    const before = await seen();
    await client().send(new ec2.StopInstancesCommand({ InstanceIds: [before.instance!] }));
    expect(await project.drift()).toEqual(["update fleet:index:InstancePower team-a-isu1 state"]);
    right(await project.run("up", "--refresh"));
    expect(await seen()).toEqual(before);
    expect(await project.drift()).toEqual([]);
  });

  test("a larger one grows where it is", async () => {
    const before = await seen();
    project.wish(grown);
    expect(await project.drift()).toEqual([
      "update aws:budgets/budget:Budget team-a-budget costFilters limitAmount",
      "update aws:ebs/volume:Volume team-a-isu1-data size",
    ]);
    right(await project.run("up"));
    const [data, logs] = before.volumes;
    expect(await seen()).toEqual({ ...before, volumes: [data?.with(2, 80), logs] });
  });

  test("another image makes another server, with the same volumes and the same address", async () => {
    const before = await seen();
    project.wish({ ...grown, target: { ...grown.target, image: "/own/other" } });
    const planned = await project.drift();
    expect(planned).toContain("replace aws:ec2/instance:Instance team-a-isu1 ami userData");
    expect(planned.filter((line) => line.includes("ebs/volume"))).toEqual([]);
    right(await project.run("up"));
    const { instance, addresses, volumes } = await seen();
    expect(instance).not.toBe(before.instance);
    expect(addresses).toEqual([[before.addresses[0]?.[0], instance]]);
    expect(volumes).toEqual(before.volumes.map((each) => each.with(1, instance)));
    expect(await project.drift()).toEqual([]);
  });

  test("without its placement group, and on spot, it is another server, never one with another first boot", async () => {
    const { placement: _, ...rest } = { ...grown.target, image: "/own/other" };
    for (const target of [rest, { ...rest, placement: "cluster", terminationProtection: false, spot: true }]) {
      project.wish({ ...grown, target });
      expect(await project.drift()).toContainEqual(expect.stringMatching(/^replace aws:ec2\/instance:Instance team-a-isu1 .*userData$/));
    }
  });

  test("another zone, which would make other volumes, is refused", async () => {
    const before = await seen();
    project.wish({ ...grown, target: { ...grown.target, zoneId: "apne1-az2" } });
    const { code, said } = await project.run("up");
    expect([code, said]).toEqual([1, expect.stringContaining("currently marked for protection")]);
    expect(await seen()).toEqual(before);
  });

  test("a `destroy` typed by hand spares the volumes alone; the next up gives them to a server again", async () => {
    const { volumes: before } = await seen();
    const { code, said } = await project.run("destroy");
    expect([code, said]).toEqual([1, expect.stringContaining("because it is protected")]);
    expect(await seen()).toEqual({ instance: undefined, addresses: [], volumes: spared(before) });
    project.wish(grown);
    right(await project.run("up"));
    const { instance, volumes: after } = await seen();
    expect(after).toEqual(before.map((each) => each.with(1, instance)));
  });

  test("a spot server is never asked to stop, which AWS refuses: not for another type, and not to take its volume", async () => {
    const spot = { ...grown, target: { ...grown.target, placement: undefined, terminationProtection: false, spot: true } };
    project.wish(spot);
    right(await project.run("up"));
    const { instance, volumes } = await seen();
    project.wish({ ...spot, target: { ...spot.target, instanceType: "c5.xlarge" } });
    right(await project.run("up"));
    const after = await seen();
    expect(after.instance).not.toBe(instance);
    expect(after.volumes).toEqual(volumes.map((each) => each.with(1, after.instance)));
  });

  test("unprotected they go, and of each a last snapshot stays, beside the daily ones", async () => {
    const [[, , , VolumeId] = []] = (await seen()).volumes;
    const { Volumes: [{ Tags = [] } = {}] = [] } = await client().send(new ec2.DescribeVolumesCommand({ VolumeIds: [String(VolumeId)] }));
    // The daily ones copy their volume's tags as well; the emulator makes none.
    const TagSpecifications = [{ ResourceType: "snapshot" as const, Tags }];
    await client().send(new ec2.CreateSnapshotCommand({ VolumeId: String(VolumeId), TagSpecifications }));
    right(await project.unprotect());
    right(await project.run("destroy"));
    const { code, left, kept } = await swept("event-a");
    expect([code, left, kept.map(({ kind, name }) => `${kind} ${name}`)]).toEqual([
      0,
      [],
      ["snapshot team-a-isu1-data", "snapshot team-a-isu1-data", "snapshot team-a-isu1-logs"],
    ]);
  });
});

const database = { engine: "postgres", class: "db.t4g.medium" } as const;
const worker = { script: "#!/bin/sh\nhostname\n", types: ["t3.small"] };
const hours = { from: "2099-12-01T01:00:00Z", until: "2099-12-01T09:00:00Z", min: 2, max: 4 };
const single = { address: true, volume: { sizeGB: 30 } };
const trial = new Trial("aws-volumes", {
  target: {
    ...{ kind: "aws", region, image: "/own/image", sshFrom: ["203.0.113.0/24"], expiresAt: "2099-12-01T09:00:00Z" },
    pools: {
      web: { ...worker, size: { max: 1 }, single, emails: ["ops@example.org"] },
      jobs: { ...worker, size: { max: 2 }, event: hours },
    },
    databases: { db: database, cache: { ...database, finalSnapshot: false } },
  },
  servers: {},
});

describe("a stack with a pool of one and databases", () => {
  const named = (kept: readonly Leftover[]) => kept.map(({ kind, name }) => `${kind} ${name}`);
  const rds = () => new RDSClient({ region });

  test("up; a second up changes nothing; the event's hours are the group's", async () => {
    right(await trial.up());
    const { code, said, stdout } = await trial.up();
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Resources:\n +\d+ unchanged$/m);
    const { ScheduledUpdateGroupActions = [] } = await new AutoScalingClient({ region }).send(new DescribeScheduledActionsCommand({}));
    expect(ScheduledUpdateGroupActions.map(({ ScheduledActionName: name, StartTime }) => [name, StartTime?.toISOString()]).sort()).toEqual([
      ["trial-aws-jobs-begins", "2099-12-01T01:00:00.000Z"],
      ["trial-aws-jobs-ends", "2099-12-01T09:00:00.000Z"],
    ]);
  });

  test("more patience, and an event that ends later, change no server: the hooks in place, no template, the group what it was", async () => {
    const scaling = new AutoScalingClient({ region });
    const AutoScalingGroupName = "trial-aws-jobs";
    const shape = async () => {
      const { AutoScalingGroups: [group] = [] } = await scaling.send(
        new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [AutoScalingGroupName] }),
      );
      const { LifecycleHooks = [] } = await scaling.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName }));
      const hooks = LifecycleHooks.map(({ LifecycleHookName: name, HeartbeatTimeout }) => [name, HeartbeatTimeout]).sort();
      return { hooks, made: group?.CreatedTime, template: group?.LaunchTemplate?.Version, arn: group?.AutoScalingGroupARN };
    };
    const before = await shape();
    trial.edit(({ target }) => {
      Object.assign((target as { pools: { jobs: object } }).pools.jobs, { patience: { boot: 1200, drain: 300 } });
      Object.assign(target as object, { expiresAt: "2099-12-02T09:00:00Z" });
    });
    right(await trial.up());
    const hooks = [
      ["trial-aws-jobs-drain", 300],
      ["trial-aws-jobs-launch", 1200],
    ];
    expect(await shape()).toEqual({ ...before, hooks });
  });

  test("a smaller volume is refused before anything, by `check` too, with its place", async () => {
    const sized = (sizeGB: number) =>
      trial.edit(({ target }) =>
        Object.assign((target as { pools: { web: object } }).pools.web, { single: { ...single, volume: { sizeGB } } }),
      );
    sized(20);
    for (const answer of [await trial.run("check"), await trial.run("preview"), await trial.run("up", ["--yes"])])
      expect([answer.code === 0, answer.said]).toEqual([
        false,
        expect.stringMatching(/sizeGB: expected at least 30 \(GB\), which `trial-aws-web-data` has, got `20`/),
      ]);
    sized(30);
  });

  test("down says beforehand what stays of each, and changes nothing without an answer", async () => {
    const { code, stdout } = await trial.run("down");
    expect([code, stdout.split(/ {2,}|\n/).slice(0, 15)]).toEqual([
      2,
      [
        ...["web", "pool", "terminated with everything on it"],
        ...["jobs", "pool", "terminated with everything on it"],
        ...["web-data", "volume of 30 GB", "deleted; a last snapshot of it stays"],
        ...["db", "postgres", "deleted; a last snapshot of it stays"],
        ...["cache", "postgres", "deleted; no snapshot of it stays"],
      ],
    ]);
  });

  test("down does not try again what stays refused", async () => {
    const { left } = await swept(trial.stack);
    const [{ id: DBInstanceIdentifier } = { id: "" }] = left.filter(({ kind, name }) => kind === "database" && name === "trial-aws-db");
    const guard = (DeletionProtection: boolean) => rds().send(new ModifyDBInstanceCommand({ DBInstanceIdentifier, DeletionProtection }));
    await guard(true);
    const { code, said } = await trial.run("down", ["--yes"]);
    expect([code, said]).toEqual([1, expect.stringContaining("not tried again")]);
    expect(said).not.toContain("tries again in");
    await guard(false);
  });

  test("down: zero but for the last snapshots, each with the command that deletes it", async () => {
    const { code, said, stdout } = await trial.run("down", ["--yes"]);
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^2 kept on purpose, and paid for until deleted:\n {2}snapshot trial-aws-web-data \((snap-\w+)\) of \S+\n {6}aws --region ap-northeast-1 ec2 delete-snapshot --snapshot-id \1\n {2}database snapshot trial-aws-db \((trial-aws-db-last-[0-9a-f]{8})\) of \S+\n {6}aws --region ap-northeast-1 rds delete-db-snapshot --db-snapshot-identifier '?\2'?\nnothing else is left: zero$/m,
    );
    const { code: after, left, kept } = await swept(trial.stack);
    expect([after, left, named(kept)]).toEqual([0, [], ["snapshot trial-aws-web-data", "database snapshot trial-aws-db"]]);
  });

  test("a second stack of the name comes and goes as well, a database made anew in it too: no snapshot is in another's way", async () => {
    right(await trial.up());
    trial.edit(({ target }) => Object.assign((target as { databases: { db: object } }).databases.db, { user: "shop" }));
    right(await trial.up());
    right(await trial.run("down", ["--yes"]));
    const { code, left, kept } = await swept(trial.stack);
    expect([code, left]).toEqual([0, []]);
    const [volume, db] = ["snapshot trial-aws-web-data", "database snapshot trial-aws-db"];
    expect([named(kept), new Set(kept.map(({ id }) => id)).size]).toEqual([[volume, volume, db, db, db], 5]);
  });
});
