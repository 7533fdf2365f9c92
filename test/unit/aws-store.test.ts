// The instance store's boot script under dash, on disks made of files: what it builds, what it refuses, what it leaves alone.
import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { instanceType } from "../../components/targets/aws/facts/types.ts";
import {
  ephemeralMappings,
  instanceStore,
  type StoreOptions,
  storeScript,
  uuidOf,
  waitsForStore,
} from "../../components/targets/aws/instance-store.ts";
import { cloudConfig, fits } from "../../components/targets/aws/user-data.ts";
import { mountUnit, unitPath } from "../../provisioners/engine/unit-path.ts";
import { FakeComputer, mib, sha256Of, writeAt } from "../support/fake-disks.ts";

const one = instanceType("i4i.2xlarge");
const two = instanceType("i7ie.2xlarge");
const eight = instanceType("i3.16xlarge");
const array = uuidOf("db array").replaceAll("-", "").match(/.{8}/g)!.join(":");
const filesystem = uuidOf("db filesystem");

let computer: FakeComputer;
beforeEach(() => {
  computer = new FakeComputer();
});
afterEach(() => computer.gone());

const script = (type = eight, options: Partial<StoreOptions> = {}) => storeScript(type, { server: "db", ...options }, computer.root);
const nvme = (count: number, part = "") => Array.from({ length: count }, (_, at) => `/dev/nvme${at + 1}n1${part}`).join(" ");
const created = (count: number, more = "") =>
  `mdadm --create /dev/md/fleet --run --homehost=any --name=fleet --uuid=${array} --level=0 ${more}--raid-devices=${count} ${nvme(count)}`;

describe("builds", () => {
  test.each([
    ["two disks", two, 2],
    ["eight disks", eight, 8],
  ])("an array on %s, as AWS does", (_, type, count) => {
    computer.nvme(count);
    const { code, said, ran } = computer.run(script(type), "build");
    expect({ code, said, ran: ran.map((line) => line.replaceAll(computer.root, "")) }).toEqual({
      code: 0,
      said: "",
      ran: [created(count), `mkfs.xfs -K -l su=8b -m uuid=${filesystem} /dev/md/fleet`],
    });
  });

  test("no array on one disk", () => {
    computer.nvme(1);
    expect(computer.run(script(one), "build")).toEqual({
      code: 0,
      said: "",
      ran: [`mkfs.xfs -K -l su=8b -m uuid=${filesystem} /dev/nvme1n1`],
    });
  });

  test("with a tenth left unpartitioned, as the seeds did, on Xen names", () => {
    for (const letter of "bcdefghi") computer.disk(`xvd${letter}`);
    const { code, ran } = computer.run(script(instanceType("i2.8xlarge"), { preset: "seeds", chunkKiB: 256 }), "build");
    const parts = [..."bcdefghi"].map((letter) => `/dev/xvd${letter}1`).join(" ");
    expect(code).toBe(0);
    expect(ran.slice(0, 8)).toEqual([..."bcdefghi"].map((letter) => `sfdisk --quiet /dev/xvd${letter}`));
    expect(computer.read("fake/sfdisk-input")).toBe("label: gpt\nstart=1MiB, size=56MiB, name=fleet-store\n");
    expect(ran.slice(8)).toEqual([
      `mdadm --create /dev/md/fleet --run --homehost=any --name=fleet --uuid=${array} --level=0 --chunk=256 --raid-devices=8 ${parts}`,
      `mkfs.xfs -f -b size=4096 -i size=512 -l size=64m -m uuid=${filesystem} /dev/md/fleet`,
    ]);
  });
});

