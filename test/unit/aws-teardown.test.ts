// What a teardown on AWS decides: what dies and what stays, what is tried again, and how leftovers and what was kept on purpose are told apart.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Attempt, isHopeless, untilThrough } from "../../cli/aws/destroy.ts";
import { endsOf } from "../../cli/aws/ends.ts";
import { type Leftover, sweptCode, sweptText, together } from "../../cli/aws/sweep.ts";
import { goingWith } from "../../components/targets/aws/going.ts";
import { AwsTarget } from "../../components/targets/aws/settings/target.ts";
import { EventLog } from "../../pulumi/event-log.ts";
import { UserError } from "../../spec/problem.ts";

const failed = (code: string, message: string) =>
  `deleting urn:pulumi:x: 1 error occurred:\n\t* deleting it: operation error EC2: Delete, https response error StatusCode: 400, RequestID: 1, api error ${code}: ${message}`;
const held = failed("DependencyViolation", "The subnet 'subnet-1' has dependencies and cannot be deleted.");
const denied = failed("UnauthorizedOperation", "You are not authorized to perform this operation.");

describe("a destroy that failed", () => {
  test.each([
    ['resource "urn:x" cannot be deleted\nbecause it is protected. To unprotect the resource, …'],
    [denied],
    [failed("AccessDenied", "User: arn:aws:iam::1:user/x is not authorized to perform: iam:DeleteRole")],
    [failed("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.")],
    [failed("DBSnapshotAlreadyExists", "Cannot create the snapshot because one with the identifier db-last already exists.")],
    [failed("OperationNotPermitted", "The instance 'i-1' may not be terminated. Modify its 'disableApiTermination' attribute.")],
    [failed("ExpiredToken", "The security token included in the request is expired")],
  ])("stays so: %s", (error) => {
    expect(isHopeless([error])).toBe(true);
  });

  test.each([
    [held],
    [failed("InvalidParameterValue", "Network interface 'eni-1' is currently in use.")],
    [failed("VolumeInUse", "Volume vol-1 is currently attached to i-1")],
    [failed("InvalidDBInstanceState", "Instance db is not in available state.")],
    [failed("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances.")],
    [failed("RequestLimitExceeded", "Request limit exceeded.")],
    ["connection reset by peer"],
  ])("may be mended by waiting: %s", (error) => {
    expect(isHopeless([error])).toBe(false);
    expect(isHopeless([denied, error])).toBe(false);
  });

  test.each([
    [
      "waiting for EBS Snapshot (snap-1) create: timeout while waiting for state to become 'completed' (last state: 'pending', timeout: 3h0m0s)",
    ],
    ["deleting EBS Volume (vol-1): operation error EC2: DeleteVolume, api error VolumeInUse: Volume vol-1 is currently attached to i-1"],
    ["waiting for EBS Volume (vol-1) delete: timeout while waiting for state to become ''"],
  ])("makes no second last snapshot: %s", async (error) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    let tries = 0;
    const code = await untilThrough(
      async () => {
        tries++;
        return { code: 1, errors: [held, error] };
      },
      { tries: 5, pauseSeconds: 0 },
    );
    expect([code, tries]).toEqual([1, 1]);
  });

  test("of which nothing is known is tried again", () => expect(isHopeless([])).toBe(false));

  const tried = async (...attempts: readonly Attempt[]) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const left = [...attempts];
    const code = await untilThrough(async () => left.shift()!, { tries: 3, pauseSeconds: 0 });
    return [code, attempts.length - left.length];
  };
  afterEach(() => void vi.restoreAllMocks());
  const [through, waits, refused] = [
    { code: 0, errors: [] },
    { code: 1, errors: [held, denied] },
    { code: 1, errors: [denied] },
  ];

  test.each([
    ["through at once", [through], [0, 1]],
    ["through at the second try", [waits, through], [0, 2]],
    ["until only what stays refused is left", [waits, refused, through], [1, 2]],
    ["as often as it is worth", [waits, waits, waits, through], [1, 3]],
    ["Ctrl-C", [{ code: 130, errors: [held] }, through], [130, 1]],
  ] as const)("%s", async (_what, attempts, expected) => {
    expect(await tried(...attempts)).toEqual(expected);
  });
});

