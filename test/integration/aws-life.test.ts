// A fleet on EC2 from nothing and back to nothing, as a person types it: an emulator of AWS has the account, a test double of Pulumi's AWS
// provider speaks to it, and a practice machine stands in for the instance, first boot and all.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ec2 from "@aws-sdk/client-ec2";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nspawn } from "../../machines/nspawn/driver.ts";
import type { RoleReport } from "../../provisioners/engine/report.ts";
import { makeKeyPair } from "../../provisioners/provider/key-pair.ts";
import { checkout } from "../../provisioners/stack.ts";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { asleep, firstBoot } from "../support/first-boot.ts";
import { type Answer, inside, type Running, start, Trial } from "../support/fleet.ts";
import { ownNetwork, ownProject } from "../support/own.ts";
import { soon } from "../support/soon.ts";

let emulator: Emulator;
const network = ownNetwork();
const place = { address: `${network}.11`, subnet: `${network}.0/24` };
const trial = new Trial("aws-life", {
  target: {
    kind: "aws",
    region,
    profile: "contest",
    image: "/own/image",
    elasticAddress: false,
  },
  servers: { isu1: { roles: ["base"] } },
  archive: ["/etc/hostname", "/srv/*/dump-[0-9].sql", "/nowhere"],
});
/** As the contest's own check knows a team's first server. */
const instance = "isucon14-contest-1";
const remote = mkdtempSync(join(tmpdir(), "aws-life-"));
const kept = join(ownProject, "archives");
const archives = () => (existsSync(kept) ? readdirSync(kept) : []).filter((name) => name.startsWith(`${trial.stack}-`));
const client = () => new ec2.EC2Client({ region });

/** A machine as EC2 would start it: it shows no door until its first boot is through. */
async function machine(): Promise<void> {
  await nspawn.destroy({ stack: trial.stack, name: "isu1" });
  const authorizedKey = makeKeyPair("nobody").public;
  const size = { driver: "nspawn", cores: 1, memoryMiB: 384, release: "bookworm" } as const;
  await nspawn.ensure({ stack: trial.stack, name: "isu1", ...size, ...place, authorizedKey });
  await asleep(trial.stack, "isu1");
}

async function up(env: NodeJS.ProcessEnv = {}): Promise<Answer> {
  const over = new AbortController();
  const running = trial.start("up", ["--yes", "--verbose"], { env });
  const boot = firstBoot(region, instance, [trial.stack, "isu1"], over.signal).catch(async (error: Error) => {
    const { said } = await running.kill();
    throw new Error(`${error.message}:\n${said}`);
  });
  const answer = await running.done;
  over.abort(new Error("no instance was made"));
  await boot;
  return answer;
}

/** With somebody at a terminal, who types `answer`. */
function typed(answer: string, command: string): Running {
  const line = `./fleet ${command} ${trial.stack}`;
  return start("script", ["--quiet", "--return", "--command", line, "/dev/null"], { env: trial.env, input: `${answer}\n` });
}

beforeAll(async () => {
  emulator = await startEmulator();
  Object.assign(process.env, emulator.env, {
    PATH: `${join(checkout, "test/aws-provider")}:${process.env.PATH}`,
    FLEET_TEST_STAND_INS: JSON.stringify({ [instance]: place.address }),
  });
  const { Images = [] } = await client().send(new ec2.DescribeImagesCommand({}));
  const image = Images.find(({ Architecture, Platform }) => Architecture === "x86_64" && !Platform)?.ImageId;
  await new SSMClient({ region }).send(new PutParameterCommand({ Name: "/own/image", Value: image, Type: "String" }));
  await machine();
});

afterAll(async () => {
  await trial.remove();
  await emulator?.stop();
  rmSync(remote, { recursive: true, force: true });
  for (const name of archives()) rmSync(join(kept, name), { recursive: true });
});

