// Practice machines as they are: made, logged in to, limited, rebooted, killed at odd moments, healed, taken away without a trace.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { groupsOf, removeGroups } from "../../machines/limits.ts";
import type { MachineSpec, MachineState } from "../../machines/machine.ts";
import { pathsOf, stackDirectory } from "../../machines/names.ts";
import { removeNetwork, tables } from "../../machines/network.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { unmountAll } from "../../machines/nspawn/overlay.ts";
import { kill } from "../../machines/processes.ts";
import { run } from "../../machines/run.ts";
import { leftovers, machines, sweep } from "../../machines/sweep.ts";
import { ssh2 } from "../../provisioners/ssh/ssh2.ts";
import { ownNetwork, ownStack } from "../support/own.ts";
import { clearDead, processesOf } from "../support/own-cleanup.ts";
import { isAlive, networks, owners } from "../support/own-runs.ts";
import { soon, until } from "../support/soon.ts";

const canary = `c'an"ary $(${process.pid})`;
const [stack, other] = [ownStack("machines-test"), ownStack("machines-test-other")];
const [network, otherNetwork] = [ownNetwork(), ownNetwork()];
const ipForward = "/proc/sys/net/ipv4/ip_forward";
let directory = "";
let authorizedKey = "";

const machine = (name: string, change: Partial<MachineSpec> = {}): MachineSpec => ({
  stack,
  name,
  driver: "nspawn",
  cores: 1,
  memoryMiB: 384,
  address: `${network}.1${name.at(-1)}`,
  subnet: `${network}.0/24`,
  release: "bookworm",
  authorizedKey,
  users: [{ name: "isucon", password: canary }],
  ...change,
});

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The OpenSSH client, with nothing known but the host key of `state`. */
async function ssh(state: MachineState, command: string): Promise<Answer> {
  const known = join(directory, `known-${state.id.replace("/", "-")}`);
  await writeFile(known, `${state.address} ${state.hostKey}\n`);
  const options = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile=${known}`,
    "GlobalKnownHostsFile=none",
    "ConnectTimeout=10",
  ];
  const args = [
    "-F",
    "none",
    "-i",
    join(directory, "key"),
    ...options.flatMap((option) => ["-o", option]),
    `${state.user}@${state.address}`,
    command,
  ];
  return promisify(execFile)("ssh", args, { timeout: 120_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

async function text(state: MachineState, command: string): Promise<string> {
  const { code, stdout, stderr } = await ssh(state, command);
  expect({ code, stderr: code === 0 ? "" : stderr }, command).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

/** Waits for the next boot: another first process, and SSH answering. */
async function nextBoot(spec: MachineSpec, before: MachineState): Promise<MachineState> {
  const again = async () => ![undefined, before.leaderPid].includes((await nspawn.read(spec))?.leaderPid);
  await until(again, `${spec.name} to boot again`);
  return await nspawn.ensure(spec);
}

const pid = async (file: string): Promise<number> => Number(await readFile(file, "utf8"));

/** `ensure` in a process of its own, so that it can be killed. */
function ensureElsewhere(spec: MachineSpec): ChildProcess {
  const driver = new URL("../../machines/nspawn/driver.ts", import.meta.url).href;
  const program = `const { nspawn } = await import(${JSON.stringify(driver)}); await nspawn.ensure(JSON.parse(process.env.SPEC));`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: "inherit",
    env: { ...process.env, SPEC: JSON.stringify(spec) },
  });
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once("exit", resolve));

describe.skipIf(process.getuid?.() !== 0)("practice machines (these need root on Linux)", () => {
  let forwarding = "";
  let isu1: MachineState;
  let isu2: MachineState;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "machines-test-"));
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", join(directory, "key")]);
    authorizedKey = (await readFile(join(directory, "key.pub"), "utf8")).trim();
    // What it was before the first stack, where one is running already.
    forwarding = await readFile("/var/lib/contest-fleet/ip_forward", "utf8").catch(() => readFile(ipForward, "utf8"));
    [isu1, isu2] = await Promise.all([nspawn.ensure(machine("isu1")), nspawn.ensure(machine("isu2"))]);
  });

  afterAll(async () => {
    await sweep(stack);
    await sweep(other);
    await rm(directory, { recursive: true });
  });

  test("are systems of their own: name, address, init without failed units, sudo, each other", async () => {
    expect(await text(isu1, "hostname; sudo id -u; systemctl is-system-running --wait")).toBe("isu1\n0\nrunning");
    expect(await text(isu2, `hostname -I; ping -c 1 -W 30 ${isu1.address} >/dev/null && echo reached`)).toMatch(
      new RegExp(`^${isu2.address} ?\nreached$`),
    );
    expect(isu1.hostKey).not.toBe(isu2.hostKey);
  });

  test("show the host key that was pinned at creation, and no other", async () => {
    const wrong = await ssh({ ...isu1, hostKey: isu2.hostKey }, "true");
    expect(wrong.code).toBe(255);
    expect(wrong.stderr).toMatch(/host identification has changed|Host key verification failed/i);
  });

  test("let the handed-out user in by password, which is stored nowhere in the clear", async () => {
    const output = await new Promise<string>((resolve, reject) => {
      const client = new ssh2.Client();
      client.on("error", reject).on("ready", () =>
        client.exec("sudo -n id -un", (error, stream) => {
          if (error) return reject(error);
          stream.on("data", (bytes: Buffer) => resolve(bytes.toString().trim())).on("close", () => client.end());
        }),
      );
      client.connect({
        host: isu1.address,
        username: "isucon",
        password: canary,
        hostVerifier: (key: Buffer) => isu1.hostKey.endsWith(key.toString("base64")),
      });
    });
    expect(output).toBe("root");
    const { directory: state } = pathsOf(machine("isu1"));
    await expect(run("grep", ["-rlF", "--exclude-dir=root", "--exclude-dir=work", "-e", canary, state])).rejects.toThrow("exit code 1");
  });

  test("install packages from the mirror that this computer uses", async () => {
    await text(isu1, "sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive apt-get install -qy nginx");
    await soon(() => text(isu2, `curl -sI http://${isu1.address} | head -n 1`)).toContain("200 OK");
  });

  test("keep to their memory and their processors", async () => {
    expect(await text(isu2, "nproc")).toBe("1");
    const { code } = await ssh(isu2, "head -c 600M /dev/zero | tail >/dev/null");
    expect(code, "tail holds 600 MiB in a machine of 384").toBe(137);
    const busy = "timeout 1 sh -c 'while :; do :; done'";
    const times = await text(
      isu2,
      `bash -c 'taskset -pc 0-63 $$ >/dev/null; ${busy.replaceAll("'", '"')} & ${busy.replaceAll("'", '"')} & wait; times' | tail -n 1`,
    );
    const [user] = [...times.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds));
    expect(user, "seconds of processor time that two loops get in one second").toBeLessThan(1.3);
  });

  test("stay as they are when nothing is to do", async () => {
    expect(await nspawn.ensure(machine("isu1"))).toEqual(isu1);
    expect(await nspawn.read(`${stack}/isu1`)).toEqual(isu1);
    expect(await nspawn.read({ stack, name: "isu9" })).toBeUndefined();
  });

  test("come back from a reboot that was asked for inside, with their content", async () => {
    await text(isu2, "echo kept | sudo tee /root/note >/dev/null");
    await ssh(isu2, "sudo systemctl reboot");
    isu2 = await nextBoot(machine("isu2"), isu2);
    expect(await text(isu2, "sudo cat /root/note")).toBe("kept");
  });

  test.each(["supervisorPid", "machinePid"] as const)("are healed after kill -9 of %s", async (which) => {
    process.kill(await pid(pathsOf(machine("isu2"))[which]), "SIGKILL");
    const before = isu2.leaderPid;
    isu2 = await nspawn.ensure(machine("isu2"));
    expect(isu2.leaderPid).not.toBe(before);
    expect(await text(isu2, "sudo cat /root/note")).toBe("kept");
  });

  test("start again after a restart of this computer, which leaves nothing but files", async () => {
    const id = groupsOf(machine("isu2"));
    await kill(id);
    await unmountAll(stackDirectory(stack));
    await kill(groupsOf(machine("isu1")));
    await unmountAll(stackDirectory(stack));
    await removeGroups(id);
    await removeNetwork(stack, async () => false);
    expect(await nspawn.read(machine("isu2"))).toMatchObject({ running: false, hostKey: isu2.hostKey });
    [isu1, isu2] = await Promise.all([nspawn.ensure(machine("isu1")), nspawn.ensure(machine("isu2"))]);
    expect(await text(isu2, "sudo cat /root/note")).toBe("kept");
  });

  test("take a changed spec with a restart, and keep content and host key", async () => {
    const changed = await nspawn.ensure(machine("isu2", { memoryMiB: 512, address: `${network}.22` }));
    expect(changed).toMatchObject({ address: `${network}.22`, hostKey: isu2.hostKey });
    expect((await ssh(changed, "head -c 400M /dev/zero | tail >/dev/null && sudo cat /root/note")).stdout).toBe("kept\n");
    isu2 = changed;
  });

  test("are made once by two processes at once", async () => {
    const twice = [ensureElsewhere(machine("isu3")), ensureElsewhere(machine("isu3"))].map(ended);
    expect(await Promise.all(twice)).toEqual([0, 0]);
    expect(await text((await nspawn.read(machine("isu3")))!, "hostname")).toBe("isu3");
    await nspawn.destroy(machine("isu3"));
  });

  test.each([150, 250, 350, 450, 600, 900])("come up after an ensure that was killed after %d ms", async (delay) => {
    const child = ensureElsewhere(machine("isu4"));
    const gone = ended(child);
    await sleep(delay);
    child.kill("SIGKILL");
    await gone;
    expect(await text(await nspawn.ensure(machine("isu4")), "hostname; sudo id -u")).toBe("isu4\n0");
    await nspawn.destroy(machine("isu4"));
    expect((await machines(stack)).map(({ name }) => name)).not.toContain("isu4");
  });

  test("that can't boot say so with the end of their boot log", async () => {
    const state = await nspawn.ensure(machine("isu5"));
    await text(state, "sudo rm -f /sbin/init /lib/systemd/systemd");
    process.kill(await pid(pathsOf(machine("isu5")).machinePid), "SIGKILL");
    await expect(nspawn.ensure(machine("isu5"))).rejects.toThrow(
      /isu5: the machine ended instead of answering; the end of its boot log:\n.*(?:No such file|Failed)/,
    );
    await nspawn.destroy(machine("isu5"));
  });

  test("of two stacks run at once, do not reach each other, and can't share a subnet", async () => {
    await expect(nspawn.ensure(machine("isu1", { stack: other }))).rejects.toThrow(/subnet `10.213.\d+.0\/24` meets .* choose another one/);
    expect(await leftovers(other), "a refused machine leaves nothing").toEqual([]);
    const far = await nspawn.ensure(machine("isu1", { stack: other, subnet: `${otherNetwork}.0/24`, address: `${otherNetwork}.11` }));
    expect((await ssh(far, `ping -c 1 -W 1 ${isu1.address}`)).code).toBe(1);
    expect(
      await text(far, "getent hosts $(grep -rhoE 'https?://[^/ ]+' /etc/apt | head -n 1 | cut -d/ -f3) >/dev/null && echo resolved"),
    ).toBe("resolved");
  });

  test("of a stack whose state was lost are swept by their names", async () => {
    const { root } = pathsOf({ stack: other, name: "isu1" });
    await run("umount", ["--lazy", root]);
    await rm(stackDirectory(other), { recursive: true });
    expect((await leftovers(other)).map(({ kind }) => kind)).toEqual(expect.arrayContaining(["process", "link", "nft table"]));
    await sweep(other);
    expect(await leftovers(other)).toEqual([]);
  });

  test("and all else that a killed test run left is taken away by the next run; the living keep theirs", async () => {
    const script = fileURLToPath(new URL("../support/killed-run.ts", import.meta.url));
    const child = spawn(process.execPath, [script, authorizedKey], { stdio: ["ignore", "pipe", "inherit"] });
    const [said] = (await once(createInterface(child.stdout), "line")) as [string];
    const { owner, stack: theirs, network: taken, table, pid: sleeper } = JSON.parse(said);
    expect(await clearDead()).not.toContain(owner);
    expect(isAlive(owner)).toBe(true);
    expect((await nspawn.read({ stack: theirs, name: "isu1" }))?.running).toBe(true);
    const gone = ended(child);
    child.kill("SIGKILL");
    await gone;
    expect(processesOf(owner)).toContain(sleeper);
    expect(await tables(new RegExp(`^${table}$`))).toEqual([table]);
    expect(await clearDead()).toContain(owner);
    expect([processesOf(owner), await leftovers(theirs), await tables(new RegExp(`^${table}$`)), owners().includes(owner)]).toEqual([
      [],
      [],
      [],
      false,
    ]);
    expect((await nspawn.read({ stack: theirs, name: "isu1" }))?.running).toBeUndefined();
    expect(await text(isu2, "hostname"), "the machines of this run go on").toBe("isu2");
    expect(existsSync(join(networks, taken.split(".")[2])), "its network is free").toBe(false);
  });

  test("go without a trace", async () => {
    await nspawn.destroy(machine("isu1"));
    expect(await text(isu2, "hostname"), "the other machine of the stack goes on").toBe("isu2");
    await nspawn.destroy(machine("isu2"));
    await nspawn.destroy(machine("isu2"));
    expect(await leftovers(stack)).toEqual([]);
    // Machines of other test files come and go meanwhile.
    const asItShould = async () => (await readFile(ipForward, "utf8")).trim() === ((await machines()).length > 0 ? "1" : forwarding.trim());
    await until(asItShould, "forwarding of this computer as before, or on for the machines of others");
  });
});
