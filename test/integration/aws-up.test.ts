// A fleet on EC2 from one `fleet up` to nothing, with servers that boot: an emulator of AWS has the account, a test double of Pulumi's AWS
// provider speaks to it, and behind each instance a blank Debian comes up by cloud-init from its user data alone. All else is the product.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ec2 from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureImage } from "../../machines/image.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { leftovers } from "../../machines/sweep.ts";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { openShell } from "../../provisioners/ssh/session.ts";
import { checkout } from "../../provisioners/stack.ts";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { packages } from "../support/blank-host.ts";
import { Ec2Door } from "../support/ec2-door.ts";
import { Ec2Hosts, type HostSpec } from "../support/ec2-hosts.ts";
import { openPlace, type Place } from "../support/ec2-place.ts";
import { type Answer, inside, start, Trial } from "../support/fleet.ts";
import { ownNetwork } from "../support/own.ts";
import { soon } from "../support/soon.ts";

const cidr = `${ownNetwork()}.0/24`;
/** As test/support/ec2-hosts.ts gives public addresses. */
const publicNetwork = `198.18.${cidr.split(".")[2]}`;
const site = { name: "shop", root: "/srv", routes: [{ kind: "static", path: "/" }] };
const trial = new Trial("aws-up", {
  target: { kind: "aws", region, cidr, image: "debian-12", sshFrom: ["203.0.113.0/24"], httpFrom: ["0.0.0.0/0"] },
  servers: { isu1: { roles: ["base", "nginx"] }, isu2: { roles: ["base", "redis"] } },
  params: { base: { packages: [] }, nginx: { sites: [site] } },
});
const { stack } = trial;
const spec: HostSpec = {
  ...{ stack, subnet: cidr, driver: "nspawn", cores: 1, memoryMiB: 768, release: "bookworm", packages },
  authorizedKey: `ssh-ed25519 ${"A".repeat(68)} nobody has its other half`,
};
const folder = mkdtempSync(join(tmpdir(), "aws-up-"));

let emulator: Emulator;
let place: Place;
let hosts: Ec2Hosts;
let door: Ec2Door;

const client = () => new ec2.EC2Client({ region });
const right = ({ code, said }: Answer) => expect([code, code === 0 ? "" : said]).toEqual([0, ""]);

