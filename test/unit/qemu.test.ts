// Virtual machines without one: command lines, ports, addresses, the seed, the firmware that tries an accelerator.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkSpec, type MachineSpec } from "../../machines/machine.ts";
import { machineId } from "../../machines/names.ts";
import { countingFirmware } from "../../machines/qemu/accelerator.ts";
import { diskSerial, group, mac, outside, qemuArguments } from "../../machines/qemu/arguments.ts";
import { candidates, choosePort, portRange } from "../../machines/qemu/ports.ts";
import { blankSeed, padded, seedText, writeSeed } from "../../machines/qemu/seed.ts";
import { run } from "../../machines/run.ts";
import { overlap, parseSubnet } from "../../machines/subnet.ts";
import { Secret } from "../../provisioners/engine/shell-quote.ts";

const spec: MachineSpec = {
  stack: "team-a",
  name: "isu3",
  driver: "qemu",
  cores: 2,
  memoryMiB: 1024,
  address: "10.77.1.13",
  subnet: "10.77.1.0/24",
  release: "bookworm",
  authorizedKey: "ssh-ed25519 AAAAC3Nza somebody@laptop",
  users: [{ name: "isucon", password: "it's $HOME: `id`" }],
  disks: [{ sizeGiB: 2 }, { sizeGiB: 0.5 }],
};
const shape = { ...spec, disks: spec.disks! };
const loader = { kind: "loader", loader: "/images/x/loader" } as const;

const option = (args: readonly string[], name: string): string[] => args.filter((_, index) => args[index - 1] === name);

describe("the command line", () => {
  const args = qemuArguments(shape, loader, 20_000, "tcg");

  test("gives memory, cores and accelerator as they are asked for", () => {
    expect([option(args, "-m"), option(args, "-smp"), option(args, "-accel")]).toEqual([["1024"], ["2"], ["tcg,thread=multi"]]);
    expect(option(qemuArguments(shape, loader, 1, "kvm"), "-cpu")).toEqual(["host"]);
  });

  test("carries the machine's id where a sweep looks for it", () => {
    expect(args).toContain(`guest=${machineId(spec)}`);
  });

  test("opens its one port, and the private network, on this computer's loopback alone", () => {
    const [out, lan, ...others] = option(args, "-netdev");
    expect(out).toContain("hostfwd=tcp:127.0.0.1:20000-:22");
    expect(lan).toMatch(/^socket,id=lan,mcast=239\.\d+\.\d+\.\d+:\d+,localaddr=127\.0\.0\.1$/);
    expect(others).toEqual([]);
  });

  test("has an NVMe device for each disk, with serials that tell them apart and fit", () => {
    const devices = option(args, "-device").filter((each) => each.startsWith("nvme,"));
    expect(devices).toEqual([0, 1].map((index) => `nvme,drive=store${index},serial=${diskSerial(spec, index)}`));
    for (const index of [0, 23]) expect(diskSerial(spec, index)).toMatch(/^AWS[a-z0-9]{14}$/);
    const plain = qemuArguments({ ...shape, disks: [] }, loader, 1, "tcg");
    expect(plain.filter((each) => each.includes("nvme"))).toEqual([]);
  });

  test("is the same at each start, and another machine's differs", () => {
    expect(qemuArguments(shape, loader, 20_000, "tcg")).toEqual(args);
    expect(mac(spec, "lan")).not.toBe(mac({ ...spec, name: "isu1" }, "lan"));
    expect(mac(spec, "lan")).not.toBe(mac(spec, "out"));
    expect(mac(spec, "lan")).toMatch(/^52:54:00(?::[0-9a-f]{2}){3}$/);
  });
});

describe("networks", () => {
  test("a stack's group is one of this site's own, whatever the stack is called", () => {
    fc.assert(
      fc.property(fc.string(), (stack) => {
        const { address, port } = group(stack);
        expect(address).toMatch(/^239\.19[2-5]\.\d{1,3}\.\d{1,3}$/);
        expect(port).toBeGreaterThan(portRange.first + portRange.count - 1);
        expect(port).toBeLessThan(32_768);
      }),
    );
    expect(group("team-a")).not.toEqual(group("team-b"));
  });

  test.each(["10.77.1.0/24", "10.0.0.0/16", "10.0.2.0/24", "192.168.0.0/16"])("the way out does not meet %s", (subnet) => {
    expect(overlap(parseSubnet(outside(subnet).net)!, parseSubnet(subnet)!)).toBe(false);
  });
});

describe("ports", () => {
  test("each stack tries all of the range, from a place of its own", () => {
    const tried = candidates("team-a");
    expect(new Set(tried).size).toBe(portRange.count);
    expect([Math.min(...tried), Math.max(...tried)]).toEqual([portRange.first, portRange.first + portRange.count - 1]);
    expect(candidates("team-a")).toEqual(tried);
    expect(candidates("team-b")[0]).not.toBe(tried[0]);
  });

  test("one that another machine has, or another program holds, is passed over; the one it had is kept", async () => {
    const first = await choosePort("ports-test", undefined, []);
    const second = await choosePort("ports-test", undefined, [first]);
    expect(second).not.toBe(first);
    expect(await choosePort("ports-test", second, [first])).toBe(second);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: second }, resolve));
    try {
      expect([first, second]).not.toContain(await choosePort("ports-test", second, [first]));
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe("the seed", () => {
  const hostKey = { privateKey: new Secret("-----BEGIN K-----\nAAAA\n-----END K-----\n"), publicKey: "ssh-ed25519 AAAAhost" };

  test("fills whole sectors, is a script that a shell takes, and begins with its name", async () => {
    const text = padded(seedText(spec, "abc", hostKey));
    expect(Buffer.byteLength(text) % 512).toBe(0);
    expect(text.split("\n")[0]).toBe("# abc");
    await run("sh", ["-n"], { input: text });
    expect(text).toContain(`MACAddress=${mac(spec, "lan")}`);
  });

  test("has a host key at creation alone", () => {
    expect(seedText(spec, "abc", hostKey)).toContain("-----BEGIN K-----");
    expect(seedText(spec, "abc")).not.toContain("BEGIN");
  });

  test("keeps its size and its name when its secrets go", async () => {
    const directory = await mkdtemp(join(tmpdir(), "seed-test-"));
    try {
      await writeSeed(directory, seedText(spec, "abc", hostKey));
      const before = await readFile(join(directory, "seed"), "utf8");
      await blankSeed(directory);
      const after = await readFile(join(directory, "seed"), "utf8");
      expect([after.length, after.trim()]).toEqual([before.length, "# abc"]);
      await blankSeed(directory);
      expect(await readFile(join(directory, "seed"), "utf8")).toBe(after);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("a spec", () => {
  test.each([
    ["disks of a container", { driver: "nspawn" as const }, /disks: expected none, or the driver qemu, got `2 with nspawn`/],
    ["no size", { disks: [{ sizeGiB: 0 }] }, /expected a size up to 16384 GiB, got `0`/],
    ["more disks than the bus takes", { disks: Array.from({ length: 25 }, () => ({ sizeGiB: 1 })) }, /expected at most 24, got `25`/],
  ])("with %s is refused", (_, change, sentence) => {
    expect(() => checkSpec({ ...spec, ...change })).toThrow(sentence);
  });
});

test("the firmware that tries an accelerator begins where a processor does", () => {
  const firmware = countingFirmware();
  expect(firmware.length).toBe(65_536);
  const start = 65_536 - 16;
  expect(firmware[start]).toBe(0xe9);
  expect((start + 3 + firmware.readInt16LE(start + 1)) & 0xffff).toBe(0xff30);
});
