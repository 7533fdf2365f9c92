// The commands around a fleet on EC2, as a person types them, against an emulator of AWS: what there is, what it costs, what is left,
// what is over, and back from a deletion. The life of a whole fleet is in aws-life.test.ts.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ec2 from "@aws-sdk/client-ec2";
import * as iam from "@aws-sdk/client-iam";
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kinds } from "../../cli/aws/tagged-resource.ts";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { strew, strewBucket } from "../support/aws-strays.ts";
import { practiceFleet, start, Trial } from "../support/fleet.ts";

let emulator: Emulator;
const trial = new Trial("commands", {
  team: "team-a",
  target: { kind: "aws", region, sshFrom: ["203.0.113.0/24"], expiresAt: "2099-12-01T09:00:00Z" },
  servers: { isu1: { roles: ["base"] }, isu2: { roles: ["base"] } },
});
const priceless = new Trial("priceless", {
  team: "team-b",
  target: { kind: "aws", region, sshFrom: ["203.0.113.0/24"], instanceType: "hi1.4xlarge", expiresAt: "never" },
  servers: { isu1: { roles: ["base"] } },
});

const elsewhere = new Trial(
  "elsewhere",
  practiceFleet(() => {}),
);

const fleet = async (...args: readonly string[]) => {
  const answer = await start("./fleet", args, { env: { ...emulator.env, NO_COLOR: "1" } }).done;
  return { ...answer, json: () => JSON.parse(answer.stdout) };
};

beforeAll(async () => {
  emulator = await startEmulator();
  Object.assign(process.env, emulator.env);
});
afterAll(async () => {
  await emulator?.stop();
  for (const each of [trial, priceless, elsewhere]) await each.remove();
});

describe("fleet types", () => {
  test("shows one type, or a family, with its disks and price", async () => {
    const { code, stdout } = await fleet("types", "c5.large", "i4i");
    expect(code).toBe(0);
    const rows = stdout.trim().split("\n");
    expect(rows[1]).toMatch(/^c5\.large +amd64 +2 +4 +- +0\.\d+$/);
    expect(rows.some((row) => /^i4i\.2xlarge +amd64 +8 +64 +1 × 1875 GB \S+ +0\.\d+$/.test(row))).toBe(true);
    expect(rows.slice(2, -1).every((row) => row.startsWith("i4i."))).toBe(true);
    expect(rows.at(-1)).toMatch(/^prices: Linux, on demand, us-east-1, of \d{4}-\d{2}-\d{2}$/);
  });

  test("--json has the promised keys and no others", async () => {
    const { code, json } = await fleet("types", "i2.8xlarge", "--json");
    expect(code).toBe(0);
    expect(json()).toEqual([
      {
        ...{ type: "i2.8xlarge", arch: "amd64", vcpu: 32, memoryGiB: 244, disks: 8, diskGB: 800, media: "ssd" },
        ...{ pricePerHour: expect.any(Number), priceDate: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/) },
      },
    ]);
    expect((await fleet("types", "--json")).json().length).toBeGreaterThan(100);
  });

  test("those with disks, of one architecture, at a price", async () => {
    const { stdout } = await fleet("types", "--disks", "--arch", "arm64", "--max-price", "0.2", "--json");
    const found = JSON.parse(stdout) as { disks: number; arch: string; pricePerHour: number }[];
    expect(found.length).toBeGreaterThan(2);
    expect(found.filter(({ disks, arch, pricePerHour }) => !(disks > 0 && arch === "arm64" && pricePerHour <= 0.2))).toEqual([]);
    const wrong = await fleet("types", "--max-price", "cheap");
    expect([wrong.code, wrong.said]).toEqual([2, expect.stringContaining("--max-price: expected USD an hour")]);
  });

  test("an unknown type or family is a sentence, with exit code 2", async () => {
    const type = await fleet("types", "c5.lage");
    expect([type.code, type.stdout]).toEqual([2, ""]);
    expect(type.stderr).toContain("got `c5.lage`; did you mean `c5.large`?");
    const family = await fleet("types", "zz9");
    expect(family.code).toBe(2);
    expect(family.stderr).toMatch(/^types: expected a type or one of the families .*i4i.*, got `zz9`\n$/);
  });
});

