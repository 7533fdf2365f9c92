// Practice machines without a machine: names, addresses, arguments, and the texts that go to other programs.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { debianSources } from "../../machines/apt.ts";
import { limitFiles, parseHierarchies } from "../../machines/limits.ts";
import { locked } from "../../machines/lock.ts";
import { checkRef, checkSpec, type MachineSpec } from "../../machines/machine.ts";
import { bridgeName, linkName, machineId, pathsOf, patterns, tableName } from "../../machines/names.ts";
import { collision, droppingChain, ruleset } from "../../machines/network.ts";
import { affinity, nspawnArguments, parseCpus } from "../../machines/nspawn/arguments.ts";
import { provisionScript, rootFiles } from "../../machines/provision.ts";
import { hint, run } from "../../machines/run.ts";
import { gateway, overlap, parseNetwork, parseSubnet, usable } from "../../machines/subnet.ts";

const spec: MachineSpec = {
  stack: "team-a",
  name: "isu3",
  driver: "nspawn",
  cores: 1,
  memoryMiB: 1024,
  address: "10.77.1.13",
  subnet: "10.77.1.0/24",
  release: "bookworm",
  authorizedKey: "ssh-ed25519 AAAAC3Nza somebody@laptop",
  users: [{ name: "isucon", password: "it's $HOME: `id`" }],
};

describe("names", () => {
  test("links fit the kernel's 15 characters, whatever the stack and the machine are called", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (stack, name) => {
        for (const each of [linkName({ stack, name }), bridgeName(stack)]) expect(each).toMatch(/^[a-z0-9-]{1,15}$/);
      }),
    );
  });

  test("all of a stack's names match its patterns, and no other stack's", () => {
    for (const [stack, right] of [
      ["team-a", true],
      ["team-b", false],
    ] as const) {
      const { machine, link, table } = patterns(stack);
      expect([
        machine.test(machineId(spec)),
        link.test(linkName(spec)),
        link.test(bridgeName("team-a")),
        table.test(tableName("team-a")),
      ]).toEqual(Array(4).fill(right));
    }
  });

  test.each([
    { stack: "..", name: "isu1" },
    { stack: "a/b", name: "isu1" },
    { stack: "", name: "isu1" },
    { stack: "team-a", name: "../isu1" },
    { stack: "team-a", name: "-isu1" },
    { stack: "team-a", name: "isu1\n" },
  ])("$stack and $name make no path", (ref) => {
    expect(() => checkRef(ref)).toThrow(/expected .* got /);
    expect(() => pathsOf(ref)).toThrow(/expected/);
  });
});

describe("spec", () => {
  test.each<[string, Partial<MachineSpec>]>([
    ["cores", { cores: 0 }],
    ["memory", { memoryMiB: 64 }],
    ["subnet", { subnet: "10.77.1.0/8" }],
    ["subnet", { subnet: "10.77.1.5/24" }],
    ["address", { address: "10.77.1.1" }],
    ["address", { address: "10.77.2.9" }],
    ["authorizedKey", { authorizedKey: "ssh-ed25519 AAAA\nssh-ed25519 BBBB" }],
    ["packages", { packages: ["--purge"] }],
    ["user", { users: [{ name: "root", password: "x" }] }],
  ])("refuses a wrong %s: %j", (place, change) => {
    expect(() => checkSpec({ ...spec, ...change })).toThrow(new RegExp(`team-a/isu3: ${place}.*expected`));
  });

  test("accepts the example, and never shows a password", () => {
    expect(() => checkSpec(spec)).not.toThrow();
    expect(() => checkSpec({ ...spec, users: [{ name: "isucon", password: "canary\n" }] })).toThrow(/^(?!.*canary)/);
  });
});