describe("run again", () => {
  test("finds its array under any name, and touches nothing", () => {
    computer.nvme(2);
    computer.run(script(two), "build");
    computer.put("fake/scan", `ARRAY /dev/md127 metadata=1.2 name=oldhost:fleet UUID=${array}\n`);
    expect(computer.run(script(two), "build")).toEqual({ code: 0, said: "", ran: [] });
  });

  test("assembles after a reboot", () => {
    computer.nvme(2);
    computer.run(script(two), "build");
    computer.drop("fake/scan");
    expect(computer.run(script(two), "build").ran).toEqual([`mdadm --assemble /dev/md/fleet --uuid=${array} ${nvme(2)}`]);
  });

  test("takes a half-assembled array apart first", () => {
    computer.nvme(2);
    computer.run(script(two), "build");
    computer.put("fake/scan", `INACTIVE-ARRAY /dev/md127 metadata=1.2 name=fleet UUID=${array}\n`);
    expect(computer.run(script(two), "build").ran).toEqual([
      "mdadm --stop /dev/md127",
      `mdadm --assemble /dev/md/fleet --uuid=${array} ${nvme(2)}`,
    ]);
  });

  test("builds again after a stop and a start, under the same UUIDs", () => {
    const disks = computer.nvme(2);
    const first = computer.run(script(two), "build");
    computer.blankAgain(disks);
    expect(computer.run(script(two), "build")).toEqual(first);
  });

  test("leaves one disk with its filesystem alone", () => {
    computer.nvme(1);
    computer.run(script(one), "build");
    expect(computer.run(script(one), "build")).toEqual({ code: 0, said: "", ran: [] });
  });

  test("keeps partitions that were made before it was cut short", () => {
    computer.nvme(2);
    computer.put("fake/mkfs-dies", "");
    expect(computer.run(script(two, { overProvision: 10 }), "build").code).toBe(9);
    computer.drop("fake/mkfs-dies");
    const { code, said, ran } = computer.run(script(two, { overProvision: 10 }), "build");
    expect({ code, said }).toEqual({ code: 0, said: "fleet-instance-store: an earlier run was cut short: builds again\n" });
    expect(ran.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "mdadm --stop",
      "mdadm --zero-superblock",
      "mdadm --zero-superblock",
      "mdadm --create",
      "mkfs.xfs -K",
    ]);
    expect(computer.run(script(two, { overProvision: 10 }), "build").ran).toEqual([]);
  });

  test("an array that was mounted once is never built again, even if its filesystem is gone", () => {
    computer.nvme(2);
    computer.run(script(two), "build");
    computer.drop("dev/md/fleet.fs");
    expect(computer.run(script(two), "build")).toEqual({ code: 0, said: "", ran: [] });
  });
});

describe("refuses, and changes no byte of", () => {
  const lvm = (disk: string) => {
    writeAt(disk, 512, `LABELONE\x01\0\0\0\0\0\0\0`);
    writeAt(disk, 512 + 24, "LVM2 001");
  };
  const cases: readonly (readonly [string, (disk: string) => void, string])[] = [
    ["ext4", (disk) => execFileSync("mkfs.ext4", ["-q", "-F", disk]), "ext4"],
    ["swap", (disk) => execFileSync("mkswap", [disk], { stdio: "ignore" }), "swap"],
    ["LVM", lvm, "LVM2_member"],
    ["a bare partition table", (disk) => writeAt(disk, 446, `\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\x08\0\0${"\0".repeat(48)}\x55\xaa`), "dos"],
    [
      "a foreign array",
      (disk) => computer.put(`fake/md/${disk.split("/").at(-1)}`, "11111111:22222222:33333333:44444444\n"),
      "an md superblock",
    ],
    ["devices that use it", (disk) => computer.put(`dev/${disk.split("/").at(-1)}.children`, "crypt\n"), "devices that use it"],
    ["data without a signature", (disk) => writeAt(disk, 31 * mib, "once I was a table"), "data without a signature"],
    ["data between the places that were once looked at", (disk) => writeAt(disk, 20.5 * mib, "x"), "data without a signature"],
    ["what blkid can't tell", (disk) => computer.put(`dev/${disk.split("/").at(-1)}.unclear`, ""), "unclear"],
  ];

  test.each(cases)("%s", (_, seed, word) => {
    const disks = computer.nvme(2);
    seed(disks[1]!);
    const before = disks.map(sha256Of);
    const { code, said, ran } = computer.run(script(two), "build");
    expect(code).toBe(1);
    expect(said).toMatch(
      new RegExp(
        `^fleet-instance-store: expected blank disks, /dev/nvme2n1 holds ${word}.*; nothing was written; next: save what you need`,
      ),
    );
    expect(ran).toEqual([]);
    expect(disks.map(sha256Of)).toEqual(before);
  });

  test("a filesystem of somebody else's on the only disk", () => {
    const [disk] = computer.nvme(1);
    computer.put("dev/nvme1n1.fs", "0f0f0f0f-0000-4000-8000-000000000000");
    const before = sha256Of(disk!);
    expect(computer.run(script(one), "build")).toMatchObject({ code: 1, ran: [] });
    expect(sha256Of(disk!)).toBe(before);
  });

  test("its own array with a blank disk in it", () => {
    computer.nvme(2);
    computer.run(script(two), "build");
    computer.drop("fake/md/nvme2n1");
    computer.drop("fake/scan");
    const { code, said, ran } = computer.run(script(two), "build");
    expect({ code, ran }).toEqual({ code: 1, ran: [] });
    expect(said).toContain("expected all disks of the array, but these are blank: /dev/nvme2n1");
  });

  test("fewer disks than the type has", () => {
    computer.nvme(7);
    const { code, said, ran } = computer.run(script(eight, { patience: 2 }), "build");
    expect({ code, ran }).toEqual({ code: 1, ran: [] });
    expect(said).toContain(`expected 8 disks, found 7: ${nvme(7)}; nothing is mounted and nothing was written`);
  });
});

