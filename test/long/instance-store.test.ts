// The boot script of an instance store, as user data carries it, on real disks: built, kept, rebuilt, and never over anything else.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { instanceTypes } from "../../components/targets/aws/facts/types.ts";
import { instanceStore, presets, waitsForStore } from "../../components/targets/aws/instance-store.ts";
import { cloudConfig } from "../../components/targets/aws/user-data.ts";
import type { MachineSpec, MachineState } from "../../machines/machine.ts";
import { pathsOf } from "../../machines/names.ts";
import { diskFile } from "../../machines/qemu/arguments.ts";
import { qemu, stopStart } from "../../machines/qemu/driver.ts";
import { tell } from "../../machines/qemu/monitor.ts";
import { sweep } from "../../machines/sweep.ts";
import { fillsScript, formatScript, growScript } from "../../provisioners/roles/base/volumes.ts";
import { ownNetwork, ownStack } from "../support/own.ts";
import { Operator } from "../support/virtual.ts";

const [stack, network] = [ownStack("store-test"), ownNetwork()];
const service = "fleet-instance-store.service";
const log = (line: string) => console.log(line);
const db = "systemctl show --property ActiveState --value db.service";

/** What a database's role would bring: a service that lives on the disks, and a hook that fills them. */
const database = [
  {
    path: "/etc/systemd/system/db.service",
    mode: "0644",
    content: `[Unit]\nDescription=Database\n[Service]\nExecStart=/bin/sh -c 'cat /data/filled >/data/served && exec sleep infinity'\n[Install]\nWantedBy=multi-user.target\n`,
  },
  { path: "/etc/systemd/system/db.service.d/store.conf", mode: "0644", content: waitsForStore("/data") },
  { path: "/etc/fleet/instance-store.d/10-fill", mode: "0755", content: '#!/bin/sh\necho "filled $(date +%s%N)" >"$1/filled"\n' },
];

interface UserData {
  readonly write_files: readonly { readonly path: string; readonly permissions: string; readonly content: string }[];
  readonly packages: readonly string[];
  readonly runcmd: readonly string[];
}

