// What the AWS components decide, as plain functions: no Pulumi in sight.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { actionArn, statusAlarms } from "../../components/targets/aws/alarms.ts";
import { billOf, billText, costLines, typePrice } from "../../components/targets/aws/cost.ts";
import { defaultEnd, endText, hoursLeft } from "../../components/targets/aws/expiry.ts";
import { overlap, serverAddress, split, usable } from "../../components/targets/aws/facts/cidr.ts";
import { instanceType } from "../../components/targets/aws/facts/types.ts";
import { imageRef } from "../../components/targets/aws/image.ts";
import { flowTable, ruleOf, teamFlows } from "../../components/targets/aws/network-rules.ts";
import { notOffered } from "../../components/targets/aws/offers.ts";
import {
  consumes,
  document,
  groupArn,
  onlyOverTls,
  queueTakesFromBucket,
  reportsToHook,
  snapshots,
  takesOver,
} from "../../components/targets/aws/policies.ts";
import { groupOf } from "../../components/targets/aws/pool-args.ts";
import { need, shortages } from "../../components/targets/aws/quota.ts";
import { costOfChange, type ServerShape, shapeOfInputs } from "../../components/targets/aws/replacement.ts";
import { backlogMetrics, backlogTarget, scheduleOf, sizeAt, visibilityFor } from "../../components/targets/aws/scaling.ts";
import { ownTagKeys, propagated, tagsOf, tagValue } from "../../components/targets/aws/tags.ts";
import { cloudConfig, inlineUserData, userDataLimit } from "../../components/targets/aws/user-data.ts";
import { cidrRange } from "../../spec/scalars.ts";

describe("networks", () => {
  const cidrs = fc
    .record({ prefix: fc.integer({ min: 16, max: 26 }), block: fc.integer({ min: 0, max: 255 }) })
    .map(({ prefix, block }) => `10.${block}.0.0/${prefix}`);

  test("a split has parts of one size that don't overlap and lie in the whole", () => {
    fc.assert(
      fc.property(cidrs, fc.integer({ min: 1, max: 4 }), (cidr, count) => {
        const parts = split(cidr, 28, count);
        const whole = cidrRange(cidr);
        for (const [at, part] of parts.entries()) {
          const { base, size } = cidrRange(part);
          expect(base >= whole.base && base + size <= whole.base + whole.size && base % size === 0).toBe(true);
          expect(parts.some((other, index) => index !== at && overlap(part, other))).toBe(false);
        }
      }),
    );
    expect(() => split("10.0.0.0/25", 24, 1)).toThrow("10.0.0.0/25: expected room for 1 networks of /24, got 0");
  });

  test("servers are numbered from .11, and never get what AWS keeps", () => {
    expect([0, 1, 2].map((n) => serverAddress("192.168.0.0/24", n))).toEqual(["192.168.0.11", "192.168.0.12", "192.168.0.13"]);
    expect(serverAddress("10.0.0.16/28", 0)).toBe("10.0.0.20");
    expect(["0", "1", "2", "3", "4", "254", "255"].map((last) => usable("192.168.0.0/24", `192.168.0.${last}`))).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
      false,
    ]);
    expect(() => serverAddress("10.0.0.16/28", 11)).toThrow("expected room for 12 servers; take a larger subnet");
  });
});

describe("tags", () => {
  const ownership = { team: "team-a", stack: "s", owner: "Åsa <asa@example.org>", expiry: "never" };

  test("all of them, each a value that AWS takes", () => {
    expect(tagsOf(ownership, "x")).toEqual({
      Name: "x",
      project: "contest-fleet",
      team: "team-a",
      stack: "s",
      owner: "Åsa -asa@example.org-",
      expiry: "never",
    });
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), (text) => {
        expect(tagValue(text)).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u);
      }),
    );
    expect(propagated(tagsOf(ownership)).map(({ key }) => key)).toEqual([...ownTagKeys]);
    expect(propagated(tagsOf(ownership)).every(({ propagateAtLaunch }) => propagateAtLaunch)).toBe(true);
  });
});