describe("subnets", () => {
  test("the gateway is the first address and no machine's, nor is the broadcast one", () => {
    const subnet = parseSubnet("10.77.1.0/24")!;
    expect(gateway(subnet)).toBe("10.77.1.1");
    expect(["10.77.1.0", "10.77.1.1", "10.77.1.2", "10.77.1.254", "10.77.1.255", "10.77.2.2"].map((each) => usable(subnet, each))).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  test("networks overlap exactly where one holds the other", () => {
    expect(overlap(parseNetwork("10.0.0.0/8")!, parseNetwork("10.77.1.0/24")!)).toBe(true);
    expect(overlap(parseNetwork("10.77.0.0/24")!, parseNetwork("10.77.1.0/24")!)).toBe(false);
    expect(overlap(parseNetwork("192.168.0.7")!, parseNetwork("192.168.0.0/29")!)).toBe(true);
  });

  test.each(["10.77.1.0/30", "10.77.1.0/15", "010.77.1.0/24", "10.77.1/24", "10.77.1.0/24/1", "300.1.1.0/24", "::/24", ""])(
    "%j is no subnet",
    (text) => {
      expect(parseSubnet(text)).toBeUndefined();
    },
  );

  test("a route of this computer into the subnet is found; its own bridge and the default route are none", () => {
    const routes = [
      { dst: "default", dev: "eth0" },
      { dst: "10.77.1.0/24", dev: "fb-own" },
      { dst: "10.77.0.0/16", dev: "tun0" },
    ];
    expect(collision(routes, "10.77.1.0/24", "fb-own")).toEqual({ dst: "10.77.0.0/16", dev: "tun0" });
    expect(collision(routes.slice(0, 2), "10.77.1.0/24", "fb-own")).toBeUndefined();
  });
});

describe("arguments and texts", () => {
  test("processors: the kernel's lists, and as many as the spec asks for", () => {
    expect(parseCpus("0-2,5\n")).toEqual([0, 1, 2, 5]);
    expect(affinity({ cores: 2, address: "10.0.0.3" }, [0, 1, 2, 5])).toEqual([0, 5]);
    expect(affinity({ cores: 8, address: "10.0.0.3" }, [0, 1])).toEqual([0, 1]);
  });

  test("nspawn boots the overlay, unregistered, on the stack's bridge, and leaves the machine's own files alone", () => {
    expect(nspawnArguments(spec, "/r", [0, 1])).toEqual([
      ...[
        "--boot",
        "--quiet",
        "--settings=no",
        "--register=no",
        "--keep-unit",
        "--directory=/r",
        `--machine=${machineId(spec)}`,
        "--hostname=isu3",
      ],
      ...[
        `--network-bridge=${bridgeName("team-a")}`,
        "--cpu-affinity=1",
        "--timezone=off",
        "--resolv-conf=off",
        "--link-journal=no",
        "--console=read-only",
      ],
    ]);
  });

  test("cgroups: version 1, hybrid and version 2 are told apart, each with its own files", () => {
    const hybrid =
      "cgroup /c/memory cgroup rw,memory 0 0\ncgroup /c/cpu cgroup rw,cpu,cpuacct 0 0\ncgroup /c/freezer cgroup rw,freezer 0 0\ncgroup2 /c/unified cgroup2 rw 0 0\n";
    const [memory, cpu, unified, ...rest] = parseHierarchies(hybrid, () => "");
    expect([memory!.controllers, cpu!.controllers, unified!.controllers, rest]).toEqual([["memory"], ["cpu"], [], []]);
    expect(limitFiles(memory!, 2, 512)).toEqual([["memory.limit_in_bytes", "536870912"]]);
    expect(limitFiles(cpu!, 2, 512)).toEqual([
      ["cpu.cfs_period_us", "100000"],
      ["cpu.cfs_quota_us", "200000"],
    ]);
    const [pure] = parseHierarchies("cgroup2 /c cgroup2 rw 0 0\n", () => "cpu memory pids\n");
    expect(limitFiles(pure!, 1, 512)).toEqual([
      ["cpu.max", "100000 100000"],
      ["memory.max", "536870912"],
    ]);
  });

  test("the nft table replaces itself, masquerades outwards alone and keeps stacks apart", () => {
    const text = ruleset("team-a", "10.77.1.0/24");
    expect(text.startsWith(`table ip ${tableName("team-a")} {}\ndelete table ip ${tableName("team-a")}\n`)).toBe(true);
    expect(text).toContain(`ip saddr 10.77.1.0/24 oifname != "${bridgeName("team-a")}" masquerade`);
    expect(text).toContain(`iifname "${bridgeName("team-a")}" oifname "fb-*" oifname != "${bridgeName("team-a")}" drop`);
  });

  test("a firewall that drops forwarded packets is named", () => {
    const chain = (change: object) => ({
      chain: { family: "ip", table: "filter", name: "FORWARD", hook: "forward", policy: "accept", ...change },
    });
    const list = (...chains: object[]) => JSON.stringify({ nftables: [{ metainfo: {} }, ...chains] });
    expect(
      droppingChain(list(chain({}), chain({ family: "ip6", policy: "drop" }), chain({ hook: "input", policy: "drop" }))),
    ).toBeUndefined();
    expect(droppingChain(list(chain({}), chain({ policy: "drop" })))).toBe("ip filter FORWARD");
  });

  test("passwords are in the script that goes to standard input, and masked where it is shown", () => {
    const script = provisionScript(spec);
    expect(script.text).toContain("isucon:it's $HOME: `id`\n");
    expect(script.masked).not.toContain("$HOME");
  });

  test("who has a password decides whether sshd takes one, and who may use sudo", () => {
    const contents = (users: MachineSpec["users"]) =>
      Object.fromEntries(rootFiles({ ...spec, users: users ?? [] }).map(({ path, content }) => [path, content]));
    expect(contents([])["/etc/ssh/sshd_config.d/10-practice.conf"]).toContain("PasswordAuthentication no\n");
    const some = contents([
      { name: "a", password: "x" },
      { name: "b", password: "x", sudo: "password" },
      { name: "c", password: "x", sudo: "none" },
    ]);
    expect(some["/etc/ssh/sshd_config.d/10-practice.conf"]).toContain("PasswordAuthentication yes\n");
    expect(some["/etc/sudoers.d/practice"]).toBe("fleet ALL=(ALL:ALL) NOPASSWD: ALL\na ALL=(ALL:ALL) NOPASSWD: ALL\nb ALL=(ALL:ALL) ALL\n");
  });
});

describe("apt sources", () => {
  const stanza =
    "Types: deb\n# a comment\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";

  test("both formats come out as lines; other releases, switched-off stanzas and vendors' repositories stay out", () => {
    const files = {
      "/a.sources": `${stanza}\n${stanza.replaceAll("bookworm", "trixie")}\nEnabled: no\n${stanza.replace("debian\n", "off\n")}`,
      "/b.list":
        "# deb http://mirror.test/old bookworm main\ndeb [arch=amd64] http://mirror.test/security bookworm-security main contrib # why\ndeb [signed-by=/etc/v.gpg] http://vendor.test bookworm main\ndeb http://vendor.test bookworm stable\n",
    };
    const signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
    expect(debianSources(files, "bookworm")).toEqual([
      `deb ${signed} http://mirror.test/debian bookworm main`,
      `deb ${signed} http://mirror.test/debian bookworm-updates main`,
      "deb http://mirror.test/security bookworm-security main contrib",
    ]);
  });

  test("a computer of another distribution gives none: mmdebstrap then knows where the release is", () => {
    expect(debianSources({ "/u.sources": stanza.replaceAll("bookworm", "noble") }, "bookworm")).toEqual([]);
  });
});

describe("running programs", () => {
  test("a failure says the program, its code and its words; a hang ends at the deadline; a missing program names its package", async () => {
    await expect(run("sh", ["-c", "echo out; echo no such thing >&2; exit 3"])).rejects.toThrow(/`sh -c .*`: exit code 3: no such thing/);
    await expect(run("sleep", ["30"], { deadline: 50 })).rejects.toThrow("no end after 0.05 s");
    await expect(run("no-such-program", [])).rejects.toThrow(`\`no-such-program\` is not installed; ${hint(["no-such-program"])}`);
    expect(hint(["no-such-program"], "linux")).toBe("install it with `apt-get install no-such-program`");
  });

  test("standard input reaches the program, standard error comes line by line", async () => {
    const seen: string[] = [];
    expect(await run("sh", ["-c", "echo one >&2; echo two >&2; cat"], { input: "text", onLine: (line) => seen.push(line) })).toBe("text");
    expect(seen).toEqual(["one", "two"]);
  });
});

describe("lock", () => {
  test("one at a time, in one process as between two, and free again after a failure", async () => {
    const name = `test ${process.pid}`;
    let inside = 0;
    const most: number[] = [];
    const work = async () => {
      most.push(++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await expect(locked(name, () => Promise.reject(new Error("failed inside")))).rejects.toThrow("failed inside");
    await Promise.all(Array.from({ length: 8 }, () => locked(name, work)));
    expect(most).toEqual(Array(8).fill(1));
  });

  test("waiting for it has a deadline", async () => {
    const name = `test deadline ${process.pid}`;
    await locked(name, () => expect(locked(name, async () => "in", { deadline: 30 })).rejects.toThrow("worked on by another process"));
  });
});