describe("fleet cost", () => {
  test("as a table, with the price's date", async () => {
    const { code, stdout } = await fleet("cost", trial.stack, "--hours", "8");
    expect(code).toBe(0);
    const [, perHour = "", event = ""] = /^team-a +\S+ +(\d+\.\d{4}) +(\d+\.\d{2}) for 8\.0 h/m.exec(stdout) ?? [];
    expect(Number(perHour)).toBeGreaterThan(2 * 0.085);
    expect(Number(event)).toBeCloseTo(8 * Number(perHour), 1);
    expect(stdout).toMatch(/prices of \d{4}-\d{2}-\d{2}, on demand/);
  });

  test("--json: hours from now to expiresAt; none where no end is known; what has no price is named", async () => {
    const { code, json } = await fleet("cost", trial.stack, priceless.stack, "--json");
    expect(code).toBe(0);
    const { currency, stacks } = json();
    const [first, second] = stacks;
    expect([currency, Object.keys(first).sort()]).toEqual([
      "USD",
      ["forEvent", "hours", "notes", "perHour", "region", "shortages", "stack", "team", "unknown"],
    ]);
    expect(first.hours).toBeCloseTo((Date.parse("2099-12-01T09:00:00Z") - Date.now()) / 3_600_000, 0);
    expect(first.shortages).toBeNull();
    expect([second.hours, second.forEvent, second.unknown]).toEqual([null, null, [expect.stringContaining("isu1")]]);
  });

  test("wrong hours, and a stack that is on something else", async () => {
    const hours = await fleet("cost", trial.stack, "--hours", "soon");
    expect([hours.code, hours.stderr]).toEqual([2, "--hours: expected a number of hours such as `8`, got `soon`\n"]);
    const other = await fleet("cost", elsewhere.stack);
    expect([other.code, other.stderr]).toEqual([
      2,
      `${elsewhere.stack}: expected a stack with \`target: {kind: aws}\`, got one on practice\n`,
    ]);
  });

  test("--quota: room, a shortage with exit code 1, and a quota that can't be read", async () => {
    emulator.quotas.set("L-1216C47A", 4).set("L-F678F1CE", 5);
    const room = await fleet("cost", trial.stack, "--quota", "--json");
    expect([room.code, room.json().stacks[0].shortages]).toEqual([0, []]);
    const nowhere = await fleet("cost", priceless.stack, "--quota");
    expect([nowhere.code, nowhere.stdout]).toEqual([1, expect.stringContaining("`hi1.4xlarge`: expected a type of this region, got none")]);
    emulator.quotas.set("L-1216C47A", 3);
    const short = await fleet("cost", trial.stack, "--quota");
    expect(short.code).toBe(1);
    expect(short.stdout).toContain("(L-1216C47A): expected room for 4, got 3 of 3; next: ask AWS for more, or take smaller types");
    emulator.quotas.delete("L-F678F1CE");
    const unread = await fleet("cost", trial.stack, "--quota", "--json");
    expect(unread.code).toBe(1);
    expect(unread.json().stacks[0].shortages.join("\n")).toContain("`VPCs` (L-F678F1CE): expected its value, got none");
  });
});

