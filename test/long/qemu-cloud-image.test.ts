// A virtual machine of a cloud image, with the driver on its Mac side: ps, socket files, no setpriv, no sandbox. What stands in for
// Debian's image is made of packages; what is left to see on a Mac is HVF, its QEMU, and the image itself.
import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ensureImage } from "../../machines/image.ts";
import type { MachineSpec, MachineState } from "../../machines/machine.ts";
import { pathsOf } from "../../machines/names.ts";
import { socketsDirectory } from "../../machines/platform.ts";
import { standIn } from "../support/cloud-image.ts";
import { ownNetwork, ownStack } from "../support/own.ts";
import { Operator } from "../support/virtual.ts";

const canary = `c'an"ary $(${process.pid})`;
const [stack, network] = [ownStack("cloud-test"), ownNetwork()];
const log = (line: string) => console.log(line);

/** The modules read the system's name when they are loaded. */
async function asOnMac() {
  vi.resetModules();
  Object.defineProperty(process, "platform", { value: "darwin" });
  const { qemu, stopStart } = await import("../../machines/qemu/driver.ts");
  const { leftovers, sweep } = await import("../../machines/sweep.ts");
  return { qemu, stopStart, leftovers, sweep };
}

const { platform } = process;
let mac: Awaited<ReturnType<typeof asOnMac>>;
let operator: Operator;
let spec: MachineSpec;
let isu1: MachineState;

/** The directory is the user's: another run's sockets may be there, or what it left when it was killed. */
const sockets = async (): Promise<string[]> => await readdir(socketsDirectory()).catch(() => []);
let others: string[];
const own = async (): Promise<string[]> => (await sockets()).filter((each) => !others.includes(each));

beforeAll(async () => {
  operator = await Operator.make();
  others = await sockets();
  process.env.FLEET_QEMU_IMAGE = join(await ensureImage({ release: "bookworm" }, { log }, standIn), "disk.qcow2");
  mac = await asOnMac();
  spec = {
    ...{ stack, name: "isu1", driver: "qemu", cores: 2, memoryMiB: 1024, release: "bookworm", authorizedKey: operator.authorizedKey },
    ...{ address: `${network}.11`, subnet: `${network}.0/24`, users: [{ name: "isucon", password: canary }] },
    disks: [{ sizeGiB: 0.5 }, { sizeGiB: 0.5 }],
  };
  isu1 = await mac.qemu.ensure(spec, { log });
});

afterAll(async () => {
  delete process.env.FLEET_QEMU_IMAGE;
  await mac.sweep(stack);
  // Only an empty one goes.
  await rmdir(socketsDirectory()).catch(() => undefined);
  Object.defineProperty(process, "platform", { value: platform });
  await operator.leave();
});

const right = async (): Promise<void> => {
  expect(await operator.text(isu1, "hostname; sudo id -u; id -un isucon")).toBe("isu1\n0\nisucon");
  const addresses = await operator.text(isu1, "ip -br -4 address show scope global | awk '{ print $3, $4 }'");
  expect(addresses.split("\n").map((each) => each.trim())).toEqual(["10.0.2.15/24", `${network}.11/24`]);
  expect(await operator.text(isu1, "ip route get 203.0.113.1 | head -n 1")).toContain("via 10.0.2.2");
};

test("is told who it is: host key, users, host name, addresses", async () => {
  await right();
  expect(await operator.text(isu1, "cat /etc/ssh/ssh_host_*.pub")).toBe(isu1.hostKey);
  const impostor = await operator.ssh({ ...isu1, hostKey: operator.authorizedKey }, "true");
  expect(impostor.stderr).toContain("Host key verification failed");
});

test("has its disks under EC2's names, and grew into its root disk", async () => {
  const links = (await operator.text(isu1, "ls /dev/disk/by-id")).split("\n");
  expect(links.filter((each) => /^nvme-Amazon_EC2_NVMe_Instance_Storage_AWS\w+$/.test(each))).toHaveLength(2);
  expect(Number(await operator.text(isu1, "df --output=size -BG / | tail -n 1 | tr -d ' G'"))).toBeGreaterThan(12);
});

test("leaves no secret on this computer once it answers", async () => {
  const { directory } = pathsOf(spec);
  const files = ["seed", "record.json", "boot.log", ...(await readdir(join(directory, "cloud"))).map((each) => join("cloud", each))];
  expect(files).toHaveLength(6);
  for (const name of files) {
    const text = await readFile(join(directory, name), "utf8");
    expect(text, name).not.toContain(canary);
    expect(text, name).not.toContain("PRIVATE KEY");
  }
  expect(await operator.root(isu1, "cut -d: -f2 /etc/shadow | grep -c '^[$]'")).toBe("1");
});

test("is the same, and whole, after a stop and a start, its disks blank", async () => {
  await operator.root(isu1, "echo kept >/kept; echo gone >/dev/nvme0n1; sync");
  isu1 = await mac.stopStart(spec, { blankDisks: true }, { log });
  expect(await operator.text(isu1, "systemctl is-system-running --wait; systemctl --failed --quiet")).toBe("running");
  await right();
  expect(await operator.root(isu1, "cat /kept; cmp -n 1048576 /dev/nvme0n1 /dev/zero && echo blank")).toBe("kept\nblank");
  expect(await mac.qemu.ensure(spec)).toEqual(isu1);
});

test("is taken away without a trace", async () => {
  expect(await own()).toHaveLength(1);
  await mac.qemu.destroy(spec);
  expect(await mac.leftovers(stack)).toEqual([]);
  expect(await own()).toEqual([]);
});