describe("flows", () => {
  const flows = teamFlows({ sshFrom: ["203.0.113.0/24"], httpFrom: ["0.0.0.0/0"], team: ["servers"] });

  test("as a table", () => {
    expect(flowTable(flows)).toBe(
      [
        "in   22/tcp   from 203.0.113.0/24  SSH",
        "in   80/tcp   from 0.0.0.0/0       HTTP",
        "in   443/tcp  from 0.0.0.0/0       HTTPS",
        "in   all      from servers         between the servers of the team",
        "out  all      to 0.0.0.0/0         packages, keys and time",
      ].join("\n"),
    );
  });

  test("as rules; descriptions hold no character that AWS refuses", () => {
    expect(
      flows
        .map((flow) => ruleOf(flow))
        .map(({ protocol, fromPort, toPort, cidrBlocks, self }) => [protocol, fromPort, toPort, cidrBlocks?.[0] ?? self]),
    ).toEqual([
      ["tcp", 22, 22, "203.0.113.0/24"],
      ["tcp", 80, 80, "0.0.0.0/0"],
      ["tcp", 443, 443, "0.0.0.0/0"],
      ["-1", 0, 0, true],
      ["-1", 0, 0, "0.0.0.0/0"],
    ]);
    for (const { description } of flows.map((flow) => ruleOf(flow)))
      expect(description).toMatch(/^[A-Za-z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/);
  });
});

describe("policies", () => {
  test("grant nothing on everything, but what has no resource", () => {
    const statements = [...takesOver("r", "1", "pool"), consumes("arn:q"), reportsToHook(groupArn("r", "1", "g"))];
    expect(
      JSON.parse(document(...statements)).Statement.filter(
        ({ Resource }: { Resource: unknown }) => Resource === "*" || Resource === undefined,
      ),
    ).toEqual([]);
    expect(JSON.stringify(statements)).not.toMatch(/"(?:ec2|sqs|autoscaling|s3):\*"/);
    expect(reportsToHook(groupArn("r", "1", "g")).Resource).toBe("arn:aws:autoscaling:r:1:autoScalingGroup:*:autoScalingGroupName/g");
  });

  test("let the queue take from that bucket of that account alone", () => {
    const [statement] = JSON.parse(queueTakesFromBucket("arn:q", "arn:b", "123")).Statement;
    expect(statement.Condition).toEqual({ ArnEquals: { "aws:SourceArn": "arn:b" }, StringEquals: { "aws:SourceAccount": "123" } });
    expect(JSON.parse(onlyOverTls("arn:b")).Statement[0]).toMatchObject({ Effect: "Deny", Resource: ["arn:b", "arn:b/*"] });
    expect(JSON.parse(snapshots()).Statement).toHaveLength(2);
  });
});

describe("scaling", () => {
  test("by messages for each host; with no host the backlog itself counts", () => {
    const [, , ratio] = backlogMetrics({ queueName: "q", groupName: "g" });
    expect(ratio).toEqual({ id: "e1", label: "backlog of each host", expression: "IF(m2>0, m1/m2, m1)", returnData: true });
    expect(backlogMetrics({ queueName: "q", groupName: "g" }).filter(({ returnData }) => returnData)).toHaveLength(1);
    expect([backlogTarget({ latency: 120, perMessage: 10 }), backlogTarget({ latency: 1, perMessage: 10 })]).toEqual([12, 1]);
  });

  describe("an event's hours", () => {
    const event = { from: "2026-12-01T01:00:00Z", until: "2026-12-01T09:00:00Z", min: 4, max: 20 };
    const usual = { min: 1, max: 3 };
    const begins = { name: "begins", startTime: event.from, minSize: 4, maxSize: 20, desiredCapacity: 4 };
    const ends = { name: "ends", startTime: event.until, minSize: 1, maxSize: 3, desiredCapacity: 1 };

    test.for([
      ["before", "2026-11-30T00:00:00Z", [begins, ends], usual],
      ["in the first second", event.from, [ends], { min: 4, max: 20 }],
      ["in the middle", "2026-12-01T05:00:00Z", [ends], { min: 4, max: 20 }],
      ["in the last second", event.until, [], usual],
      ["long after", "2027-12-01T05:00:00Z", [], usual],
    ] as const)("%s: what is still to come, and the sizes that hold", ([, now, schedule, size]) => {
      expect(scheduleOf(usual, event, new Date(now))).toEqual(schedule);
      expect(sizeAt(usual, event, new Date(now))).toEqual(size);
    });

    test("in the end a pool is what it was, unless its backlog decides", () => {
      const now = new Date("2026-12-01T05:00:00Z");
      expect(scheduleOf({ ...usual, desired: 2 }, event, now)[0]?.desiredCapacity).toBe(2);
      expect(scheduleOf(usual, event, now, true)[0]?.desiredCapacity).toBe(-1);
    });

    test("no action is ever in the past, whatever the moment", () => {
      fc.assert(
        fc.property(fc.date({ min: new Date("2026-11-01"), max: new Date("2027-01-01"), noInvalidDate: true }), (now) => {
          for (const { startTime } of scheduleOf(usual, event, now)) expect(Date.parse(startTime)).toBeGreaterThan(now.getTime());
        }),
      );
    });
  });

  test("a message stays hidden for longer than its job takes, within AWS's bounds", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 7000, noNaN: true }), (seconds) => {
        expect(visibilityFor(seconds)).toBeGreaterThan(seconds);
      }),
    );
    expect(visibilityFor(1_000_000)).toBe(43_200);
  });

  test("a group's silence is no fitness for service, and a single one may go before the next comes", () => {
    const wish = { name: "g", size: { min: 1, max: 1 }, tags: {}, launchHook: "l", drainHook: "d", patience: { boot: 9, drain: 8 } };
    const group = groupOf({ ...wish, single: true, scheduled: false });
    expect(group.initialLifecycleHooks.map(({ name, heartbeatTimeout, defaultResult }) => [name, heartbeatTimeout, defaultResult])).toEqual(
      [
        ["l", 9, "ABANDON"],
        ["d", 8, "CONTINUE"],
      ],
    );
    expect([
      group.instanceMaintenancePolicy.minHealthyPercentage,
      groupOf({ ...wish, single: false, scheduled: false }).instanceMaintenancePolicy.minHealthyPercentage,
    ]).toEqual([0, 100]);
    expect(group).not.toHaveProperty("desiredCapacity");
  });
});