describe("fleet backend", () => {
  const client = new s3.S3Client({ region });
  const Bucket = `team-a-fleet-state-123456789012-${region}`;

  test("init makes the bucket as it should be, once; what somebody took away is named, and comes back", async () => {
    const unasked = await fleet("backend", "init", "--team", "team-a");
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining("init makes the bucket")]);
    const first = await fleet("backend", "init", "--team", "team-a", "--json");
    expect([first.code, first.json().made, first.json().url]).toEqual([0, true, `s3://${Bucket}?region=${region}`]);
    expect((await fleet("backend", "init", "--team", "team-a", "--json")).json().made).toBe(false);
    expect((await client.send(new s3.GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled");
    await client.send(new s3.DeletePublicAccessBlockCommand({ Bucket }));
    await client.send(new s3.DeleteBucketPolicyCommand({ Bucket }));
    process.env.PULUMI_BACKEND_URL = first.json().url;
    const shown = await fleet("backend", "show", "--json");
    const wrong = (text: string) =>
      (JSON.parse(text).settings as { name: string; right: boolean }[]).flatMap((each) => (each.right ? [] : each.name));
    expect([shown.code, wrong(shown.stdout)]).toEqual([1, ["private", "locked"]]);
    const again = await fleet("backend", "init", "--team", "team-a", "--yes");
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining(`${Bucket} is as it should be`)]);
    const Body = JSON.stringify({ pid: 7, username: "kim", hostname: "laptop", timestamp: "2026-11-29T10:00:00Z" });
    // The emulator reads a policy without its conditions: over TLS alone is nobody at all.
    await client.send(new s3.DeleteBucketPolicyCommand({ Bucket }));
    await client.send(new s3.PutObjectCommand({ Bucket, Key: ".pulumi/locks/organization/contest-fleet/team-a/1.json", Body }));
    await client.send(new s3.PutObjectCommand({ Bucket, Key: ".pulumi/stacks/contest-fleet/team-a.json", Body: "{}" }));
    const { stdout } = await fleet("backend", "show");
    // By the profile that the URL names, as Pulumi does.
    const file = join(mkdtempSync(join(tmpdir(), "profile-")), "credentials");
    writeFileSync(file, "[event]\naws_access_key_id = test\naws_secret_access_key = test\n");
    const nobody = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
    const PULUMI_BACKEND_URL = `${first.json().url}&profile=event`;
    const env = { ...emulator.env, ...nobody, AWS_SHARED_CREDENTIALS_FILE: file, PULUMI_BACKEND_URL };
    const byProfile = await start("./fleet", ["backend", "show", "--json"], { env }).done;
    expect([byProfile.stderr, JSON.parse(byProfile.stdout).account]).toEqual(["", "123456789012"]);
    delete process.env.PULUMI_BACKEND_URL;
    expect(stdout).toContain("team-a: locked by kim@laptop, pid 7 since 2026-11-29T10:00:00Z");
    expect(stdout).toMatch(/^ {2}team-a {2}contest-fleet {2}1 KiB /m);
  });

  test("somebody else's bucket is left alone", async () => {
    const theirs = await fleet("backend", "init", "team-a-aws-x", "--yes");
    expect([theirs.code, theirs.stderr]).toEqual([2, expect.stringContaining("without `-aws-`")]);
    const local = await fleet("backend", "show");
    expect([local.code, local.stdout]).toEqual([0, expect.stringContaining("on this computer alone")]);
  });
});

interface Left {
  readonly kind: string;
  readonly stack: string;
  readonly region: string;
  readonly command: string;
}

const unknownToEmulator = ["endpoint", "placement group"];

/** Of the CLI's services one (SQS) takes its endpoint from the command line alone. */
const loopback = `aws() {
  case " $* " in *" dlm "*) at=$AWS_ENDPOINT_URL_DLM ;; *) at=$AWS_ENDPOINT_URL ;; esac
  # Not by its own first line: that names the folder in which it was installed, before it was whole and got its name.
  "$AWS_BIN/python" "$AWS_BIN/aws" --endpoint-url "$at" "$@"
}`;

