// What the role `base` makes a filesystem of, on disks made of files: nothing that holds a byte, wherever it is.
import { execFileSync, spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatScript } from "../../provisioners/roles/base/volumes.ts";
import { FakeComputer, mib, sha256Of, writeAt } from "../support/fake-disks.ts";

let computer: FakeComputer;
let disk: string;
beforeEach(() => {
  computer = new FakeComputer();
  disk = computer.disk("xvdj");
});
afterEach(() => computer.gone());

/** Under `sh -e`, as a command of a role runs. `slow`: so many seconds seem to pass at each look at the clock. */
function format({ blank = false, slow = 0 } = {}) {
  if (slow > 0) {
    const clock = `f=${computer.root}/fake/clock; n=$(($(cat $f 2>/dev/null || echo 0) + ${slow})); echo $n | tee $f`;
    computer.put("bin/date", `#!/bin/sh\n${clock}\n`, 0o755);
  }
  const input = formatScript(disk, { filesystem: "ext4", blank });
  const { status, stdout, stderr } = spawnSync("dash", ["-e", "-s"], { input, encoding: "utf8", env: { PATH: computer.path } });
  return { code: status, said: stdout + stderr };
}

const typeOf = () => spawnSync("/sbin/blkid", ["-p", "-s", "TYPE", "-o", "value", disk], { encoding: "utf8" }).stdout.trim();

/** Grows it, sparse: a byte beyond the part that is read at a glance. */
const grown = (size: string): void => void execFileSync("truncate", ["-s", size, disk]);

describe("a filesystem", () => {
  test("is made where the disk is blank", () => {
    expect(format()).toEqual({ code: 0, said: "" });
    expect(typeOf()).toBe("ext4");
  });

  test.for([
    ["the first byte", 0],
    ["20.5 MiB", 20.5 * mib],
    ["33 MiB and a byte", 33 * mib + 1],
    ["the last byte", 64 * mib - 1],
  ] as const)("is not made where data without a signature is at %s", ([, at]) => {
    writeAt(disk, at, "x");
    const before = sha256Of(disk);
    expect(format()).toEqual({ code: 1, said: expect.stringMatching(/got data on \S+ without a signature; nothing was written/) });
    expect(sha256Of(disk)).toBe(before);
  });

  test.for([
    ["swap", (): void => void execFileSync("mkswap", [disk], { stdio: "ignore" })],
    ["xfs", (): void => writeAt(disk, 0, "XFSB")],
    ["dos", (): void => writeAt(disk, 446, `\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\x08\0\0${"\0".repeat(48)}\x55\xaa`)],
  ] as const)("is not made of %s", ([word, make]) => {
    make();
    const before = sha256Of(disk);
    expect(format()).toEqual({
      code: 1,
      said: expect.stringMatching(word === "xfs" ? /got .*; nothing was written/ : `got ${word}; nothing was`),
    });
    expect(sha256Of(disk)).toBe(before);
  });

  test.for([
    ["an md superblock", "fake/md/xvdj"],
    ["devices that use it", "dev/xvdj.children"],
    ["something that blkid can not tell", "dev/xvdj.unclear"],
  ])("is not made where there is %s", ([word, file]) => {
    computer.put(file!, "crypt\n");
    expect(format()).toEqual({ code: 1, said: expect.stringContaining(`got ${word}; nothing was written`) });
  });
});

describe("a disk that can't be read whole in time", () => {
  const gib = 1024 * mib;

  test("gets none unless somebody has said that it is blank", () => {
    grown("2G");
    expect(format({ slow: 100 })).toEqual({
      code: 1,
      said: expect.stringMatching(/of which 1792 are not known to be blank; next: .*`blank: true`/),
    });
    expect(typeOf()).toBe("");
    expect(format({ slow: 100, blank: true })).toEqual({ code: 0, said: "" });
    expect(typeOf()).toBe("ext4");
  });

  test.for([
    ["near its beginning", 20.5 * mib],
    ["at its end", 2 * gib - 1],
  ] as const)("said to be blank, and with data %s, gets none", ([, at]) => {
    grown("2G");
    writeAt(disk, at, "x");
    expect(format({ slow: 100, blank: true })).toEqual({ code: 1, said: expect.stringContaining("got data on") });
    expect(typeOf()).toBe("");
  });
});
