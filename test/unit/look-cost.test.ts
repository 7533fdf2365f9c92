// What a look costs a server: each process is a millisecond there, and with many servers that is what nothing to do is made of.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { see } from "../../provisioners/engine/converge.ts";
import { readFacts } from "../../provisioners/engine/facts.ts";
import { observe } from "../../provisioners/engine/observe.ts";
import { prelude } from "../../provisioners/engine/prelude.ts";
import { kernelIn } from "../../provisioners/engine/probe-results.ts";
import type { Shell } from "../../provisioners/engine/shell.ts";
import type { Address, Common } from "../../provisioners/resources/kind.ts";
import { kindOf } from "../../provisioners/resources/kinds.ts";
import { want } from "../../provisioners/resources/want.ts";

const text = (command: string, ...args: readonly string[]): string => execFileSync(command, args, { encoding: "utf8" }).trim();

describe("processes", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fleet-look-cost-"));
    mkdirSync(join(folder, "bin"));
    writeFileSync(join(folder, "started"), "");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Each program's name is written down as it is started; built-ins of the shell are none. What a script starts is a word of it. */
  const counting = (): Shell => {
    const one = join(folder, "one");
    writeFileSync(one, `#!/bin/sh\necho "\${0##*/}" >> ${folder}/started\nPATH=$REAL_PATH exec "\${0##*/}" "$@"\n`);
    chmodSync(one, 0o755);
    const places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    const env = { PATH: join(folder, "bin"), REAL_PATH: places.join(":") };
    return {
      host: "isu1",
      close: async () => {},
      async run({ text: script }) {
        for (const name of new Set(script.match(/[a-z][\w.-]*/g)))
          if (places.some((place) => existsSync(join(place, name))) && !existsSync(join(folder, "bin", name)))
            symlinkSync(one, join(folder, "bin", name));
        return { code: 0, stderr: "", stdout: execFileSync("/bin/sh", { input: script, env, stdio: ["pipe", "pipe", "ignore"] }) };
      },
    };
  };
  const started = (): readonly string[] => readFileSync(join(folder, "started"), "utf8").split("\n").filter(Boolean).sort();

  test("a look at files and kernel settings of several roles, and at the facts, starts one program for each kind of question", async () => {
    const shell = counting();
    const roles = ["base", "web"].map((role) => {
      const files = ["a", "b", "c"].map((name) => want.file({ path: join(folder, `${role}-${name}`), content: "text\n" }));
      for (const { want: file } of files) writeFileSync((file as unknown as { path: string }).path, "text\n");
      // The last one there is: no file can be read later, whatever this computer has.
      const settings = want.sysctl({ name: role, path: `/etc/sysctl.d/~~${role}.conf`, settings: { "net.core.somaxconn": "4096" } });
      return [
        role,
        Object.fromEntries([...files, settings].map(({ address, want: wanted }): [Address, Common] => [address, wanted])),
      ] as const;
    });
    await Promise.all([readFacts(shell), ...roles.map(([role, wants]) => see(shell, role, wants))]);
    // Two of stat: the second is of the disk. `uname` is for kernels that do not tell what they run on.
    expect(started().filter((name) => name !== "uname")).toEqual(["cat", "grep", "hostname", "stat", "stat"]);
  });

  test("a file of the overlay that is new costs the content and its name; one that is there keeps what it has beside its content", async () => {
    const shell = counting();
    const path = join(folder, "file");
    const written = want.file({ path, content: "text\n", keep: true });
    const write = async ({ address, want: wanted } = written) => {
      writeFileSync(join(folder, "started"), "");
      const { haves } = await observe(shell, "app", { [address]: wanted });
      writeFileSync(join(folder, "started"), "");
      const [step] = kindOf(address).kind.plan(wanted, haves.get(address), { gone: new Set(), changed: new Set() } as never);
      await shell.run({ text: `state=${folder}/state run=abcdefghijkl key=1\n${prelude}\n( ${step!.run.text}\n)`, masked: "" });
      return started();
    };
    expect(await write()).toEqual(["dd", "mv"]);
    expect(readFileSync(path, "utf8")).toBe("text\n");
    writeFileSync(path, "other\n");
    chmodSync(path, 0o644);
    // Whoever is not root has a group to be asked for.
    const others = process.getuid?.() === 0 ? [] : ["getent", "install"];
    expect(await write()).toEqual(["chmod", "cp", "dd", "mv", "stat", ...others].sort());
    expect(readFileSync(path, "utf8")).toBe("text\n");
    // The umask does not count in a folder with a default access list: what is root's alone is made so.
    const secret = want.file({ path: join(folder, "secret"), content: "text\n", mode: "0600" });
    expect(await write(secret)).toEqual(["chmod", "dd", "mv"]);
  });
});

describe("facts", () => {
  const shell: Shell = {
    host: "isu1",
    close: async () => {},
    run: async ({ text: script }) => ({
      code: 0,
      stderr: "",
      stdout: execFileSync("/bin/sh", { input: script, stdio: ["pipe", "pipe", "ignore"] }),
    }),
  };

  test("are what the system's own programs say", async () => {
    const facts = await readFacts(shell);
    const machines: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
    expect(facts).toMatchObject({
      cores: Number(text("nproc")),
      architecture: machines[text("uname", "-m")],
      memoryMiB: Math.floor(Number(text("awk", "/^MemTotal:/ { print $2 }", "/proc/meminfo")) / 1024),
      diskMiB: Number(text("df", "-P", "-m", "/var/lib").split("\n")[1]!.trim().split(/\s+/)[1]),
    });
    expect(facts.cores).toBeLessThanOrEqual(availableParallelism());
  });

  test.for([
    ["0", 1],
    ["0-1", 2],
    ["0-3,8", 5],
    ["0-3,8,10-11", 7],
  ] as const)("a process that may run on %s has %d cores", ([list, cores]) => {
    const said = `MemTotal:       24576000 kB\nMemFree: 1 kB\nName:\tcat\nCpus_allowed:\tffff\nCpus_allowed_list:\t${list}\nMems_allowed_list:\t0\n`;
    expect(kernelIn(said)).toEqual({ memoryKiB: 24_576_000, cores });
  });

  test("that the kernel does not say are none", () => {
    expect(kernelIn("Name:\tcat\n")).toEqual({ memoryKiB: Number.NaN, cores: Number.NaN });
  });
});