/** What AWS says of a server now. */
async function instanceOf(server: string): Promise<ec2.Instance | undefined> {
  const Filters = [
    { Name: "tag:Name", Values: [`trial-aws-${server}`] },
    { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
  ];
  const { Reservations = [] } = await client().send(new ec2.DescribeInstancesCommand({ Filters }));
  const found = Reservations.flatMap(({ Instances = [] }) => Instances);
  expect(found.length).toBeLessThan(2);
  return found[0];
}

/** As root on the server, past SSH. */
async function on(server: string, script: string): Promise<string> {
  const { code, stdout, said } = await inside(stack, (await instanceOf(server))!.InstanceId!, script);
  expect(code, said).toBe(0);
  return stdout.trim();
}

/** As the state has them, in the clear. */
async function connections(): Promise<Readonly<Record<string, Connection>>> {
  const { stdout } = await trial.pulumi(["stack", "output", "--json", "--show-secrets"]);
  return JSON.parse(stdout).servers;
}

/** The host key that a server was started with, from the emulator's copy of its user data. */
async function givenKey(server: string): Promise<string> {
  const { InstanceId } = (await instanceOf(server))!;
  const { UserData } = await client().send(new ec2.DescribeInstanceAttributeCommand({ InstanceId, Attribute: "userData" }));
  return /^ +ed25519_public: (ssh-ed25519 \S+)/m.exec(Buffer.from(UserData!.Value!, "base64").toString("utf8"))![1]!;
}

/** The rotation: one key of its own, in the state and on the server; the one that user data carried opens nothing any more. */
async function expectOwnKey(server: string): Promise<void> {
  const { [server]: connection } = await connections();
  const [given, files] = [await givenKey(server), await on(server, "ls /etc/ssh/ssh_host_*; cut -d' ' -f1,2 /etc/ssh/ssh_host_*.pub")];
  expect(connection!.hostKey).not.toBe(given);
  expect(files).toBe(`/etc/ssh/ssh_host_ed25519_key\n/etc/ssh/ssh_host_ed25519_key.pub\n${connection!.hostKey}`);
  await expect(openShell({ ...connection!, hostKey: given })).rejects.toMatchObject({ name: "HostError", fault: "host-key" });
  await (await openShell(connection!)).close();
}

const page = async (address: string) => (await fetch(`http://${address}/index.html`)).text();

describe.skipIf(process.getuid?.() !== 0)("a fleet on EC2 (these need root on Linux)", () => {
  beforeAll(async () => {
    await ensureImage(spec);
    emulator = await startEmulator();
    place = await openPlace({ ...spec, name: "any", address: "" }, region, emulator);
    hosts = await Ec2Hosts.open(spec, place);
    door = await Ec2Door.open(emulator.env.AWS_ENDPOINT_URL!, hosts);
    // The test double of the AWS provider stands on PATH, as a plugin may.
    const PATH = `${join(checkout, "test/aws-provider")}:${process.env.PATH}`;
    Object.assign(process.env, emulator.env, hosts.env, { PATH });
    trial.overlay("isu1", "srv/index.html", "open\n");
  });

  afterAll(async () => {
    await door?.close();
    await hosts?.close();
    await trial.remove();
    await place?.close();
    await emulator?.stop();
    rmSync(folder, { recursive: true, force: true });
    expect(await leftovers(stack)).toEqual([]);
  });

  test("preview: every server's files before one exists", async () => {
    const file = join(folder, "preview.md");
    right(await trial.run("preview", ["--markdown", file]));
    const text = readFileSync(file, "utf8");
    for (const shown of ["<b>isu1</b>", "<b>isu2</b>", "`file[/etc/nginx/nginx.conf]` create", "root /srv;", "redis.conf]` create"])
      expect(text).toContain(shown);
    expect(await instanceOf("isu1")).toBeUndefined();
  });

  test("up: from nothing to servers that serve, and where they are", async () => {
    const { code, stdout, said } = await trial.up();
    expect([code, hosts.failures, code === 0 ? "" : said]).toEqual([0, [], ""]);
    const [isu1 = "", isu2 = ""] = Object.values(await connections()).map(({ address }) => address);
    expect([isu1, isu2].sort()).toEqual([`${publicNetwork}.1`, `${publicNetwork}.2`]);
    await soon(() => page(isu1)).toBe("open\n");
    await soon(() => on("isu2", "hostname; redis-cli ping")).toBe("isu2\nPONG");
    expect(stdout.split(/ +|\n/).join(" ")).toContain(` isu1 ${isu1} base nginx isu2 ${isu2} base redis `);
    expect(stdout).toContain(`\nopen  http://${isu1}/\n`);
    expect(stdout).toContain(`./fleet ssh isu1 --stack ${stack} `);
  });

  test("each was told by its user data alone, and had nothing to complain of", async () => {
    for (const server of ["isu1", "isu2"])
      await soon(() => on(server, "cloud-init status; grep -F WARNING /var/log/cloud-init.log || [ $? = 1 ]")).toBe("status: done");
    expect(place.metadata.withoutToken).toEqual([]);
  });

  test("each server has made its own host key", async () => {
    for (const server of ["isu1", "isu2"]) await expectOwnKey(server);
  });

  test("up again changes nothing, and verify agrees", async () => {
    const { code, stdout, said } = await trial.up();
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Resources:\n +\d+ unchanged$/m);
    right(await trial.run("verify"));
  });

  test("fleet ssh opens the server, with its own key pinned", async () => {
    const { code, stdout, said } = await start("./fleet", ["ssh", "isu1", "--stack", stack, "--", "hostname; id -un; sudo -n id -un"], {
      env: trial.env,
    }).done;
    expect([code, stdout], said).toEqual([0, "isu1\nfleet-admin\nroot\n"]);
  });

  test("a hand edit shows in verify, and up heals it", async () => {
    await on("isu1", "printf '# by hand\\n' >>/etc/nginx/nginx.conf");
    const { code, stdout } = await trial.run("verify");
    expect([code, stdout]).toEqual([7, expect.stringMatching(/^isu1 nginx\n +\S+ file\[\/etc\/nginx\/nginx\.conf\]\n.*# by hand$/ms)]);
    // The file, and nginx that has not read it.
    expect(stdout).toMatch(/: 2 differ$/m);
    right(await trial.up());
    expect(await on("isu1", "grep -c 'by hand' /etc/nginx/nginx.conf || [ $? = 1 ]")).toBe("0");
    right(await trial.run("verify"));
  });

  test("a change of the stack file shows as its line, under its server", async () => {
    trial.edit(({ params, target }) => {
      Object.assign(params as object, { nginx: { main: { keepaliveTimeout: 7 }, sites: [site] } });
      Object.assign(target as object, { servers: { isu1: { instanceType: "c5.xlarge" } } });
    });
    trial.overlay("isu1", "srv/index.html", "closed\n");
    const file = join(folder, "change.md");
    right(await trial.run("preview", ["--markdown", file]));
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^\| trial \| 0 \| [0-9]+ \| 0 \| 0 \| /m);
    expect(text).toContain("trial-aws-isu1: type `c5.large` → `c5.xlarge` stops and starts the server");
    const [, isu1 = ""] = /<b>isu1<\/b>: 4 planned(.*?)<\/details>/s.exec(text) ?? [];
    expect(isu1).toMatch(/^-\s+keepalive_timeout 600;\n\+\s+keepalive_timeout 7;$/m);
    expect(isu1).toContain("\n-open\n+closed\n");
    expect(text).not.toContain("<b>isu2</b>");
  });

  test("another size stops and starts the server: same machine and key, another address", async () => {
    const { isu1: before } = await connections();
    const machine = (await instanceOf("isu1"))!.InstanceId!;
    const { leaderPid } = (await nspawn.read({ stack, name: machine }))!;
    right(await trial.up());
    expect(hosts.failures).toEqual([]);
    const after = (await instanceOf("isu1"))!;
    expect([after.InstanceId, after.InstanceType]).toEqual([machine, "c5.xlarge"]);
    expect((await nspawn.read({ stack, name: machine }))!.leaderPid).not.toBe(leaderPid);
    const { isu1 } = await connections();
    expect(isu1).toEqual({ ...before, address: `${publicNetwork}.3` });
    await soon(() => page(isu1!.address)).toBe("closed\n");
    expect(await on("isu1", "hostname")).toBe("isu1");
  });

  test("another image makes another server, with another key; the others are left alone", async () => {
    const before = await connections();
    const machines = await Promise.all(["isu1", "isu2"].map(async (server) => (await instanceOf(server))!.InstanceId!));
    const { Images = [] } = await client().send(new ec2.DescribeImagesCommand({}));
    const { ImageId: now } = (await instanceOf("isu2"))!;
    const image = Images.find(({ Architecture, Platform, ImageId }) => Architecture === "x86_64" && !Platform && ImageId !== now)!.ImageId;
    trial.edit((fleet) => Object.assign((fleet.target as { servers: object }).servers, { isu2: { image } }));
    right(await trial.up());
    expect(hosts.failures).toEqual([]);
    expect([...hosts.machines.keys()].sort()).toEqual([machines[0], (await instanceOf("isu2"))!.InstanceId].sort());
    expect((await instanceOf("isu2"))!.InstanceId).not.toBe(machines[1]);
    const after = await connections();
    expect(after.isu1).toEqual(before.isu1);
    expect(after.isu2!.hostKey).not.toBe(before.isu2!.hostKey);
    await expectOwnKey("isu2");
    await soon(() => on("isu2", "hostname; redis-cli ping")).toBe("isu2\nPONG");
    right(await trial.run("verify"));
  });

  /** Of the bakes, but not what they made to stay. */
  const helpers = async () => {
    const Filters = [{ Name: "tag-key", Values: ["baking"] }];
    const [{ Reservations = [] }, { Images = [] }, { Snapshots = [] }, { SecurityGroups = [] }] = await Promise.all([
      client().send(
        new ec2.DescribeInstancesCommand({ Filters: [...Filters, { Name: "instance-state-name", Values: ["running", "stopped"] }] }),
      ),
      client().send(new ec2.DescribeImagesCommand({ Filters, Owners: ["self"] })),
      client().send(new ec2.DescribeSnapshotsCommand({ Filters, OwnerIds: ["self"] })),
      client().send(new ec2.DescribeSecurityGroupsCommand({ Filters })),
    ]);
    return [...Reservations, ...Images, ...Snapshots, ...SecurityGroups];
  };
  const bake = (...more: readonly string[]) =>
    trial.startBare(["image", "bake", stack, "isu1", "--name", "web", "--yes", ...more], { env: door.env });

  test("image bake refuses what an image would take along, before anything is made", async () => {
    const { isu1 } = await connections();
    const [, , line = ""] = isu1!.privateKey!.split("\n");
    await on("isu1", `umask 077; printf 'x %s\n' '${line}' >/srv/leak; printf -- '-----BEGIN PRIVATE KEY-----\n' >/srv/tls.key`);
    const calls: string[] = [];
    door.onCall = (action) => void calls.push(action);
    const { code, stderr } = await bake().done;
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/\/srv\/leak: a secret of the stack\n {2}\/srv\/tls\.key: a private key\nnext: --leave-out PATH/),
    ]);
    expect(calls.filter((action) => !action.startsWith("Describe"))).toEqual([]);
  });

  const given = ["--leave-out", "/srv/leak", "--keep", "/srv/tls.key"];

  test("image bake: a fault in the middle and Ctrl-C leave nothing behind; a killed one what sweep names and the next takes away", async () => {
    let images = 0;
    door.onCall = (action) => (action === "CreateImage" && ++images === 2 ? "InternalFailure" : undefined);
    const failed = await bake(...given).done;
    expect([failed.code, failed.said]).toEqual([2, expect.stringContaining("refused by the test")]);
    expect(await helpers()).toEqual([]);
    const killed = bake(...given);
    door.onCall = (action) => void (action === "RunInstances" && process.kill(-killed.child.pid!, "SIGKILL"));
    await killed.done;
    const left = JSON.parse((await trial.run("sweep", ["--json"])).stdout).left as { kind: string; name: string; expiry: string }[];
    const helping = left.filter(({ name }) => name.includes("-isu1-bake-"));
    expect(new Set(helping.map(({ kind }) => kind))).toEqual(new Set(["instance", "volume", "image", "snapshot", "security group"]));
    expect(helping.every(({ expiry }) => Date.parse(expiry) - Date.now() < 7 * 3_600_000)).toBe(true);
    const running = bake(...given);
    door.onCall = (action) => void (action === "RunInstances" && running.child.kill("SIGINT"));
    const { code, stderr } = await running.done;
    expect([code, stderr]).toEqual([130, expect.stringContaining("image: interrupted; what was made on the way was taken away")]);
    expect(await helpers()).toEqual([]);
  });

  test("image bake: an image of a server that goes on running, tested by another, without what is the server's own", async () => {
    door.onCall = () => undefined;
    const before = (await instanceOf("isu1"))!.InstanceId;
    const served = await page((await connections()).isu1!.address);
    const { code, stdout, said } = await bake(...given, "--json").done;
    expect([code, hosts.failures, code === 0 ? "" : said]).toEqual([0, [], ""]);
    const baked = JSON.parse(stdout);
    expect(baked).toMatchObject({ name: "web", base: "debian-12", region, roles: ["base", "files", "nginx"], untold: [] });
    expect(await helpers()).toEqual([]);
    expect((await instanceOf("isu1"))!.InstanceId).toBe(before);
    expect(await page((await connections()).isu1!.address)).toBe(served);
    const { stdout: listed } = await trial.startBare(["image", "list"], { env: door.env }).done;
    expect(listed).toMatch(new RegExp(`^debian-12/web +${baked.image} .* trial +until .* base files nginx$`, "m"));
    const swept = await trial.run("sweep", ["--json"]);
    const kept = JSON.parse(swept.stdout).kept as { kind: string; id: string }[];
    expect(kept.map(({ kind }) => kind)).toEqual(["image", "snapshot"]);
    const again = await bake(...given).done;
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining(`got web (${baked.image}); next: ./fleet image rm web`)]);
  });

  test("a server starts from it: its packages and files are there, its keys are its own", async () => {
    trial.edit((fleet) => {
      const target = fleet.target as { servers?: object };
      target.servers = { ...target.servers, isu2: { image: "debian-12/web" } };
      Object.assign((fleet.servers as { isu2: object }).isu2, { roles: ["base", "redis", "nginx"] });
    });
    trial.overlay("isu2", "srv/index.html", "baked\n");
    const preview = await trial.run("preview");
    expect(preview.code, preview.said).toBe(0);
    const { code, said } = await trial.up();
    expect([code, hosts.failures, code === 0 ? "" : said]).toEqual([0, [], ""]);
    await expectOwnKey("isu2");
    expect(await on("isu2", "cat /srv/tls.key; ls /srv/leak 2>&1 || true; hostname")).toMatch(/BEGIN PRIVATE KEY.*No such file.*\nisu2$/s);
    const of = async (server: string) => await on(server, "cat /etc/machine-id; cat /root/.bash_history 2>/dev/null || true");
    expect(await of("isu2")).not.toBe(await of("isu1"));
    expect(await page((await connections()).isu2!.address)).toBe("baked\n");
    right(await trial.run("verify"));
  });

  test("image rm: not while somebody needs it", async () => {
    const rm = (...more: readonly string[]) => trial.startBare(["image", "rm", "web", "--yes", ...more], { env: door.env }).done;
    const refused = await rm();
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/Pulumi\..*yaml names it; trial-aws-isu2 runs from it/)]);
    trial.edit((fleet) => Object.assign((fleet.target as { servers: object }).servers, { isu2: {} }));
    right(await rm("--force"));
    expect((await trial.startBare(["image", "list"], { env: door.env }).done).stdout).toContain("no image");
    expect(JSON.parse((await trial.run("sweep", ["--json"])).stdout).kept).toEqual([]);
  });

  test("down: nothing is left, at AWS and here", async () => {
    const { code, stdout, said } = await trial.run("down", ["--yes"]);
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(stdout).toContain("nothing is left: zero");
    const swept = await trial.run("sweep");
    expect([swept.code, swept.stdout]).toEqual([0, expect.stringContaining("zero")]);
    expect([...hosts.machines.keys()]).toEqual([]);
    expect(trial.stateFiles()).toEqual([]);
    expect(await leftovers(stack)).toEqual([]);
  });
});
