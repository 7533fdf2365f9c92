// What the components send, against what Pulumi's provider makes of it (test/aws-provider/rules.ts): a stop, and options that are taken out.
import { describe, expect, test, vi } from "vitest";
import { instanceType } from "../../components/targets/aws/facts/types.ts";
import type { WorkerPoolArgs } from "../../components/targets/aws/pool-args.ts";
import { WorkerPool } from "../../components/targets/aws/worker-pool.ts";
import { type Rules, ruleOf, rules } from "../aws-provider/rules.ts";
import { refusePast } from "../aws-provider/scaling.ts";
import { resources } from "../aws-provider/types.ts";
import { awsAnswers } from "../support/aws-answers.ts";
import { asked, fleet, ownership } from "../support/aws-samples.ts";
import { mockPulumi, type Registered } from "../support/mock-pulumi.ts";

// The double insists on an emulator; it is never called here.
vi.hoisted(() => Object.assign(process.env, { AWS_ENDPOINT_URL: "http://127.0.0.1:9" }));

type Inputs = Readonly<Record<string, unknown>>;

const registered = async (target: object): Promise<readonly Registered[]> =>
  (await mockPulumi(fleet("team-a", asked(target, ["isu1"])), awsAnswers)).resources.filter(({ type }) => type.startsWith("aws:"));

const diffOf = (type: string, old: Inputs, now: Inputs): Readonly<Record<string, string>> =>
  resources[type]!.diff({ inputs: old, outputs: old }, now);

const rulesOf = (type: string): Rules => rules[type.replace(/^aws:/, "")] ?? {};

describe("the table", () => {
  test("says of each rule where it stands, and names types that there are", () => {
    const sources = Object.values(rules).flatMap((of) => Object.values(of).map(({ source }) => source));
    expect(sources.filter((source) => !/\.go|API |issue/.test(source))).toEqual([]);
    expect(Object.keys(rules).filter((type) => resources[`aws:${type}`] === undefined)).toEqual([]);
  });

  test("is what the double compares by: forced, kept, part of a whole", () => {
    const type = "aws:ec2/instance:Instance";
    expect(diffOf(type, { ami: "a", monitoring: true }, { ami: "b" })).toEqual({ ami: "update-replace" });
    expect(diffOf(type, { rootBlockDevice: { iops: 4000, volumeSize: 9 } }, { rootBlockDevice: { volumeSize: 10 } })).toEqual({
      "rootBlockDevice.volumeSize": "update",
    });
    expect(ruleOf(rulesOf(type), 'instanceMarketOptions.spotOptions["a"]')?.replaces).toBe(true);
  });

  test("refuses what AWS refuses", async () => {
    const resize = resources["aws:ebs/volume:Volume"]!.update(
      "vol-1",
      { inputs: { size: 50 }, outputs: {} },
      { size: 20 },
      {} as never,
      false,
    );
    await expect(resize).rejects.toThrow("New size cannot be smaller");
  });
});

describe("a server that somebody stopped", () => {
  /** As a look finds it. */
  const stopped = (type: string, inputs: Inputs): Inputs =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => {
        const rule = rulesOf(type)[name];
        return [name, rule && "stopped" in rule ? rule.stopped : value];
      }),
    );

  test.for([{}, { vpc: "default" }, { elasticAddress: true }, { profile: "contest" }, { placement: "cluster", spot: true }])(
    "is never another one afterwards: %o",
    async (target) => {
      const changes = (await registered(target)).flatMap(({ type, name, inputs }) =>
        Object.entries(diffOf(type, stopped(type, inputs), inputs)).map(([path, kind]) => `${name} ${path} ${kind}`),
      );
      expect(changes).toEqual([]);
    },
  );
});

