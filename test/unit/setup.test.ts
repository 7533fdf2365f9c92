import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

// Set-up is CommonJS for a Node that can't run TypeScript yet: it has no types to import.
const require = createRequire(import.meta.url);
const setup = new URL("../../setup/", import.meta.url).pathname;
const facts = require(`${setup}facts.cjs`);
const lock = require(`${setup}lock.cjs`);
const { cacheFolder, wanted } = require(`${setup}paths.cjs`);
const tools = require(`${setup}tools.cjs`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The pid of a process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ["--version"]).pid;

describe("versions", () => {
  test.each([
    ["v22.18.0", "22.18.0", true],
    ["v22.17.9", "22.18.0", false],
    ["v24.0.0", "22.18.0", true],
    ["v9.99.99", "22.18.0", false],
    ["v3.250.0\n", "3.250.0", true],
    ["v3.1000.0", "3.250.0", true],
    ["go1.26", "1.25.11", true],
    ["go1.25", "1.25.11", false],
    ["go1.19.8", "1.19.0", true],
    ["", "1.0.0", false],
    [undefined, "1.0.0", false],
    ["command not found", "1.0.0", false],
  ])("%s is at least %s: %s", (have, want, enough) => expect(facts.atLeast(have, want)).toBe(enough));
});

describe("node_modules against the lockfile", () => {
  const a = { version: "1.0.0", integrity: "sha512-a" };
  const native = { version: "2.0.0", integrity: "sha512-n", optional: true };
  const lockfile = { packages: { "": { name: "x" }, "node_modules/a": a, "node_modules/native": native } };
  const matches = (packages: object | undefined): boolean => facts.installedMatches(lockfile, packages && { packages });

  test("the same", () => expect(matches({ "node_modules/a": a, "node_modules/native": native })).toBe(true));
  test("an optional package of another platform is not there", () => expect(matches({ "node_modules/a": a })).toBe(true));
  test("nothing installed, or half of it: npm writes its list last", () => expect(matches(undefined)).toBe(false));
  test("a package is missing", () => expect(matches({ "node_modules/native": native })).toBe(false));
  test("another version", () => expect(matches({ "node_modules/a": { ...a, version: "1.0.1" } })).toBe(false));
  test("the same version with other content", () => expect(matches({ "node_modules/a": { ...a, integrity: "sha512-b" } })).toBe(false));
  test("a package too many", () => expect(matches({ "node_modules/a": a, "node_modules/b": a })).toBe(false));
});

describe("practice machines", () => {
  const debian = { platform: "linux", uid: 0, distribution: "debian" };
  const refusal = (change: object): string | undefined => facts.practiceRefusal({ ...debian, ...change });

  test("root on Debian", () => expect(refusal({})).toBeUndefined());
  test("root on Ubuntu and what derives from it", () => expect(refusal({ distribution: "linuxmint ubuntu debian" })).toBeUndefined());
  test("not root", () => expect(refusal({ uid: 1000 })).toMatch(/need root, and this is user `1000`: type `sudo npm start`/));
  test("macOS", () =>
    expect(refusal({ platform: "darwin", uid: 501, distribution: "" })).toMatch(
      /need Linux, and this is `darwin`: give a stack the target `{kind: practice, driver: qemu}` and type `.\/fleet setup --qemu`, or name/,
    ));
  test("another Linux", () => expect(refusal({ distribution: "fedora" })).toMatch(/need Debian or Ubuntu, and this is `fedora`: run this/));
  test("a Go compiler is advised in the words of the system", () => {
    expect(facts.goAdvice({ platform: "darwin", distribution: "" })).toContain("brew install pulumi");
    expect(facts.goAdvice(debian)).toContain("apt-get install golang-go");
    expect(facts.goAdvice({ platform: "linux", distribution: "fedora" })).toContain("Go 1.19");
  });
});