describe.each([
  { disks: 1, sizeGiB: 1, preset: "seeds" },
  { disks: 2, sizeGiB: 0.5, preset: "seeds" },
  { disks: 8, sizeGiB: 0.25, preset: "aws" },
] as const)("an instance store of $disks disk(s), preset $preset", ({ disks, sizeGiB, preset }) => {
  const type = instanceTypes.find((each) => each.nvme && each.disks === disks)!;
  const server = `isu${disks}`;
  let operator: Operator;
  let state: MachineState;

  const spec = (count: number = disks): MachineSpec => ({
    ...{ stack, name: server, driver: "qemu", cores: 2, memoryMiB: 1024, release: "bookworm", authorizedKey: operator.authorizedKey },
    ...{ address: `${network}.1${disks}`, subnet: `${network}.0/24`, packages: ["fio", "lvm2", "sysbench"] },
    disks: Array.from({ length: count }, () => ({ sizeGiB })),
  });
  const root = (script: string) => operator.root(state, script);

  /** Until nothing of the boot is left to do; what failed is looked at one by one. */
  const booted = () => operator.ssh(state, "systemctl is-system-running --wait");

  /** As cloud-init does with user data: packages, files, commands. */
  async function boot(): Promise<void> {
    const { files, packages, commands } = instanceStore(type, { preset, server, patience: 10 }, "debian");
    const first = { server, admin: "fleet-admin", authorizedKey: operator.authorizedKey, packages };
    const text = cloudConfig({ ...first, files: [...files, ...database], commands: [...commands, "systemctl enable --now db.service"] });
    const data = parse(text) as UserData;
    await root(`dpkg-query -W -f='\${Status} ' ${data.packages.join(" ")} >/dev/null`);
    for (const { path, permissions, content } of data.write_files) {
      const sum = await operator.text(
        state,
        `sudo sh -c 'mkdir -p $(dirname ${path}); cat >${path}; chmod ${permissions} ${path}; sha256sum <${path}'`,
        content,
      );
      expect(sum.slice(0, 64), path).toBe(createHash("sha256").update(content).digest("hex"));
    }
    for (const command of data.runcmd) await root(command);
  }

  /** The filesystem and what is under it, as the machine sees them now. */
  const mounted = async () => {
    const [source, type, options, uuid] = (await root("findmnt -no SOURCE,FSTYPE,OPTIONS,UUID /data")).split(/\s+/);
    return {
      source: source!,
      type,
      options: options!.split(","),
      uuid,
      filled: await root("cat /data/filled"),
      served: await root("cat /data/served"),
    };
  };

  beforeAll(async () => {
    operator = await Operator.make();
    state = await qemu.ensure(spec(), { log });
    await boot();
  });

  afterAll(async () => {
    await sweep(stack);
    await operator.leave();
  });

  test("is RAID0 over all disks where there are several, XFS with the preset's options, mounted, filled, in use", async () => {
    const { source, type, options, filled, served } = await mounted();
    expect([type, served]).toEqual(["xfs", filled]);
    for (const option of presets[preset].mountOptions.filter((each) => each !== "defaults")) expect(options).toContain(option);
    if (disks === 1) expect(source).toMatch(/^\/dev\/nvme/);
    else expect(await root("cat /sys/block/md*/md/level /sys/block/md*/md/raid_disks")).toBe(`raid0\n${disks}`);
    const info = await root("xfs_info /data");
    if (preset === "seeds") expect(info).toMatch(/isize=512[\s\S]*bsize=4096[\s\S]*log[\s\S]*bsize=4096 +blocks=16384/);
    expect(await root(db)).toBe("active");
  });

  if (disks === 8)
    describe("where disks and not processors are what is scarce", () => {
      /** Bytes a second of each disk: what is left to measure is whether the array keeps all of them at work. */
      const pace = 32 * 2 ** 20;
      beforeAll(async () => {
        const limit = { bps: pace, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 };
        for (let at = 0; at < disks; at++)
          await tell({ stack, name: server }, state.leaderPid!, "block_set_io_throttle", { device: `store${at}`, ...limit });
      });

      /** KiB a second. */
      const fio = async (jobs: string) => {
        const how = ["--direct=1", "--readonly", "--rw=read", "--ioengine=libaio", "--time_based", "--ramp_time=2", "--runtime=8"];
        return Number(await root(`fio --minimal --group_reporting ${how.join(" ")} ${jobs} | cut -d';' -f7`));
      };
      const ofDisks = () =>
        fio(`--bs=512k --iodepth=4 ${Array.from({ length: disks }, (_, at) => `--name=disk${at} --filename=/dev/nvme${at}n1`).join(" ")}`);

      /** One that something else on this computer disturbs counts for nothing, and is made again. */
      const again = { timeout: 900_000, interval: 1000 };
      const compared = async (measured: () => Promise<number>): Promise<boolean> => {
        const [parallel, whole] = [await ofDisks(), await measured()];
        console.log("KiB/s", { parallel, whole });
        return parallel > (0.8 * disks * pace) / 1024 && whole / parallel >= 0.9;
      };

      test("fio reads the array at 0.9 of what its disks give in parallel", async () => {
        await expect
          .poll(async () => await compared(() => fio("--name=array --filename=/dev/md/fleet --bs=4m --iodepth=8")), again)
          .toBe(true);
      });

      test("sysbench reads files on it at 0.9 of that", async () => {
        const how = "fileio --file-total-size=512M --file-num=8 --file-extra-flags=direct --file-block-size=4M --threads=4";
        await root(`cd /data && sysbench ${how} prepare >/dev/null && sync`);
        const read = async () => {
          const said = await root(`cd /data && sysbench ${how} --file-test-mode=rndrd --time=10 run`);
          return 1024 * Number(/read, MiB\/s:\s+([0-9.]+)/.exec(said)?.[1]);
        };
        await expect.poll(async () => await compared(read), again).toBe(true);
        await root(`cd /data && sysbench ${how} cleanup`);
      });
    });

  test("is the same after a reboot under another host name", async () => {
    const before = await mounted();
    await root("hostnamectl set-hostname renamed; echo 127.0.1.1 renamed >>/etc/hosts; echo kept >/data/kept; sync");
    await operator.reboot(state);
    await booted();
    expect(await root("hostname; cat /data/kept")).toBe("renamed\nkept");
    const after = await mounted();
    expect([after.uuid, after.filled]).toEqual([before.uuid, before.filled]);
    expect(await root(db)).toBe("active");
  });

  test("is built again, filled and in use after a stop that blanked it", async () => {
    const before = await mounted();
    state = await stopStart({ stack, name: server }, { blankDisks: true }, { log });
    await booted();
    const after = await mounted();
    expect([after.uuid, after.type]).toEqual([before.uuid, "xfs"]);
    expect(after.filled).not.toBe(before.filled);
    expect(await root(`test ! -e /data/kept; ${db}`)).toBe("active");
  });

  if (disks === 2)
    describe("with a disk that is not blank", () => {
      const sums = () =>
        Promise.all(
          Array.from({ length: disks }, async (_, at) => {
            const hash = createHash("sha256");
            for await (const chunk of createReadStream(join(pathsOf({ stack, name: server }).directory, diskFile(at))))
              hash.update(chunk as Buffer);
            return hash.digest("hex");
          }),
        );
      /** Blank disks that nothing holds. What is not there to be let go may fail. */
      async function clear(): Promise<void> {
        const release = `systemctl stop db.service fleet-instance-store-ready.service data.mount ${service}\nmdadm --stop --scan\nvgchange -an`;
        await operator.ssh(state, "sudo sh", release);
        const blank = (disk: string) => `wipefs --all --force --quiet ${disk}\nblkdiscard --force ${disk}\nblockdev --rereadpt ${disk}\n`;
        await root(`${blank("/dev/nvme0n1")}${blank("/dev/nvme1n1")}udevadm settle`);
      }

      test.each([
        ["ext4", "mkfs.ext4 -q /dev/nvme0n1", "ext4"],
        ["LVM", "pvcreate -q -y /dev/nvme0n1", "LVM2_member"],
        [
          "md",
          "mdadm --create /dev/md9 --run --level 0 --force --raid-devices 1 /dev/nvme0n1; udevadm settle; mdadm --stop /dev/md9",
          "linux_raid_member",
        ],
        ["swap", "mkswap /dev/nvme0n1", "swap"],
        ["a bare partition table", "echo 'label: dos' | sfdisk -q /dev/nvme0n1", "dos"],
      ])("refuses %s, leaves it as it was, and says so", async (_, make, kind) => {
        await clear();
        await root(`{ ${make}; } >/dev/null 2>&1; udevadm settle; sync`);
        const before = await sums();
        const since = await root("date +%s");
        expect((await operator.ssh(state, `sudo systemctl start ${service}`)).code).toBe(1);
        expect(await root(`journalctl -u ${service} --since @${since} -o cat`)).toContain(
          `/dev/nvme0n1 holds ${kind}; nothing was written`,
        );
        await root("sync");
        expect(await sums()).toEqual(before);
        expect((await operator.ssh(state, "sudo systemctl start db.service")).code).toBe(1);
        expect(await root("mountpoint -q /data || echo unmounted")).toBe("unmounted");
      });

      test("makes a filesystem of a blank volume once, and of nothing else, as the role does for those that outlive a server", async () => {
        await clear();
        const format = (disk: string) => operator.ssh(state, "sudo sh -e", formatScript(disk, { filesystem: "ext4" }));
        expect(await format("/dev/nvme0n1")).toMatchObject({ code: 0 });
        expect(await root("blkid -p -s TYPE -o value /dev/nvme0n1")).toBe("ext4");
        const before = await sums();
        expect(await format("/dev/nvme0n1")).toMatchObject({ code: 1, stdout: expect.stringContaining("got ext4; nothing was written") });
        await root("printf data | dd of=/dev/nvme1n1 bs=1 seek=4096 conv=notrunc status=none; sync");
        const data = await sums();
        expect(await format("/dev/nvme1n1")).toMatchObject({ code: 1, stdout: expect.stringContaining("got data on /dev/nvme1n1") });
        expect((await sums())[0]).toBe(before[0]);
        expect(await sums()).toEqual(data);
      });

      test.each(["ext4", "xfs"] as const)("lets an %s filesystem that its volume outgrew grow, mounted as it is", async (filesystem) => {
        await clear();
        const [disk, at] = ["/dev/nvme0n1", { filesystem, mountPoint: "/srv/data" }];
        // As a volume that was 320 MiB large, which is the least that XFS takes.
        const make = filesystem === "ext4" ? `mkfs.ext4 -q ${disk} 200M` : `mkfs.xfs -q -f -d size=320m ${disk}`;
        await root(`${make}; mkdir -p /srv/data; mount ${disk} /srv/data; echo kept >/srv/data/file`);
        const fills = async () => (await operator.ssh(state, "sudo sh", fillsScript(disk, at))).code === 0;
        const size = async () => Number(await root("df --output=size -m /srv/data | tail -n 1"));
        const before = await size();
        expect(await fills()).toBe(filesystem === "xfs");
        expect(await operator.ssh(state, "sudo sh -e", growScript(disk, at))).toMatchObject({ code: 0 });
        expect(await fills()).toBe(true);
        expect((await size()) - before).toBeGreaterThan(100);
        expect(await root("cat /srv/data/file; umount /srv/data")).toBe("kept");
      });

      test("boots without one of its disks, and the database waits, with nothing written in its place", async () => {
        await clear();
        state = await qemu.ensure(spec(1), { log });
        await booted();
        expect(await root(`journalctl -b -u ${service} -o cat`)).toContain("expected 2 disks, found 1");
        expect(await root(`mountpoint -q /data || echo unmounted; ls -A /data; ${db}`)).toBe("unmounted\ninactive");
      });
    });
});
