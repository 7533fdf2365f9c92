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
    // The test double of the AWS provider stands on PATH, as a plugin may.
    const PATH = `${join(checkout, "test/aws-provider")}:${process.env.PATH}`;
    Object.assign(process.env, emulator.env, hosts.env, { PATH });
    trial.overlay("isu1", "srv/index.html", "open\n");
  });

  afterAll(async () => {
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