describe("virtual machines", () => {
  const needs = (platform: string, arch: string, distribution = ""): { packages?: string[]; programs?: string[]; advice: string } =>
    facts.qemuNeeds({ platform, arch, distribution });

  test.each([
    ["arm64", "qemu-system-aarch64"],
    ["x64", "qemu-system-x86_64"],
  ])("a Mac with %s: programs, and Homebrew's one word for them", (arch, program) => {
    expect(needs("darwin", arch)).toEqual({ programs: [program, "qemu-img", "ssh-keygen"], advice: "type `brew install qemu`" });
  });
  test("Debian: packages; those that make an image only where one is made", () => {
    expect(needs("linux", "x64", "debian").packages).toEqual([
      ...["mmdebstrap", "debian-archive-keyring", "uidmap", "qemu-system-x86", "qemu-utils", "openssh-client"],
    ]);
    const { packages, advice } = needs("linux", "arm64", "ubuntu debian");
    expect(packages).toEqual(["qemu-system-arm", "qemu-efi-aarch64", "qemu-utils", "openssh-client"]);
    expect(advice).toBe("type `sudo apt-get install qemu-system-arm qemu-efi-aarch64 qemu-utils openssh-client`");
  });
  test("another Linux: programs, so that nothing is asked for where they are", () => {
    expect(needs("linux", "arm64", "fedora").programs).toEqual(["qemu-system-aarch64", "qemu-img", "ssh-keygen"]);
    expect(needs("linux", "x64", "fedora").programs).toContain("mmdebstrap");
  });

  const step = require(`${setup}steps/qemu.cjs`);
  const withPath = <T>(path: string, work: () => T): T => {
    const before = process.env.PATH;
    process.env.PATH = path;
    try {
      return work();
    } finally {
      process.env.PATH = before;
    }
  };
  test("on a Mac what is missing is said with what to type; with the programs there, nothing", () => {
    const mac = { platform: "darwin", arch: "arm64", distribution: "", apt: false };
    withPath(folder, () => {
      expect(step.missing(mac)).toBe("qemu-system-aarch64, qemu-img, ssh-keygen");
      expect(() => step.install(mac)).toThrow("virtual machines need qemu-system-aarch64, qemu-img, ssh-keygen: type `brew install qemu`");
      for (const name of ["qemu-system-aarch64", "qemu-img", "ssh-keygen"]) writeFileSync(join(folder, name), "", { mode: 0o755 });
      expect(step.missing(mac)).toBeUndefined();
    });
  });
});

describe("messages", () => {
  test.each([
    ["GET https://user:pw@mirror.example.net:8080/a failed", "GET https://user:pw@…:8080/a failed"],
    ["dial tcp: lookup proxy.example.org on 10.0.0.1:53: no such host", "dial tcp: lookup … on 10.0.0.1:53: no such host"],
    ["getaddrinfo ENOTFOUND npm.example.org npm.example.org", "getaddrinfo ENOTFOUND … …"],
    ["Could not resolve 'deb.example.org'", "Could not resolve '…'"],
    ["unpacking systemd-container (252.39-1) over lib/a.b", "unpacking systemd-container (252.39-1) over lib/a.b"],
  ])("no host in `%s`", (said, shown) => expect(facts.withoutHosts(said)).toBe(shown));

  test.each([
    [412, "0.4 s"],
    [12_400, "12 s"],
    [185_000, "3 min 05 s"],
  ])("%d ms is shown as %s", (ms, shown) => expect(facts.duration(ms)).toBe(shown));
});

describe("the lock", () => {
  const file = (): string => join(folder, "lock");

  test("is free, then held by us, then free again", async () => {
    await lock.withLock(file(), expect.fail, async () => expect(lock.tryLock(file())).toMatch(new RegExp(`^${process.pid}\\b`)));
    expect(existsSync(file())).toBe(false);
  });
  test("is given back when the work fails", async () => {
    const failing = lock.withLock(file(), expect.fail, () => Promise.reject(new Error("no disk")));
    await expect(failing).rejects.toThrow("no disk");
    expect(existsSync(file())).toBe(false);
  });
  test("of a dead process is broken", () => {
    writeFileSync(file(), `${deadPid()} 1`);
    expect(lock.tryLock(file())).toBeUndefined();
    expect(readFileSync(file(), "utf8")).toMatch(new RegExp(`^${process.pid}\\b`));
  });
  test.runIf(process.platform === "linux")("of a dead process whose pid was given to another one is broken", () => {
    writeFileSync(file(), `${process.pid} 1`);
    expect(lock.tryLock(file())).toBeUndefined();
  });
  test("of a living process is waited for", async () => {
    expect(lock.tryLock(file())).toBeUndefined();
    const holders = new Set<string>();
    setTimeout(() => rmSync(file()), 500);
    await expect(
      lock.withLock(
        file(),
        (pid: string) => holders.add(pid),
        async () => "worked",
      ),
    ).resolves.toBe("worked");
    expect([...holders]).toEqual([String(process.pid)]);
  });
  test("is not waited for by someone who was interrupted", async () => {
    expect(lock.tryLock(file())).toBeUndefined();
    const interrupt = (): never => {
      throw new Error("interrupted");
    };
    await expect(lock.withLock(file(), interrupt, expect.fail)).rejects.toThrow("interrupted");
    expect(existsSync(file())).toBe(true);
  });
});