describe("fleet sweep", () => {
  test("zero where nothing was made", async () => {
    const { code, stdout } = await fleet("sweep", "--region", region);
    expect([code, stdout]).toEqual([0, "nothing is left: zero\n"]);
  });

  test("finds each kind, by stack and by team", async () => {
    await strew("lost");
    const { code, json } = await fleet("sweep", "lost", "--region", region, "--json");
    const { left, unseen } = json() as { readonly left: readonly Left[]; readonly unseen: readonly string[] };
    expect([code, unseen, [...new Set(left.map(({ kind }) => kind))]]).toEqual([
      1,
      [],
      kinds.filter((kind) => !unknownToEmulator.includes(kind)),
    ]);
    expect((await fleet("sweep", "--team", "team-z", "--region", region, "--json")).json().left).toEqual(left);
    expect((await fleet("sweep", "another", "--region", region)).code).toBe(0);
    expect((await fleet("sweep", "--team", "another", "--region", region)).code).toBe(0);
    const two = (await fleet("sweep", "--region", region, "us-west-2", "--json")).json().left as readonly Left[];
    expect(two.filter((each) => each.region === "global").map(({ kind }) => kind)).toEqual(["instance profile", "role"]);
  });

  test("reap names them as nobody's from here, and leaves them alone", async () => {
    const { code, json } = await fleet("reap", "--yes", "--region", region, "--json");
    expect([code, json().expired, new Set(json().strays.map(({ stack }: Left) => stack))]).toEqual([0, [], new Set(["lost"])]);
    const { stdout } = await fleet("reap", "--region", region);
    expect(stdout).toContain("no stack is past its expiresAt\nof stacks that are not up from here:\n");
    expect(stdout).toMatch(
      / {2}key pair \S+ of lost, over since 2020-01-01T00:00:00Z\n {6}aws --region ap-northeast-1 ec2 delete-key-pair /,
    );
  });

  test("each leftover's command, typed in the order of the list, takes it away", async () => {
    const { code, stdout } = await fleet("sweep", "--region", region);
    expect(code).toBe(1);
    const [head = "", ...lines] = stdout.trim().split("\n");
    const commands = lines.filter((line) => line.startsWith("      "));
    expect(head).toBe(`${commands.length} left:`);
    const env = { ...emulator.env, AWS_BIN: emulator.bin, AWS_PROFILE: undefined, HTTPS_PROXY: "http://127.0.0.1:9" };
    for (const command of commands) {
      const { code: status, said } = await start("sh", ["-c", `${loopback}\n${command}`], { env }).done;
      // The emulator does not tell that a root disk goes with its instance: here it is gone already.
      const gone = command.includes("delete-volume") && said.includes("InvalidVolume.NotFound");
      expect([command.trim(), status === 0 || gone ? "" : said]).toEqual([command.trim(), ""]);
    }
    const after = await fleet("sweep", "--region", region);
    expect([after.code, after.stdout]).toEqual([0, "nothing is left: zero\n"]);
  });
});

describe("fleet undelete", () => {
  const Bucket = "images-input";
  const client = () => new s3.S3Client({ region });

  test("asks, brings back, and says how many", async () => {
    await strewBucket(Bucket, []);
    const asked = await fleet("undelete", Bucket);
    expect([asked.code, asked.stderr]).toEqual([
      2,
      `undelete brings back 1 object in ${Bucket}; expected a confirmation, got no terminal to ask on; next: add --yes\n`,
    ]);
    const future = await fleet("undelete", Bucket, "--since", "2099-01-01T00:00:00Z", "--yes");
    expect([future.code, future.stdout]).toEqual([0, "0 objects back\n"]);
    const done = await fleet("undelete", Bucket, "--region", region, "--yes");
    expect([done.code, done.stdout]).toEqual([0, "1 object back\n"]);
    const { Body } = await client().send(new s3.GetObjectCommand({ Bucket, Key: "gone.jpg" }));
    expect(await Body?.transformToString()).toBe("x");
  });

  test("a time that is none, and a bucket that is none", async () => {
    const time = await fleet("undelete", Bucket, "--since", "yesterday", "--yes");
    expect([time.code, time.stderr]).toEqual([2, "--since: expected a time such as `2026-12-01T09:00:00Z`, got `yesterday`\n"]);
    const none = await fleet("undelete", "nobodys-bucket", "--yes");
    expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/^AWS: expected an answer, got NoSuchBucket: .*\n$/)]);
  });
});