test("alarms recover only what AWS can recover", () => {
  expect(statusAlarms(instanceType("c5.large")).map(({ action }) => action)).toEqual(["reboot", "recover"]);
  expect(statusAlarms(instanceType("i4i.large")).map(({ action }) => action)).toEqual(["reboot"]);
  expect(actionArn("eu-west-1", "recover")).toBe("arn:aws:automate:eu-west-1:ec2:recover");
});

describe("what a change costs", () => {
  const now: ServerShape = {
    type: instanceType("i4i.large"),
    ami: "ami-1",
    subnetId: "s-1",
    privateAddress: "10.0.0.4",
    rootGB: 20,
    spot: false,
  };

  test.each([
    ["nothing", {}, "in place", []],
    [
      "another size",
      { type: instanceType("i4i.xlarge") },
      "stop and start",
      [
        "isu1: type `i4i.large` → `i4i.xlarge` stops and starts the server: some minutes away, its public address may change unless it is elastic, the 468 GB on its 1 instance-store disk is lost",
      ],
    ],
    [
      "another architecture",
      { type: instanceType("i4g.large") },
      "replace",
      ["isu1: architecture `amd64` → `arm64` replaces the server: its root disk is lost, the 468 GB on its 1 instance-store disk is lost"],
    ],
    [
      "another image",
      { ami: "ami-2" },
      "replace",
      ["isu1: image `ami-1` → `ami-2` replaces the server: its root disk is lost, the 468 GB on its 1 instance-store disk is lost"],
    ],
    ["an image that is not known yet", { ami: undefined }, "in place", []],
    ["a larger root disk", { rootGB: 30 }, "in place", ["isu1: root disk 20 → 30 GB in place; its filesystem grows at the next reboot"]],
    [
      "a smaller root disk",
      { rootGB: 10 },
      "in place",
      ["isu1: root disk 20 → 10 GB is refused by AWS, where a disk can only grow; next: leave `rootGB` at 20"],
    ],
  ] as const)("%s", (_, next, fate, sentences) => {
    expect(costOfChange("isu1", now, { ...now, ...next })).toEqual({ fate, sentences });
  });

  test("is read from the inputs of an instance", () => {
    const inputs = { instanceType: "i4i.large", ami: "ami-1", subnetId: "s-1", privateIp: "10.0.0.4", rootBlockDevice: { volumeSize: 20 } };
    expect(costOfChange("isu1", shapeOfInputs(inputs)!, now)).toEqual({ fate: "in place", sentences: [] });
    expect(shapeOfInputs({ instanceType: { unknown: true } })).toBeUndefined();
  });
});