describe("tools", () => {
  const bin = (): string => join(folder, "bin");

  test("a link is what its target is", () => {
    tools.link(bin(), "node", process.execPath);
    expect(tools.linked(bin(), "node")).toBe(process.execPath);
    expect(tools.linked(bin(), "pulumi")).toBeUndefined();
  });
  test("a link whose target went away is missing", () => {
    tools.link(bin(), "node", join(folder, "gone"));
    expect(tools.linked(bin(), "node")).toBeUndefined();
  });
  test("links made for other versions are missing, and the next link drops them", () => {
    tools.link(bin(), "pulumi", process.execPath);
    writeFileSync(join(bin(), ".wanted.json"), JSON.stringify({ ...wanted, pulumi: "3.0.0" }));
    expect(tools.linked(bin(), "pulumi")).toBeUndefined();
    tools.link(bin(), "node", process.execPath);
    expect(existsSync(join(bin(), "pulumi"))).toBe(false);
  });
  test("an installation that fails leaves nothing, and leaves what was there", async () => {
    await tools.install(folder, "tool-1", async (work: string) => {
      mkdirSync(join(work, "made"));
      return join(work, "made");
    });
    const failing = tools.install(folder, "tool-1", () => Promise.reject(new Error("no disk")));
    await expect(failing).rejects.toThrow("no disk");
    expect(readdirSync(folder)).toEqual(["tool-1"]);
  });
  test("what a killed set-up left is swept, and nothing else", () => {
    for (const name of ["node-1", "node-1.tmp-Ab3dE9", "other.tmp-Ab3dE9", "bin"]) mkdirSync(join(folder, name));
    tools.sweep(folder);
    expect(readdirSync(folder).sort()).toEqual(["bin", "node-1", "other.tmp-Ab3dE9"]);
  });
  test("the cache is where XDG says, and a relative path is ignored", () => {
    expect(cacheFolder({ XDG_CACHE_HOME: "/var/x", HOME: "/h" })).toBe("/var/x/contest-fleet");
    expect(cacheFolder({ XDG_CACHE_HOME: "x", HOME: "/h" })).toBe("/h/.cache/contest-fleet");
    expect(() => cacheFolder({})).toThrow("set one of them");
  });
});

describe("the launcher", () => {
  const launch = (args: readonly string[], cache: string) =>
    spawnSync(join(folder, "it's a checkout", "setup", "node"), args, {
      encoding: "utf8",
      env: { PATH: process.env.PATH, XDG_CACHE_HOME: cache },
    });
  beforeEach(() => {
    mkdirSync(join(folder, "it's a checkout", "setup"), { recursive: true });
    copyFileSync(join(setup, "node"), join(folder, "it's a checkout", "setup", "node"));
  });

  test("before set-up: one sentence that says what to type, exit 3", () => {
    const { status, stderr } = launch(["--version"], folder);
    expect(status).toBe(3);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("npm start");
  });
  test("after it: arguments arrive as they are, the tools come first on PATH, and exit codes pass", () => {
    const bin = join(folder, "contest-fleet", "bin");
    for (const name of ["node", "pulumi"]) tools.link(bin, name, process.execPath);
    mkdirSync(join(folder, "it's a checkout", "node_modules"));
    writeFileSync(join(folder, "it's a checkout", "node_modules", ".package-lock.json"), "{}");
    const script = "console.log(JSON.stringify([process.argv.slice(1), process.env.PATH.split(':')[0]])); process.exitCode = 7";
    const { status, stdout } = launch(["-e", script, "--", "a b", "$HOME", ""], folder);
    expect(JSON.parse(stdout)).toEqual([["a b", "$HOME", ""], bin]);
    expect(status).toBe(7);
  });
  test("in a package, whose packages npm puts elsewhere, it asks for the tools alone", () => {
    const bin = join(folder, "contest-fleet", "bin");
    writeFileSync(join(folder, "it's a checkout", "index.js"), "");
    writeFileSync(join(folder, "it's a checkout", "package.json"), "{}");
    expect(launch(["--version"], folder)).toMatchObject({ status: 3, stderr: expect.stringContaining("`npx fleet setup`") });
    for (const name of ["node", "pulumi"]) tools.link(bin, name, process.execPath);
    expect(launch(["--version"], folder)).toMatchObject({ status: 0, stdout: `${process.version}\n` });
  });
  test("`./fleet` finds its checkout through a link", () => {
    copyFileSync(join(setup, "..", "fleet"), join(folder, "it's a checkout", "fleet"));
    symlinkSync(join(folder, "it's a checkout", "fleet"), join(folder, "fleet"));
    const { status, stderr } = spawnSync(join(folder, "fleet"), ["up"], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, XDG_CACHE_HOME: folder },
    });
    expect(stderr).toContain("npm start");
    expect(status).toBe(3);
  });
});
