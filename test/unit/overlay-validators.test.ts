// What the team's own files of cron, limits, modules and users are held to before they land. Real sh and awk run the checks.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { prelude } from "../../provisioners/engine/prelude.ts";
import { baseTerritory } from "../../provisioners/roles/base/territory.ts";

const folder = mkdtempSync(join(tmpdir(), "validators-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As the runner does it, under a name that begins with a dot and has blanks nowhere. */
function check(name: string, content: string): { readonly code: number | null; readonly said: string } {
  const file = join(folder, ".a.fleet-x");
  writeFileSync(file, content);
  const text = baseTerritory.find((each) => each.name === name)!.validateFile!;
  const script = `${prelude}\nfleet_validate "$1" "$2"`;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script, "sh", text, file], { encoding: "utf8" });
  return { code: status, said: stdout + stderr };
}

describe.each<[string, readonly string[], readonly (readonly [string, string])[]]>([
  [
    "cron",
    [
      "",
      "# nothing\n\n",
      'SHELL=/bin/sh\nMAILTO=""\n"AB"="c"\n*/5 * * * * root true\n',
      "0 0-23/2 1,15 jan-mar mon-fri isucon cd /home/isucon && ./run\n",
      "@reboot root true\n\t@daily\troot true # why\n",
      "59 23 31 12 7 root true\n*/90 * * * * root true\n",
      "# why\r\n* * * * * root true\n",
      "my-name=x\n* * * * * root true\n",
    ],
    [
      ["* * * * root true\n", "line 1: expected five fields"],
      ["# a\n* * * * * root\n", "line 2: expected five fields"],
      ["60 * * * * root true\n", "over 59 in field 1"],
      ["* 24 * * * root true\n", "over 23 in field 2"],
      ["* * * 1-13 * root true\n", "over 12 in field 4"],
      ["@sometimes root true\n", "no such time"],
      ["@daily true\n", "expected a time, a user and a command"],
      ["*/5 * * * * root true\r\n", "carriage return"],
      ["# a\r\nSHELL=/bin/sh\r\n", "line 2: ends with a carriage return"],
      ["*/5 * * * * root true", "expected a newline at the end"],
      ["often * * * * root true\n", "no number in field 1"],
    ],
  ],
  [
    "limits",
    [
      "",
      "# a\n\n* soft nofile 65536\n* - nofile 1048576\n@adm hard nproc unlimited\nroot - memlock infinity\n1000:1010 hard nofile -1\n",
      "isucon -\n* soft core 0 # why\n",
      "* soft nofile 65536",
      "# why\r\n* soft nofile 65536#more\n* - nofile -\n",
      "* Hard NOFILE Unlimited\n* soft nice +5\n",
    ],
    [
      ["* soft nofiles 65536\n", "line 1: no such item"],
      ["* both nofile 65536\n", "expected soft, hard or -"],
      ["* soft nofile 64k\n", "expected a number or unlimited"],
      ["* soft nofile\n", "expected a domain, a type, an item and a value"],
      ["* soft nofile 65536\r\n", "carriage return"],
    ],
  ],
  [
    "modules",
    ["", "# a\n; b\n", "# a\r\n"],
    [
      ["tcp bbr\n", "the name of one module"],
      ["tcp_bbr\r\n", "carriage return"],
      ["a/b\n", "the name of one module"],
    ],
  ],
])("a file of %s", (name, right, wrong) => {
  test.each(right)("that can be read lands: %j", (content) => {
    expect(check(name, content)).toEqual({ code: 0, said: "" });
  });
  test.each(wrong)("that can't be read does not: %j", (content, why) => {
    const { code, said } = check(name, content);
    expect([code === 0, said]).toEqual([false, expect.stringContaining(why)]);
  });
});

test("where a system has no program to ask, a file of users or udev lands unasked", () => {
  for (const name of ["sysusers", "udev"]) {
    const text = baseTerritory.find((each) => each.name === name)!.validateFile!;
    const { status } = spawnSync("/bin/sh", ["-ec", text.replaceAll("%s", "/nonexistent")], { env: { PATH: folder }, encoding: "utf8" });
    expect([name, status]).toEqual([name, 0]);
  }
});