describe("a fleet on EC2", () => {
  const inStack = { Filters: [{ Name: "tag:stack", Values: [trial.stack] }] };

  test("before the first up: verify says what is missing", async () => {
    const { code, stdout, said } = await trial.run("verify");
    expect([code, code === 7 ? "" : said]).toEqual([7, ""]);
    expect(stdout).toContain("aws:ec2/instance:Instance[trial-aws-isu1]");
    expect(stdout).toContain("is missing");
  });

  test("up: from an account to a converged server", async () => {
    const { code, said } = await up();
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    // Nobody said when: a day from now, on everything that AWS can tag, and no later up moves it.
    const [, end = ""] = /^it may go at (\S+Z), and `fleet reap` takes it then/m.exec(said) ?? [];
    expect(Date.parse(end) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    const { Vpcs } = await client().send(new ec2.DescribeVpcsCommand(inStack));
    expect(Vpcs?.[0]?.Tags).toContainEqual({ Key: "expiry", Value: end });
    const { stdout } = await inside(trial.stack, "isu1", "hostname; cat /etc/sudoers.d/zz-fleet");
    expect(stdout).toMatch(/^isu1\n/);
    expect(stdout).toContain("fleet-admin");
  });

  test("verify: all right; then the doors are opened by hand, and it says so", async () => {
    const right = await trial.run("verify", ["--all"]);
    expect([right.code, right.code === 0 ? "" : right.said]).toEqual([0, ""]);
    expect(right.stdout).toContain(`aws environment check\n  = isucon14[VPC]\n  = isucon14[${instance}]\n`);
    const { SecurityGroups } = await client().send(new ec2.DescribeSecurityGroupsCommand(inStack));
    const GroupId = SecurityGroups?.find(({ GroupName }) => GroupName !== "default")?.GroupId;
    const IpPermissions = [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }];
    await client().send(new ec2.AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
    const { code, stdout } = await trial.run("verify");
    expect([code, stdout]).toEqual([
      7,
      expect.stringMatching(/aws:ec2\/securityGroup:SecurityGroup\[trial-aws-network-group\].*ingress: not as the stack file says/s),
    ]);
    const preview = await trial.run("preview");
    expect([preview.code, preview.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^ {2}~ aws:ec2\/securityGroup:SecurityGroup trial-aws-network-group {2}drifted, is put right\n {6}-ingress: /m,
      ),
    ]);
    expect(stdout).toContain(
      `! isucon14[${instance}]\n      expected all protocols from exactly \`192.168.0.0/24\`, got \`192.168.0.0/24 0.0.0.0/0\`\n`,
    );
  });

  test("verify: what only EC2 itself can tell, and the environment check would disqualify for", async () => {
    const { Subnets } = await client().send(new ec2.DescribeSubnetsCommand(inStack));
    const { Reservations } = await client().send(new ec2.DescribeInstancesCommand(inStack));
    const own = Reservations?.[0]?.Instances?.[0];
    const SubnetId = Subnets?.[0]?.SubnetId;
    const { NetworkInterface } = await client().send(new ec2.CreateNetworkInterfaceCommand({ SubnetId }));
    const { VolumeId } = await client().send(new ec2.CreateVolumeCommand({ AvailabilityZone: own?.Placement?.AvailabilityZone, Size: 5 }));
    await client().send(new ec2.AttachVolumeCommand({ VolumeId, InstanceId: own?.InstanceId, Device: "/dev/sdf" }));
    const { code, stdout } = await trial.run("verify", ["--format", "json"]);
    const reports = JSON.parse(stdout) as readonly RoleReport[];
    const check = reports.find(({ role }) => role === "environment check")!;
    expect([code, check.results.map(({ changes }) => changes)]).toEqual([
      7,
      [
        [`expected no interface but the servers' own, got \`${NetworkInterface?.NetworkInterfaceId}\``],
        [
          expect.stringMatching(/^expected volumes `gp3 of 20 GB`, got `(?=.*gp3 of 20 GB).*of 5 GB.*`$/),
          "expected all protocols from exactly `192.168.0.0/24`, got `192.168.0.0/24 0.0.0.0/0`",
        ],
      ],
    ]);
    await client().send(new ec2.DeleteNetworkInterfaceCommand({ NetworkInterfaceId: NetworkInterface?.NetworkInterfaceId }));
    await client().send(new ec2.DetachVolumeCommand({ VolumeId, InstanceId: own?.InstanceId }));
    await client().send(new ec2.DeleteVolumeCommand({ VolumeId }));
  });

  test("watch: what was changed at AWS is named, and healed: an instance that somebody stopped, open doors", async () => {
    const { Reservations } = await client().send(new ec2.DescribeInstancesCommand(inStack));
    const InstanceIds = [Reservations?.[0]?.Instances?.[0]?.InstanceId ?? ""];
    await client().send(new ec2.StopInstancesCommand({ InstanceIds }));
    const once = await trial.run("watch", ["--once"]);
    expect([once.code, once.stdout], once.said).toEqual([7, expect.stringMatching(/aws trial-aws-network-group .*: differs: .*ingress/)]);
    expect(once.stdout).toMatch(/aws \S+ fleet:index:InstancePower: differs: .*stopped/);
    // By its own up it would come back under the emulator's address, where no machine stands in for it.
    await client().send(new ec2.StartInstancesCommand({ InstanceIds }));
    const watching = trial.start("watch", ["--every", "5s", "--heal", "--json"]);
    const told = (kind: string) => new RegExp(`"kind":"${kind}","server":"aws"[^}]*"resource":"aws:ec2/securityGroup:SecurityGroup"`);
    for (const kind of ["drift", "healed"]) await soon(watching.said).toMatch(told(kind));
    watching.child.kill("SIGINT");
    expect((await watching.done).code, watching.said()).toBe(130);
    const { SecurityGroups = [] } = await client().send(new ec2.DescribeSecurityGroupsCommand(inStack));
    expect(
      SecurityGroups.flatMap(({ IpPermissions = [] }) =>
        IpPermissions.flatMap(({ IpProtocol, IpRanges }) => (IpProtocol === "-1" ? (IpRanges ?? []) : [])),
      ).map(({ CidrIp }) => CidrIp),
    ).not.toContain("0.0.0.0/0");
  });

  test("reap leaves it alone while its time is not over", async () => {
    const { code, stdout } = await start("./fleet", ["reap", "--region", region], { env: trial.env }).done;
    expect([code, stdout]).toEqual([0, "no stack is past its expiresAt\n"]);
  });

  test("down asks, and does nothing without the right answer", async () => {
    const without = await trial.run("down");
    expect(without.code).toBe(2);
    expect(without.stdout).toMatch(/^isu1 +\S+ +terminated with everything on it\ntrial: about \d+\.\d{2} USD since \d{4}-\d{2}-\d{2}/m);
    expect(without.stderr).toContain(`down does this to 1 server of ${trial.stack}; expected a confirmation, got no terminal to ask on`);
    const wrong = await typed("yes", "down").done;
    expect([wrong.code, wrong.stdout]).toEqual([
      2,
      expect.stringContaining(`expected \`${trial.stack}\`, got \`yes\`; nothing was changed`),
    ]);
    expect((await trial.run("verify")).code).toBe(0);
  });

  test("down: fetches what is to be kept, waits until AWS lets go, and proves zero", async () => {
    await inside(trial.stack, "isu1", "mkdir -p /srv/shop; echo 'the orders' >/srv/shop/dump-1.sql; echo no >/srv/shop/dump-x.sql");
    const { Vpcs } = await client().send(new ec2.DescribeVpcsCommand(inStack));
    const stranger = { VpcId: Vpcs?.[0]?.VpcId, CidrBlock: "192.168.200.0/24" };
    const { Subnet } = await client().send(new ec2.CreateSubnetCommand(stranger));
    const running = typed(trial.stack, "down");
    // Somebody's subnet holds the VPC until the first `destroy` is through.
    const heard = setInterval(() => {
      if (!running.said().includes("has not let go")) return;
      clearInterval(heard);
      void client().send(new ec2.DeleteSubnetCommand({ SubnetId: Subnet?.SubnetId }));
    }, 200);
    const { code, stdout } = await running.done;
    clearInterval(heard);
    expect([code, code === 0 ? "" : stdout]).toEqual([0, ""]);
    expect(stdout).toMatch(/AWS has not let go of everything; tries again in \d+ s/);
    expect(stdout).toContain("nothing is left: zero");
    const [folder = ""] = archives();
    expect(stdout).toContain(`archives/${folder}/isu1.tar.gz`);
    const tarball = join(kept, folder, "isu1.tar.gz");
    expect(execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" })).toBe("./etc/hostname\n./srv/shop/dump-1.sql\n");
    expect(execFileSync("tar", ["-xzOf", tarball, "./srv/shop/dump-1.sql"], { encoding: "utf8" })).toBe("the orders\n");
    expect(trial.stateFiles()).toEqual([]);
    const last = readFileSync(join(ownProject, ".fleet", "ended", `${trial.stack}.json`), "utf8");
    expect(last).toContain(instance);
    expect(last).not.toMatch(/BEGIN (?:OPENSSH|RSA) PRIVATE KEY/);
  });
});

describe("a fleet whose time is over, its state on another backend", () => {
  const backend = () => ({ PULUMI_BACKEND_URL: `file://${remote}` });
  const reap = (...args: readonly string[]) =>
    start("./fleet", ["reap", "--region", region, ...args], { env: { ...trial.env, ...backend() } }).done;

  const until = (expiresAt: string) => trial.edit(({ target }) => Object.assign(target as object, { expiresAt }));
  const over = "2020-01-01 00:00:00 +0000 UTC";

  test("that is not up is no news, and is not made", async () => {
    until(over);
    for (const flags of [[], ["--yes"]]) {
      const { code, said } = await reap(...flags);
      expect([code, said]).toEqual([0, "no stack is past its expiresAt\n"]);
    }
    expect(existsSync(join(remote, ".pulumi", "stacks"))).toBe(false);
  });

  test("that is up is named, and with --yes taken away, though its server can't be reached any more", async () => {
    await machine();
    trial.edit(({ target }) => void delete (target as { expiresAt?: string }).expiresAt);
    const { code, said } = await up(backend());
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    // By the end that the state alone knows.
    expect((await reap("--json")).stdout).toContain('"expired": []');
    until(over);
    const named = await reap("--json");
    const { stack } = trial;
    expect([named.code, JSON.parse(named.stdout).expired]).toEqual([
      0,
      [{ stack, team: "trial", expiresAt: "2020-01-01T00:00:00Z", region }],
    ]);
    await asleep(stack, "isu1");
    const done = await reap("--yes");
    expect(done.said).toContain("over since 2020-01-01T00:00:00Z");
    expect(done.said).toContain("nothing is left: zero");
    expect(done.said).toMatch(/archive:\n {2}isu1: .*refused/);
    expect(done.said).toContain("taken away without the whole archive");
    expect(done.code).toBe(1);
    const again = await reap("--yes");
    expect([again.code, again.said]).toEqual([0, "no stack is past its expiresAt\n"]);
  });
});
