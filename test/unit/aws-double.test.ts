// What the components send, against what Pulumi's provider makes of it (test/aws-provider/rules.ts): a stop, and options that are taken out.
import { describe, expect, test, vi } from "vitest";
import { type Rules, ruleOf, rules } from "../aws-provider/rules.ts";
import { resources } from "../aws-provider/types.ts";
import { awsAnswers } from "../support/aws-answers.ts";
import { asked, fleet } from "../support/aws-samples.ts";
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

describe("a spot server", () => {
  test("is never asked to stop: its volume is taken from it", async () => {
    const volumes = [{ name: "data", sizeGB: 50 }];
    const attachments = (await registered({ spot: true, volumes })).filter(({ type }) => type.endsWith(":VolumeAttachment"));
    expect(
      attachments.map(({ inputs: { stopInstanceBeforeDetaching, forceDetach } }) => [stopInstanceBeforeDetaching, forceDetach]),
    ).toEqual([[undefined, true]]);
  });
});