describe("cost", () => {
  const server = { name: "isu1", type: "c5.large", disks: [{ sizeGB: 20 }], publicAddress: true };

  test("by the hour and for the event, with the date of the prices", () => {
    const lines = costLines("team-a", "us-east-1", [server, { ...server, name: "isu2", spot: true }]);
    const bill = billOf("team-a", lines, hoursLeft({ expiresAt: "2026-12-01T09:00:00Z" }, new Date("2026-12-01T01:00:00Z")));
    expect(bill).toEqual({ team: "team-a", perHour: 0.1844, forEvent: 1.48, unknown: [] });
    expect(billText(bill)).toBe("team-a: 0.1844 USD/h, 1.48 USD for the event (prices of 2026-07-20)");
    expect(billOf("team-b", lines).perHour).toBe(0);
  });

  test("what of a disk's speed is beyond gp3's own costs, and metrics by the minute do", () => {
    const fast = { ...server, disks: [{ sizeGB: 100, iops: 4000, throughput: 225 }], monitoring: true };
    expect(costLines("t", "us-east-1", [fast]).map(({ what, perHour }) => [what, perHour])).toEqual([
      ["isu1: c5.large", 0.085],
      ["isu1: 100 GB of disk", 0.0233],
      ["isu1: metrics by the minute", 0.0029],
      ["isu1: public address", 0.005],
    ]);
  });

  test("says where a price is from, and what has none", () => {
    expect(typePrice("c5.large", "ap-northeast-1")).toEqual({ perHour: 0.107, note: "" });
    expect(typePrice("c5.xlarge", "ap-northeast-1")).toEqual({ perHour: 0.214, note: "price of 2025-03-02" });
    expect(typePrice("c5.large", "us-east-1")).toEqual({ perHour: 0.085, note: "" });
    expect(typePrice("i3.large", "eu-north-1")).toEqual({ perHour: 0.156, note: "price of us-east-1" });
    expect(typePrice("hi1.4xlarge", "us-west-2")).toEqual({ perHour: null, note: "no price known" });
    const bill = billOf("t", costLines("t", "us-east-1", [{ ...server, type: "hi1.4xlarge", disks: [], publicAddress: false }]));
    expect(billText(bill)).toBe("t: 0 USD/h (prices of 2026-07-20), without isu1: hi1.4xlarge: no price known");
  });
});