describe("an option that is taken out of the stack file", () => {
  const profile = "backup-writer";
  const disk = { name: "data", sizeGB: 50 };
  const options: Readonly<Record<string, readonly [on: object, off: object]>> = {
    monitoring: [{ monitoring: true }, {}],
    terminationProtection: [{ terminationProtection: true }, {}],
    instanceProfile: [{ instanceProfile: profile }, {}],
    rootIops: [{ rootIops: 6000 }, {}],
    rootThroughput: [{ rootThroughput: 500, rootIops: 6000 }, { rootIops: 6000 }],
    "a volume's iops": [{ volumes: [{ ...disk, iops: 6000 }] }, { volumes: [disk] }],
    "a volume's throughput": [{ volumes: [{ ...disk, throughput: 500 }] }, { volumes: [disk] }],
    elasticAddress: [{ elasticAddress: true }, {}],
    alarms: [{}, { alarms: false }],
    open: [{ open: [{ port: 8080, from: ["203.0.113.7/32"] }] }, {}],
    tags: [{ tags: { "cost-center": "4711" } }, {}],
  };
  /** By type and name: what is the same of both, differs, or is there once. */
  const keyed = (all: readonly Registered[]) => new Map(all.map((each) => [`${each.type} ${each.name}`, each]));
  /** `spot` and `placement` are the engine's matter: aws-volumes.test.ts. */
  async function changes(on: object, off: object): Promise<readonly string[]> {
    const [old, now] = [keyed(await registered(on)), keyed(await registered(off))];
    const gone = [...old.keys()].filter((key) => !now.has(key)).map((key) => `- ${key}`);
    const made = [...now.keys()].filter((key) => !old.has(key)).map((key) => `+ ${key}`);
    const other = [...now].flatMap(([key, { type, inputs }]) =>
      Object.keys(diffOf(type, old.get(key)?.inputs ?? inputs, inputs)).map((path) => `~ ${key} ${path}`),
    );
    return [...gone, ...made, ...other];
  }

  test.for(Object.entries(options))("%s goes back to AWS's default, and the preview says so", async ([, [on, off]]) => {
    expect(await changes(on, off)).not.toEqual([]);
  });

  test("protection goes with its `forceDestroy` left, so that down works whatever was there before", async () => {
    const [server] = (await registered({})).filter(({ type }) => type === "aws:ec2/instance:Instance");
    expect(server?.inputs).toMatchObject({ disableApiTermination: false, forceDestroy: true });
  });
});

describe("a pool", () => {
  const pool: WorkerPoolArgs = {
    ...{ ownership, region: "ap-northeast-1", types: [instanceType("c7a.large")], image: "ubuntu-24.04", plan: "#!/bin/sh\n" },
    ...{ subnetIds: ["subnet-1"], securityGroupId: "sg-1", admin: "fleet-admin", authorizedKey: "ssh-ed25519 AAAA fleet" },
    size: { min: 1, max: 4 },
  };
  const made = async (more: Partial<WorkerPoolArgs>): Promise<ReadonlyMap<string, Registered>> => {
    const { resources: all } = await mockPulumi(() => new WorkerPool("pool", { ...pool, ...more }), awsAnswers);
    return new Map(all.map((each) => [`${each.type} ${each.name}`, each]));
  };
  const group = "aws:autoscaling/group:Group pool";
  const template = "aws:ec2/launchTemplate:LaunchTemplate pool";

  test("in the middle of its event has the event's sizes, and no action that AWS would refuse", async () => {
    const [from, until] = [-1, 1].map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString()) as [string, string];
    const all = await made({ event: { from, until, min: 4, max: 20 } });
    expect(all.get(group)?.inputs).toMatchObject({ minSize: 4, maxSize: 20 });
    const schedules = [...all.values()].filter(({ type }) => type.endsWith(":Schedule"));
    expect(schedules.map(({ name }) => name)).toEqual(["pool-ends"]);
    for (const { inputs } of schedules) expect(() => refusePast(inputs)).not.toThrow();
    expect(() => refusePast({ startTime: from })).toThrow("in the past");
  });

  test("is the same template whenever it is to go", async () => {
    const [now, later] = [await made({}), await made({ ownership: { ...ownership, expiry: "2027-01-01T00:00:00Z" } })];
    const changed = Object.keys(diffOf("aws:ec2/launchTemplate:LaunchTemplate", now.get(template)!.inputs, later.get(template)!.inputs));
    expect(changed).toEqual(["tags.expiry"]);
  });

  test("of another image, or another architecture, has a pin of its own", async () => {
    const pins = [];
    for (const more of [{}, { image: "debian-12" }, { types: [instanceType("c7g.large")] as const }])
      pins.push([...(await made(more)).keys()].find((key) => key.startsWith("pulumi:index:Stash")));
    expect(new Set(pins).size).toBe(3);
  });

  test("waits for its servers longer in place: the hooks are things of their own", async () => {
    const [now, later] = [await made({}), await made({ patience: { boot: 1200, drain: 600 } })];
    const hook = "aws:autoscaling/lifecycleHook:LifecycleHook pool-launch";
    expect(diffOf("aws:autoscaling/lifecycleHook:LifecycleHook", now.get(hook)!.inputs, later.get(hook)!.inputs)).toEqual({
      heartbeatTimeout: "update",
    });
  });
});

describe("a spot server", () => {
  test("is never asked to stop: its volume is taken from it", async () => {
    const volumes = [{ name: "data", sizeGB: 50 }];
    const attachments = (await registered({ spot: true, volumes })).filter(({ type }) => type.endsWith(":VolumeAttachment"));
    expect(
      attachments.map(({ inputs: { stopInstanceBeforeDetaching, forceDetach } }) => [stopInstanceBeforeDetaching, forceDetach]),
    ).toEqual([[undefined, true]]);
  });
});