describe("fleet iam", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-rights-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const account = "123456789012";
  const scope = ["--region", region, "--account", account, "--out", folder];

  test("its commands, typed as they stand, make the roles of a repository's workflows, each with its policies and its environment", async () => {
    const { code, stdout } = await fleet("iam", ...scope, "--github", "event/servers");
    expect(code).toBe(0);
    const env = { ...emulator.env, AWS_BIN: emulator.bin, AWS_PROFILE: undefined, AWS_PAGER: "" };
    const typed = await start("sh", ["-euc", `${loopback}\n${stdout}`], { env }).done;
    expect([typed.code, typed.code === 0 ? "" : typed.said]).toEqual([0, ""]);
    const client = new iam.IAMClient({
      region,
      endpoint: emulator.env.AWS_ENDPOINT_URL!,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    const seen = async (RoleName: string) => {
      const { Role } = await client.send(new iam.GetRoleCommand({ RoleName }));
      const { AttachedPolicies = [] } = await client.send(new iam.ListAttachedRolePoliciesCommand({ RoleName }));
      const [, environment] = /environment:(\w+)/.exec(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")) ?? [];
      return [environment, ...AttachedPolicies.map(({ PolicyName }) => PolicyName).sort()];
    };
    expect(await seen("fleet-look")).toEqual(["preview", "fleet-look"]);
    expect(await seen("fleet-operator")).toEqual(["up", "fleet-look", "fleet-operator", "fleet-operator-front", "fleet-operator-work"]);
    expect(await seen("fleet-teardown")).toEqual(["reap", "fleet-look", "fleet-teardown"]);
  });

  test("or of another account, which has to say its word", async () => {
    const { code } = await fleet("iam", "operator", ...scope, "--trusted", "210987654321", "--external-id", "event-2026");
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, "fleet-operator-trust.json"), "utf8")).Statement).toEqual([
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { AWS: "arn:aws:iam::210987654321:root" },
        Condition: { StringEquals: { "sts:ExternalId": "event-2026" } },
      },
    ]);
  });

  test.for([
    [["--github", "event"], "--github: expected a repository"],
    [["--trusted", "*"], "--trusted: expected an account"],
    [["--external-id", "x1"], "--external-id: expected `--trusted` beside it"],
    [["--github", "a/b", "--account", "*"], "--account: expected the account"],
  ] as const)("%s is refused", async ([more, sentence]) => {
    const { code, said } = await fleet("iam", ...scope, ...more);
    expect([code, said]).toEqual([2, expect.stringContaining(sentence)]);
  });
});

describe("fleet stop and fleet start", () => {
  const client = () =>
    new ec2.EC2Client({ region, endpoint: emulator.env.AWS_ENDPOINT_URL!, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const state = async (id: string) => {
    const { Reservations } = await client().send(new ec2.DescribeInstancesCommand({ InstanceIds: [id] }));
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  };

  test("a server is off and on again, the same one; of what a stop loses nothing is unsaid", async () => {
    const { Images = [] } = await client().send(new ec2.DescribeImagesCommand({}));
    const ImageId = Images.find(({ Architecture, Platform }) => Architecture === "x86_64" && !Platform)?.ImageId;
    const Tags = Object.entries({ project: "contest-fleet", stack: trial.stack, Name: "team-a-aws-isu1" }).map(([Key, Value]) => ({
      Key,
      Value,
    }));
    const run = {
      ImageId,
      InstanceType: "i4i.large" as const,
      MinCount: 1,
      MaxCount: 1,
      TagSpecifications: [{ ResourceType: "instance" as const, Tags }],
    };
    const { Instances } = await client().send(new ec2.RunInstancesCommand(run));
    const id = Instances?.[0]?.InstanceId ?? "";
    const off = await fleet("stop", trial.stack, "--yes");
    expect([off.code, off.stdout.split("\n")[0]]).toEqual([
      0,
      "team-a-aws-isu1: stops; its public address changes; what is on its 1 instance-store disk of 468 GB is lost",
    ]);
    expect([off.stdout.trim().split("\n").at(-1), await state(id)]).toEqual([
      `${trial.stack}: off (1 server, 0 pools, 0 databases); next: ./fleet start ${trial.stack}`,
      "stopped",
    ]);
    const on = await fleet("start", trial.stack);
    expect([on.code, await state(id)]).toEqual([0, "running"]);
    expect((await fleet("start", trial.stack)).stdout.trim()).toBe(`${trial.stack}: nothing to start`);
  });
});
