// Virtual machines as they are: made, logged in to, rebooted, stopped with their disks blanked, changed, taken away without a trace.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MachineSpec, MachineState } from "../../machines/machine.ts";
import { pathsOf } from "../../machines/names.ts";
import { qemu, stopStart } from "../../machines/qemu/driver.ts";
import { leftovers, machines, sweep } from "../../machines/sweep.ts";
import { ownNetwork, ownStack } from "../support/own.ts";
import { Operator } from "../support/virtual.ts";

const canary = `c'an"ary $(${process.pid})`;
const [stack, network] = [ownStack("qemu-test"), ownNetwork()];
const log = (line: string) => console.log(line);

describe("virtual machines", () => {
  let operator: Operator;
  let isu1: MachineState;
  let isu2: MachineState;

  const machine = (name: string, change: Partial<MachineSpec> = {}): MachineSpec => ({
    ...{ stack, name, driver: "qemu", cores: 1, memoryMiB: 768, release: "bookworm", authorizedKey: operator.authorizedKey },
    ...{ address: `${network}.1${name.at(-1)}`, subnet: `${network}.0/24`, users: [{ name: "isucon", password: canary }] },
    ...change,
  });
  const withDisks = () => machine("isu1", { disks: [{ sizeGiB: 0.5 }, { sizeGiB: 0.5 }] });

  beforeAll(async () => {
    operator = await Operator.make();
    [isu1, isu2] = await Promise.all([qemu.ensure(withDisks(), { log }), qemu.ensure(machine("isu2"), { log })]);
  });

  afterAll(async () => {
    await sweep(stack);
    await operator.leave();
  });

  test("are reached at ports of this computer, with the host key that was made for them", async () => {
    expect([isu1.address, isu2.address]).toEqual(["127.0.0.1", "127.0.0.1"]);
    expect(isu1.port).not.toBe(isu2.port);
    expect(await operator.text(isu1, "hostname; sudo id -u")).toBe("isu1\n0");
    const impostor = await operator.ssh({ ...isu1, hostKey: isu2.hostKey }, "true");
    expect(impostor.stderr).toContain("Host key verification failed");
  });

  test("come up whole, with a kernel, memory and cores of their own", async () => {
    expect(await operator.text(isu1, "systemctl is-system-running --wait; nproc; systemctl --failed --quiet")).toBe("running\n1");
    const mib = Number(await operator.text(isu1, "awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo"));
    expect(mib).toBeGreaterThan(650);
    expect(mib).toBeLessThanOrEqual(768);
    await operator.root(isu1, "sysctl -w vm.swappiness=7 fs.file-max=123456");
    expect(await operator.text(isu1, "cat /proc/sys/vm/swappiness /proc/sys/fs/file-max")).toBe("7\n123456");
    expect((await readFile("/proc/sys/fs/file-max", "utf8")).trim()).not.toBe("123456");
  });

  test("reach each other by their private addresses, and the way out by name server and gateway", async () => {
    expect(await operator.text(isu1, `ping -c 1 -W 20 ${network}.12 >/dev/null && echo there`)).toBe("there");
    expect(await operator.text(isu2, `ping -c 1 -W 20 ${network}.11 >/dev/null && echo there`)).toBe("there");
    const banner = await operator.text(isu1, `timeout 60 bash -c 'exec 3<>/dev/tcp/${network}.12/22; head -c 4 <&3'`);
    expect(banner).toBe("SSH-");
    expect(await operator.text(isu1, "ip route get 203.0.113.1 | head -n 1")).toContain("via 10.0.2.2");
  });

  test("leave no secret on this computer once they answer", async () => {
    for (const name of ["seed", "record.json", "boot.log"]) {
      const text = await readFile(join(pathsOf(isu1Ref()).directory, name), "utf8");
      expect(text, name).not.toContain(canary);
      expect(text, name).not.toContain("PRIVATE KEY");
    }
    expect(await operator.root(isu1, "cut -d: -f2 /etc/shadow | grep -c '^[$]'")).toBe("1");
  });

  test("have their disks by id, under EC2's names too, and stripe them", async () => {
    const links = (await operator.text(isu1, "ls /dev/disk/by-id")).split("\n");
    expect(links.filter((each) => /^nvme-Amazon_EC2_NVMe_Instance_Storage_AWS\w+$/.test(each))).toHaveLength(2);
    expect(links.filter((each) => /^nvme-QEMU_NVMe_Ctrl_AWS\w+0[01]$/.test(each))).toHaveLength(2);
    await operator.root(
      isu1,
      `mdadm --create /dev/md0 --run --level 0 --raid-devices 2 /dev/nvme0n1 /dev/nvme1n1
mkfs.xfs -q -l su=8b /dev/md0
mkdir /data
mount /dev/md0 /data
echo striped >/data/kept
sync`,
    );
    expect(await operator.text(isu1, "findmnt -no FSTYPE /data; cat /sys/block/md*/md/level")).toBe("xfs\nraid0");
  });

  test("keep everything over a reboot, and QEMU with it", async () => {
    await operator.root(isu1, "echo kept >/kept; sync");
    await operator.reboot(isu1);
    expect(await qemu.ensure(withDisks())).toEqual(isu1);
    expect(await operator.root(isu1, "cat /kept; mount /dev/md/*0* /data || mount /dev/md127 /data; cat /data/kept")).toBe("kept\nstriped");
  });

  test("come back from a stop with blank disks, and the rest kept", async () => {
    isu1 = await stopStart(isu1Ref(), { blankDisks: true }, { log });
    expect(await operator.root(isu1, "cat /kept; wipefs /dev/nvme0n1 /dev/nvme1n1")).toBe("kept");
    expect(await operator.root(isu1, "cmp -n 1048576 /dev/nvme0n1 /dev/zero && echo blank")).toBe("blank");
  });

  test("start again after they were powered off or killed, and follow a changed spec, content kept", async () => {
    await operator.ssh(isu2, "sudo systemctl poweroff");
    while ((await qemu.read(isu2Ref()))?.running) await sleep(200);
    isu2 = await qemu.ensure(machine("isu2"), { log });
    process.kill(isu2.leaderPid!, "SIGKILL");
    const changed = await qemu.ensure(machine("isu2", { memoryMiB: 896, address: `${network}.22` }), { log });
    expect(changed).toMatchObject({ hostKey: isu2.hostKey, privateAddress: `${network}.22`, running: true });
    expect(await operator.text(changed, `ip -br -4 address | grep -c ${network}.22/24`)).toBe("1");
  });

  test("are found and swept, whole", async () => {
    expect((await machines(stack)).map(({ name }) => name).sort()).toEqual(["isu1", "isu2"]);
    expect(new Set((await leftovers(stack)).map(({ kind }) => kind))).toEqual(new Set(["process", "file"]));
    await qemu.destroy(isu1Ref());
    expect(await qemu.read(isu1Ref())).toBeUndefined();
    await sweep(stack);
    expect(await leftovers(stack)).toEqual([]);
  });

  const isu1Ref = () => ({ stack, name: "isu1" });
  const isu2Ref = () => ({ stack, name: "isu2" });
});