describe("when it is mounted", () => {
  test("mdadm.conf and initramfs are brought in step once, whatever the disks do", () => {
    const disks = computer.nvme(2);
    computer.run(script(two), "build");
    expect(computer.run(script(two), "ready").ran).toEqual(["update-initramfs -u"]);
    computer.blankAgain(disks);
    computer.run(script(two), "build");
    expect(computer.run(script(two), "ready").ran).toEqual([]);
    expect(computer.read("etc/mdadm/mdadm.conf")).toBe(`ARRAY /dev/md/fleet metadata=1.2 UUID=${array}\n`);
  });

  test("hooks fill a new filesystem once; one that fails is tried again", () => {
    const disks = computer.nvme(1);
    const runs = () => (computer.has("ran") ? computer.read("ran").split("\n").length - 1 : 0);
    const hook = (end: string) =>
      computer.put("etc/fleet/instance-store.d/10-seed", `#!/bin/sh\necho "$1" >>${computer.root}/ran\n${end}\n`, 0o755);
    hook("exit 1");
    computer.run(script(one), "build");
    expect(computer.run(script(one), "ready")).toMatchObject({
      code: 1,
      said: expect.stringContaining("10-seed failed; what needs /data waits"),
    });
    hook("exit 0");
    expect([computer.run(script(one), "ready").code, runs()]).toEqual([0, 2]);
    expect([computer.run(script(one), "ready").code, runs()]).toEqual([0, 2]);
    computer.blankAgain(disks);
    computer.run(script(one), "build");
    expect([computer.run(script(one), "ready").code, runs()]).toEqual([0, 3]);
  });
});

describe("the files around it", () => {
  test("mount by a UUID that never changes, after the disks, before whoever needs it", () => {
    const { files } = instanceStore(two, { server: "db", mountPoint: "/var/lib/my-data" }, "debian");
    const mount = files.find(({ path }) => path.endsWith(".mount"))!;
    expect(mount.path).toBe("/etc/systemd/system/var-lib-my\\x2ddata.mount");
    expect(mount.content).toContain(`What=UUID=${filesystem}\nWhere=/var/lib/my-data\nType=xfs\nOptions=defaults,noatime\n`);
    expect(mount.content).toContain("Requires=fleet-instance-store.service\nAfter=fleet-instance-store.service\n");
    expect(waitsForStore("/data")).toContain("RequiresMountsFor=/data\nRequires=fleet-instance-store-ready.service\n");
  });

  test.each(["/data", "/var/lib/my-data", "/srv/é!x", "/.hidden"])("the unit of %s is what systemd-escape says", (path) => {
    const real = execFileSync("systemd-escape", ["--path", path], { encoding: "utf8" }).trim();
    expect(unitPath(path)).toBe(real);
    expect(mountUnit(path)).toBe(`${real}.mount`);
  });

  test("systemd takes the units", () => {
    const { files } = instanceStore(two, { server: "db" }, "debian");
    const units = files.filter(({ path }) => path.startsWith("/etc/systemd"));
    for (const { path, content } of units)
      computer.put(path.split("/").at(-1)!, content.replace("/usr/local/sbin/fleet-instance-store", "/bin/true"));
    const names = units.map(({ path }) => `${computer.root}/${path.split("/").at(-1)}`);
    expect(execFileSync("systemd-analyze", ["verify", "--man=no", ...names], { encoding: "utf8", stdio: "pipe" })).toBe("");
  });

  test("all of it fits the user data, on every type with disks", () => {
    for (const type of ["i2.8xlarge", "d3.8xlarge", "i7ie.48xlarge", "i4i.large"].map(instanceType)) {
      const { files, packages, commands } = instanceStore(
        type,
        { server: "team-with-a-long-name-isu1", preset: "seeds", mountPoint: "/var/lib/mysql" },
        "debian",
      );
      const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"x".repeat(400)}\n`;
      const text = cloudConfig({
        server: "isu1",
        admin: "fleet-admin",
        authorizedKey: "k".repeat(100),
        hostKey: { privateKey: key, publicKey: "k".repeat(100) },
        files,
        packages,
        commands,
      });
      expect(fits(text), `${type.type}: ${text.length} bytes`).toBe(true);
    }
  });

  test("only Xen instances need a mapping", () => {
    expect(ephemeralMappings(instanceType("hi1.4xlarge"))).toEqual([
      { deviceName: "/dev/sdb", virtualName: "ephemeral0" },
      { deviceName: "/dev/sdc", virtualName: "ephemeral1" },
    ]);
    expect(ephemeralMappings(instanceType("i3.16xlarge"))).toEqual([]);
  });

  test("a type without disks is a sentence", () => {
    expect(() => script(instanceType("c5.large"))).toThrow("db: expected an instance type with disks of its own, got `c5.large`");
    expect(() => script(two, { overProvision: 60 })).toThrow("expected `overProvision` from 0 to 50 per cent, got `60`");
  });
});
