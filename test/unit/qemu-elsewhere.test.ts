// Virtual machines on a Mac and on arm64, without one: what is decided, and what QEMU, cloud-init and the user are told.
import { chmod, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { MachineSpec } from "../../machines/machine.ts";
import { machineId } from "../../machines/names.ts";
import { ownDirectory, parseProcesses, platforms, socketsDirectory } from "../../machines/platform.ts";
import { type Computer, needs, refusal } from "../../machines/preflight.ts";
import { chooseAccelerator, parseOffered } from "../../machines/qemu/accelerator.ts";
import { architectures } from "../../machines/qemu/architecture.ts";
import { mac, qemuArguments, type Start } from "../../machines/qemu/arguments.ts";
import { fromCloud } from "../../machines/qemu/base.ts";
import { cloudFiles, writeCloudFiles } from "../../machines/qemu/cloud.ts";
import { machineFiles } from "../../machines/qemu/image.ts";
import { hint, run } from "../../machines/run.ts";

const spec: MachineSpec = {
  ...{ stack: "team-a", name: "isu3", driver: "qemu", cores: 2, memoryMiB: 1024, release: "bookworm", packages: ["jq"] },
  ...{ address: "10.77.1.13", subnet: "10.77.1.0/24", authorizedKey: "ssh-ed25519 AAAAC3Nza somebody@laptop" },
  users: [{ name: "isucon", password: "the canary" }],
  disks: [{ sizeGiB: 2 }],
};
const shape = { ...spec, disks: spec.disks! };
const id = machineId(spec);

describe("the accelerator", () => {
  test.each<[NodeJS.Platform, string[], boolean, string]>([
    ["linux", ["tcg", "kvm"], true, "kvm"],
    ["linux", ["tcg", "kvm"], false, "tcg"],
    ["darwin", ["hvf", "tcg"], false, "hvf"],
    ["darwin", ["tcg"], false, "tcg"],
    ["darwin", ["tcg"], true, "tcg"],
  ])("on %s with %j, KVM works: %s: %s", (platform, offered, kvmWorks, wanted) => {
    expect(chooseAccelerator(platform, offered, kvmWorks)).toBe(wanted);
  });

  test("QEMU's list is read as it prints it", () => {
    const offered = parseOffered("Accelerators supported in QEMU binary:\nhvf\ntcg\n");
    expect(offered).toEqual(expect.arrayContaining(["hvf", "tcg"]));
    expect(offered).not.toContain("kvm");
  });
});

describe("the command line", () => {
  const hosts = {
    "x64 Linux": { architecture: architectures.x64, platform: platforms.linux },
    "x64 Mac": { architecture: architectures.x64, platform: platforms.darwin },
    "arm64 Linux": { architecture: architectures.arm64, platform: platforms.linux },
    "arm64 Mac": { architecture: architectures.arm64, platform: platforms.darwin },
  };
  const sandbox = ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"];
  const loader: Start = { kind: "loader", loader: "/images/x/loader" };
  const cloud = (firmware?: string): Start => ({ kind: "cloud", firmware });
  const firmware = "/opt/qemu/share/qemu/edk2-aarch64-code.fd";

  /** What differs: the processor, how it begins, the sandbox, the monitor's socket. */
  const head = (args: readonly string[]) => args.slice(args.indexOf("none") + 1, args.indexOf("virtio-rng-pci") - 1);
  const rest = (socket: string) => [
    ...["-serial", "stdio", "-chardev", `socket,id=monitor,path=${socket},server=on,wait=off`, "-mon", "chardev=monitor,mode=control"],
  ];
  const own = `${socketsDirectory()}/${id}.monitor`;
  const size = ["-smp", "2", "-m", "1024"];

  test.each<[keyof typeof hosts, "kvm" | "hvf" | "tcg", Start, readonly string[]]>([
    [
      ...(["x64 Linux", "kvm", loader] as const),
      [...sandbox, "-machine", "q35", "-accel", "kvm", "-cpu", "host", ...size, "-kernel", "/images/x/loader", ...rest("monitor")],
    ],
    [...(["x64 Mac", "hvf", cloud()] as const), ["-machine", "q35", "-accel", "hvf", "-cpu", "host", ...size, ...rest(own)]],
    [
      ...(["arm64 Mac", "hvf", cloud(firmware)] as const),
      ["-machine", "virt", "-accel", "hvf", "-cpu", "host", ...size, "-bios", firmware, ...rest(own)],
    ],
    [
      ...(["arm64 Linux", "tcg", cloud(firmware)] as const),
      [
        ...[...sandbox, "-machine", "virt", "-accel", "tcg,thread=multi", "-cpu", "cortex-a72", ...size, "-bios", firmware],
        ...rest("monitor"),
      ],
    ],
  ])("of %s with %s", (host, accelerator, start, wanted) => {
    expect(head(qemuArguments(shape, start, 20_000, accelerator, hosts[host]))).toEqual(wanted);
  });

  test("of a cloud image has the disk to begin with first, and one more for cloud-init; all else is the same", () => {
    const tail = (start: Start) => {
      const args = qemuArguments(shape, start, 20_000, "tcg", hosts["x64 Linux"]);
      return args.slice(args.indexOf("virtio-rng-pci"));
    };
    const added = tail(cloud()).filter((each) => !tail(loader).includes(each));
    expect(added).toEqual([
      "virtio-blk-pci,drive=root,serial=practice-root,bootindex=0",
      "if=none,id=cloud,format=raw,readonly=on,file.driver=vvfat,file.dir=cloud,file.label=CIDATA",
      "virtio-blk-pci,drive=cloud,serial=practice-cloud",
    ]);
    expect(tail(loader).filter((each) => !tail(cloud()).includes(each))).toEqual(["virtio-blk-pci,drive=root,serial=practice-root"]);
  });

  test("has sockets that macOS takes: 103 characters", () => {
    expect(own.length).toBeLessThan(104);
  });

  test("is begun from a cloud image everywhere but on x86-64 Linux, and there where one is named", () => {
    const here = (platform: NodeJS.Platform, arch: string, own = "") => fromCloud({ platform, arch }, own);
    expect([here("linux", "x64"), here("linux", "arm64"), here("darwin", "x64"), here("darwin", "arm64")]).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(here("linux", "x64", "/my/image.qcow2")).toBe(true);
  });
});

test("a directory of sockets is ours alone, or refused", async () => {
  const directory = await mkdtemp(join(tmpdir(), "own-directory-test-"));
  try {
    expect(ownDirectory(join(directory, "new"))).toBe(join(directory, "new"));
    expect(ownDirectory(join(directory, "new"))).toBe(join(directory, "new"));
    await symlink(join(directory, "new"), join(directory, "link"));
    expect(() => ownDirectory(join(directory, "link"))).toThrow("expected a directory that is yours and closed to others");
    await chmod(join(directory, "new"), 0o755);
    expect(() => ownDirectory(join(directory, "new"))).toThrow("expected a directory that is yours and closed to others");
  } finally {
    await rm(directory, { recursive: true });
  }
});

describe("processes as ps tells them", () => {
  test("a line each, words of a command, nothing for nothing", () => {
    const text = `    1 /sbin/launchd\n  501 sh /Users/a b/supervisor.sh qemu -name guest=${id} -m 1\n`;
    expect(parseProcesses(text)).toEqual([
      { pid: 1, args: ["/sbin/launchd"] },
      { pid: 501, args: ["sh", "/Users/a", "b/supervisor.sh", "qemu", "-name", `guest=${id}`, "-m", "1"] },
    ]);
    expect(parseProcesses("\n")).toEqual([]);
  });

  test("this one is found, with its arguments; one that is gone has none", async () => {
    const { darwin } = platforms;
    expect((await darwin.processes()).find(({ pid }) => pid === process.pid)?.args.length).toBeGreaterThan(0);
    expect((await darwin.argumentsOf(process.pid)).join(" ")).toContain("node");
    const gone = Number((await run("sh", ["-c", "echo $$"])).trim());
    expect(await darwin.argumentsOf(gone)).toEqual([]);
  });
});

describe("what cloud-init is told", () => {
  const files = cloudFiles(spec);
  const config = parse(files["user-data"]) as Record<string, unknown[]>;
  const written = config.write_files as { path: string; content: string; permissions?: string }[];

  test("no secret, and no name: who the machine is comes by the seed", () => {
    for (const text of Object.values(files))
      for (const secret of ["the canary", "PRIVATE KEY", "AAAAC3Nza", "isu3"]) expect(text).not.toContain(secret);
  });

  test("YAML under the heading that it wants; no user, and no kind of host key, but those of the seed", () => {
    expect(files["user-data"]).toMatch(/^#cloud-config\n/);
    expect(config).toMatchObject({ users: [{ name: "fleet" }], ssh_genkeytypes: ["ed25519"], preserve_hostname: true });
    expect(parse(files["meta-data"])).toEqual({ "instance-id": "practice" });
    expect(parse(files["network-config"])).toMatchObject({ ethernets: { out: { match: { macaddress: mac(spec, "out") }, dhcp4: true } } });
  });

  test("the files of our own image, but neither its mounts nor an empty machine id", () => {
    const paths = written.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(Object.keys(machineFiles)));
    expect(paths).not.toContain("/etc/fstab");
    expect(paths).not.toContain("/etc/machine-id");
  });

  test("a script that a shell takes, at each boot until it has opened the door and ends cloud-init's part", async () => {
    const { path, content, permissions } = written.at(-1)!;
    expect([path, permissions]).toEqual(["/var/lib/cloud/scripts/per-boot/practice", "0755"]);
    await run("sh", ["-n"], { input: content });
    expect(content).toMatch(/^#!\/bin\/sh\nset -eu\n/);
    expect(content).toMatch(/install .*\bjq .*mdadm .*xfsprogs .*\n\}\n/);
    const last = ["rm -f /etc/ssh/sshd_not_to_be_run", "systemctl start ssh.service", "touch /etc/cloud/cloud-init.disabled"];
    expect(content.trimEnd().split("\n").slice(-3)).toEqual(last);
    expect(config.bootcmd).toEqual([["touch", "/etc/ssh/sshd_not_to_be_run"]]);
  });

  test("lies in the machine's directory, where QEMU is told to find it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "cloud-files-test-"));
    try {
      await writeCloudFiles(directory, spec);
      for (const [name, content] of Object.entries(files)) expect(await readFile(join(directory, "cloud", name), "utf8")).toBe(content);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("what a computer is told that can't", () => {
  const computer = (platform: NodeJS.Platform, arch = "arm64", root = false): Computer => ({
    ...{ platform, arch, root, cloud: fromCloud({ platform, arch }, "") },
  });

  test.each<["nspawn" | "qemu" | undefined, Computer, RegExp | undefined]>([
    ["qemu", computer("darwin"), undefined],
    ["qemu", computer("darwin", "x64"), undefined],
    ["qemu", computer("linux"), undefined],
    ["qemu", computer("linux", "x64"), undefined],
    ["nspawn", computer("linux", "riscv64", true), undefined],
    [undefined, computer("darwin"), undefined],
    ["nspawn", computer("darwin"), /nspawn need Linux, and this is `darwin`; use `driver: qemu`$/],
    ["nspawn", computer("linux", "x64"), /nspawn need root.*use `driver: qemu`$/],
    ["qemu", computer("linux", "riscv64"), /are x86-64 or arm64, and this computer is `riscv64`; use `driver: nspawn`$/],
    [undefined, computer("win32", "x64"), /need Linux or macOS, this is `win32`; use one of these/],
  ])("%s on %j", (driver, where, wanted) => {
    const sentence = refusal(driver, where);
    if (wanted) expect(sentence).toMatch(wanted);
    else expect(sentence).toBeUndefined();
  });

  test("programs: those of an image only where one is made", () => {
    const [mac, arm, pc] = [computer("darwin"), computer("linux"), computer("linux", "x64")].map((each) => needs("qemu", each));
    expect(mac).toEqual(["ssh-keygen", "qemu-system-aarch64", "qemu-img"]);
    expect(arm).toEqual(["ssh-keygen", "setpriv", "qemu-system-aarch64", "qemu-img"]);
    expect(pc).toEqual(expect.arrayContaining(["mmdebstrap", "mke2fs", "newuidmap", "qemu-system-x86_64"]));
    expect(needs("nspawn", computer("linux", "x64", true))).not.toContain("newuidmap");
  });

  test("what to type, by system", () => {
    const missing = ["qemu-system-aarch64", "qemu-img", "/usr/share/AAVMF/AAVMF_CODE.fd"];
    expect(hint(missing, "darwin")).toBe("install it with `brew install qemu`");
    expect(hint(missing, "linux")).toBe("install it with `apt-get install qemu-system-arm qemu-utils qemu-efi-aarch64`");
  });
});