describe("quotas", () => {
  const three = Array.from({ length: 3 }, () => ({ type: "c5.large", spot: false, elasticAddress: true }));

  test("count vCPU by family, addresses and networks", () => {
    expect(need([...three, { type: "im4gn.16xlarge", spot: true, elasticAddress: false }], 1)).toEqual({
      "L-1216C47A": 6,
      "L-0263D0A3": 3,
      "L-34B43A08": 64,
      "L-F678F1CE": 1,
    });
  });

  test("name what is short, and what could not be read", () => {
    const account = { granted: { "L-1216C47A": 5, "L-0263D0A3": 5 }, used: { "L-0263D0A3": 2 } };
    expect(shortages(three, 1, account)).toEqual([
      "quota `on-demand standard (A, C, D, H, I, M, R, T, Z)` (L-1216C47A): expected room for 6, got 5 of 5; next: ask AWS for more, or take smaller types",
      "quota `VPCs` (L-F678F1CE): expected its value, got none; the operator may not read Service Quotas",
    ]);
  });
});

describe("user data", () => {
  const first = { server: "isu1", admin: "fleet-admin", authorizedKey: "ssh-ed25519 AAAA me" };

  test("carries a host key for the first connection, and keeps cloud-init off the disks", () => {
    const text = cloudConfig({ ...first, hostKey: { privateKey: "PRIVATE\nKEY\n", publicKey: "ssh-ed25519 AAAA isu1" } });
    expect(text).toContain("ssh_keys:\n  ed25519_private: |\n    PRIVATE\n    KEY\n  ed25519_public: ssh-ed25519 AAAA isu1\n");
    expect(text).toContain("mounts:\n  - - ephemeral0\n");
    expect(text.startsWith("#cloud-config\n")).toBe(true);
  });

  test("too much of it is a sentence", () => {
    const text = cloudConfig({ ...first, files: [{ path: "/x", mode: "0644", content: "x".repeat(userDataLimit) }] });
    expect(() => inlineUserData("isu1", text)).toThrow(/^isu1: expected user data of at most 16384 bytes, got 16\d{3}; next:/);
  });
});

test("images follow the type's architecture", () => {
  expect(imageRef("al2023", "arm64")).toEqual({ parameter: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64" });
  expect(imageRef("ubuntu-24.04", "amd64")).toEqual({
    parameter: "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
  });
  expect([imageRef("ami-0123456789", "amd64"), imageRef("/own/image", "amd64")]).toEqual([
    { ami: "ami-0123456789" },
    { parameter: "/own/image" },
  ]);
});

describe("the end of a stack", () => {
  const now = new Date("2026-12-01T01:00:00.700Z");
  test("is a day after the first up where nobody says it; never has to be said", () => {
    expect(defaultEnd(now)).toBe("2026-12-02T01:00:00Z");
    expect([{}, { expiresAt: "never" }, { expiresAt: "2020-01-01T00:00:00Z" }].map((target) => hoursLeft(target, now))).toEqual([
      24,
      undefined,
      0,
    ]);
    expect([undefined, "never", "2026-12-02T01:00:00Z"].map(endText)).toEqual([
      "until 24 h after the first up",
      "with no end",
      "until 2026-12-02 01:00 UTC",
    ]);
  });
});

test("a type that its zone, or the region, has not is a sentence each, once", () => {
  const offers = [
    { type: "i8g.large", zone: "apne1-az4" },
    { type: "i8g.large", zone: "apne1-az1" },
  ];
  expect(notOffered({ types: ["i8g.large", "i8g.large"], zoneId: undefined }, offers)).toEqual([]);
  expect(notOffered({ types: ["i8g.large"], zoneId: "apne1-az4" }, offers)).toEqual([]);
  expect(notOffered({ types: ["i8g.large", "i8g.large", "hi1.4xlarge"], zoneId: "apne1-az2" }, offers)).toEqual([
    "`i8g.large`: expected it in the zone apne1-az2, got it in apne1-az1, apne1-az4; next: `zoneId`, or another type",
    "`hi1.4xlarge`: expected a type of this region, got none in any zone; next: ./fleet types, or another region",
  ]);
});