test("what dies with a stack, beside what is on its servers, and what stays of each", () => {
  const settings = {
    volumes: [{ name: "data", sizeGB: 100, snapshots: 7 }],
    servers: { isu2: { volumes: [{ name: "logs", sizeGB: 5 }] } },
    pools: { web: { roles: ["base"], size: { max: 1 }, single: { volume: { sizeGB: 30 } } } },
    databases: { db: { engine: "postgres" }, web: { engine: "mysql", finalSnapshot: false } },
  };
  const target = AwsTarget.parse({ kind: "aws", region: "ap-northeast-1", sshFrom: ["203.0.113.0/24"], ...settings });
  expect(goingWith({ target, servers: { isu1: {}, isu2: {} } } as unknown as Parameters<typeof goingWith>[0])).toEqual([
    ["isu1-data", "volume of 100 GB", "deleted; a last snapshot of it stays, and the daily ones"],
    ["isu2-logs", "volume of 5 GB", "deleted; a last snapshot of it stays"],
    ["web", "pool", "terminated with everything on it"],
    ["web-data", "volume of 30 GB", "deleted; a last snapshot of it stays"],
    ["db", "postgres", "deleted; a last snapshot of it stays"],
    ["web", "mysql", "deleted; no snapshot of it stays"],
  ]);
});

describe("what a sweep says", () => {
  const thing = (kind: Leftover["kind"], id: string): Leftover => {
    return { region: "r", kind, id, name: id, team: "t", stack: "s", expiry: "never", command: `aws delete ${id}` };
  };
  const [volume, snapshot] = [thing("volume", "vol-1"), thing("snapshot", "snap-1")];
  const kept = "1 kept on purpose, and paid for until deleted:\n  snapshot snap-1 of s\n      aws delete snap-1\n";

  test.each([
    [{ left: [], kept: [], unseen: [] }, 0, "nothing is left: zero"],
    [{ left: [], kept: [snapshot], unseen: [] }, 0, `${kept}nothing else is left: zero`],
    [{ left: [volume], kept: [snapshot], unseen: [] }, 1, `${kept}1 left:\n  volume vol-1 of s\n      aws delete vol-1`],
    [{ left: [], kept: [snapshot], unseen: ["EC2: no"] }, 1, `${kept}not looked at: EC2: no\nnothing else is left`],
    [{ left: [], kept: [], unseen: ["EC2: no"] }, 1, "not looked at: EC2: no\nnothing else is left"],
  ] as const)("%#", (swept, code, text) => {
    expect([sweptCode(swept), sweptText(swept)]).toEqual([code, text]);
  });

  test("of two regions once, what was kept as well", () => {
    const swept = { left: [volume], kept: [snapshot], unseen: [] };
    expect(together([swept, swept])).toEqual(swept);
  });
});

test("the events of a run that is tried again are read from their beginning, and its first failures are past", () => {
  const folder = mkdtempSync(join(tmpdir(), "events-"));
  const file = join(folder, "events");
  const said = (message: string) => `${JSON.stringify({ diagnosticEvent: { severity: "error", message } })}\n`;
  const events = new EventLog(file);
  writeFileSync(file, said("held") + said("held as well"));
  expect(events.read().errors).toEqual(["held", "held as well"]);
  writeFileSync(file, said("denied"));
  expect(events.read().errors).toEqual(["denied"]);
  rmSync(folder, { recursive: true });
});

describe("when stacks end", () => {
  const stacks = [
    { name: "said", target: { expiresAt: "2026-12-01T00:00:00Z" } },
    { name: "shut", target: {} },
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((each) => ({ name: `first-${each}`, target: {} })),
  ];

  test("one whose state does not tell is named, and keeps no other alive; few are asked at once", async () => {
    let [now, most] = [0, 0];
    const { ended, problems } = await endsOf(stacks, async (name) => {
      if (name === "shut") throw new UserError("incorrect passphrase");
      most = Math.max(most, ++now);
      await setImmediate();
      now--;
      return `of ${name}`;
    });
    expect(problems).toEqual(["shut: incorrect passphrase"]);
    expect(ended.map(({ name, end }) => [name, end])).toEqual([
      ["said", "2026-12-01T00:00:00Z"],
      ...stacks.slice(2).map(({ name }) => [name, `of ${name}`]),
    ]);
    expect(most).toBe(4);
  });
});
