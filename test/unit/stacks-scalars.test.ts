// The door: what the strict grammars let through, and what never passes any of them.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { InstanceType } from "../../components/targets/aws/settings/target.ts";
import * as scalars from "../../spec/scalars.ts";

const ed25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIMJ8T0BqXmZCd1m5pcRkTTMtpGVFpWnCzPHq5tMZl0bU";

/** Right and wrong examples of every grammar that guards a name, path, address or amount. */
const grammars: Readonly<Record<string, readonly [z.ZodType, readonly string[], readonly string[]]>> = {
  TeamName: [scalars.TeamName, ["team-a", "t", "isucon2026"], ["", "Team", "a-", "1a", "a_b", "a".repeat(33)]],
  ServerName: [scalars.ServerName, ["isu1", "db"], ["common", "localhost", "isu.1", "1isu", "ISU1"]],
  HostName: [
    scalars.HostName,
    ["db.example.org", "ISU1", "a-b.c1"],
    ["-a", "a-.b", "a..b", "10.0.0.256", "1", "a.", `${"a".repeat(64)}.b`],
  ],
  UserName: [scalars.UserName, ["isucon", "_apt", "www-data"], ["Root", "1a", "a b", "a".repeat(33), "root\nALL", "a."]],
  Owner: [scalars.Owner, ["root", "systemd-journal"], ["root:root", "0", ""]],
  GitHubId: [scalars.GitHubId, ["octocat", "3846masa", "A-b", "ada_acme", "a-", "a--b"], ["-a", "_a", "a b", "a/b", "a".repeat(40)]],
  OwnName: [scalars.OwnName, ["work", "image-worker"], ["-x", "a--b", "Work", "a b"]],
  RoleName: [scalars.RoleName, ["nginx", "php-fpm"], ["-x", "php--fpm", "Php"]],
  ServerRef: [scalars.ServerRef, ["isu1"], ["isu1.local", ""]],
  ServiceName: [scalars.ServiceName, ["isuride-go", "isuride.go", "app@1"], ["-x", ".x", "app.service", "a/b", ""]],
  UnitName: [
    scalars.UnitName,
    ["nginx.service", "getty@tty1.service", "dev-md0.mount"],
    ["nginx", ".service", "-x.service", "a/b.service"],
  ],
  PackageName: [scalars.PackageName, ["libssl-dev", "g++", "libstdc++6"], ["-o", "", "a=1", "a/stable"]],
  PackageVersion: [scalars.PackageVersion, ["1:10.11.6-0", "1.22.1-9"], ["-1", "~1", ""]],
  SysctlKey: [scalars.SysctlKey, ["net.core.somaxconn", "net.ipv4.conf.br-1.rp_filter"], ["somaxconn", "net..core", "net.-x", "net/core"]],
  EnvName: [scalars.EnvName, ["DB_HOST", "_x"], ["1A", "A-B", "A=B"]],
  Identifier: [scalars.Identifier, ["wordpress", "app_1"], ["a-b", "1a", "a.b"]],
  Timezone: [
    scalars.Timezone,
    ["UTC", "Asia/Tokyo", "America/Argentina/Buenos_Aires", "Etc/GMT+9"],
    ["asia/tokyo", "../etc/passwd", "/etc", "Asia/Tokio"],
  ],
  Locale: [scalars.Locale, ["C.UTF-8", "ja_JP.UTF-8"], ["ja_JP", "C"]],
  AbsolutePath: [
    scalars.AbsolutePath,
    ["/etc/motd", "/etc/systemd/system/getty@tty1.service.d/x.conf", "/home/isucon/.ssh", "/a/.b"],
    ["/", "etc", "/etc/", "//etc", "/etc/..", "/etc/../x", "/./x", "/-rf", "/a/-rf", "/a b", "~/x", "/a/..b"],
  ],
  RelativePath: [scalars.RelativePath, ["files", "files/team-a"], ["../x", "/x", "./x", "a/../b", "-x", "a/"]],
  Mode: [scalars.Mode, ["0644", "4755"], ["644", "0888", "u+x"]],
  Ipv4: [scalars.Ipv4, ["192.168.0.11"], ["192.168.0.256", "1.2.3", "01.2.3.4"]],
  Address: [
    scalars.Address,
    ["203.0.113.7", "2001:db8::1", "db.example.org"],
    ["203.0.113.256", "fe80::1%eth0", "[::1]", "-oProxyCommand=id"],
  ],
  Cidr: [scalars.Cidr, ["10.20.30.0/24", "0.0.0.0/0", "10.0.0.1/32"], ["10.20.30.1/24", "10.20.30.0", "10.20.30.0/33"]],
  Url: [
    scalars.Url,
    ["https://example.org/a?b=c", "http://127.0.0.1:8080"],
    ["ftp://x", "https://user@x/", "https://x/../y", "https://x/a b"],
  ],
  KeyUrl: [
    scalars.KeyUrl,
    ["https://github.com/{user}.keys", "http://127.0.0.1:8080/{user}.keys"],
    ["https://github.com/x.keys", "http://example.org/{user}.keys", "https://{user}.example.org/", "https://x/../{user}"],
  ],
  GitUrl: [
    scalars.GitUrl,
    ["https://example.org/team/app.git", "git@github.com:team/app.git", "ssh://git@example.org/app.git"],
    ["file:///etc", "ext::sh -c id", "-u", "https://example.org/../x", "/srv/app.git"],
  ],
  Sha256: [scalars.Sha256, ["0".repeat(64), "9f".repeat(32)], ["0".repeat(63), "0".repeat(65), "A".repeat(64), `${"0".repeat(64)}\n`]],
  GitRef: [scalars.GitRef, ["main", "feature/x", "v1.2"], ["-x", "a..b", "a@{1}", "a/", "a b"]],
  Size: [scalars.Size, ["1GiB", "512MiB"], ["1GB", "0GiB", "1 GiB", "1.5GiB", "1024"]],
  Duration: [scalars.Duration, ["30s", "5min", "250ms"], ["30", "0s", "5m", "-1s"]],
  SshPublicKey: [
    scalars.SshPublicKey,
    [`ssh-ed25519 ${ed25519}`, `ssh-ed25519 ${ed25519} me@laptop`],
    [
      `ssh-rsa ${ed25519}`,
      ed25519,
      `command="id" ssh-ed25519 ${ed25519}`,
      `ssh-ed25519 ${ed25519.slice(0, 40)}`,
      `ssh-ed25519 ${ed25519}\nx`,
    ],
  ],
  HostKey: [scalars.HostKey, [`ssh-ed25519 ${ed25519}`], [`ssh-ed25519 ${ed25519} comment`, `host ssh-ed25519 ${ed25519}`]],
  InstanceType: [InstanceType, ["c5.large", "i4i.2xlarge", "c7i-flex.large", "m5.metal"], ["large", "C5.large", "c5.", "-c5.large"]],
};

/** Text that must pass no grammar: a newline or other control character, a leading dash, a step upwards, or what a shell reads. */
const poison = fc.oneof(
  fc
    .constantFrom(...Array.from("\n\r\0\t\u001b\u007f;&|$`\"'\\<>()*![]#^"), "../", "/../", "$(id)", "`id`", "\n-x")
    .map((char) => ({ char, lead: false })),
  fc.constant({ char: "-", lead: true }),
);

describe("strict grammars", () => {
  for (const [name, [schema, right, wrong]] of Object.entries(grammars)) {
    test(`${name} takes what is right and refuses what is not`, () => {
      expect(right.filter((value) => !schema.safeParse(value).success)).toEqual([]);
      expect(wrong.filter((value) => schema.safeParse(value).success)).toEqual([]);
    });

    test(`${name} lets no newline, leading dash, \`../\` or shell character through`, () => {
      const spoilt = fc.tuple(fc.oneof(fc.constantFrom(...right), fc.string()), poison, fc.nat()).map(([base, { char, lead }, seed]) => {
        const at = lead ? 0 : seed % (base.length + 1);
        return base.slice(0, at) + char + base.slice(at);
      });
      fc.assert(
        fc.property(spoilt, (value) => !schema.safeParse(value).success),
        { numRuns: 500 },
      );
    });

    test(`${name}: whatever passes is one line without a leading dash`, () => {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom(...right)), (value) => {
          if (!schema.safeParse(value).success) return true;
          return /^[^-\s;&|$`"'\\<>()*!#^\p{Cc}][^;&|$`"'\\<>()*!#^\p{Cc}]*$/u.test(value) && !value.split("/").includes("..");
        }),
      );
    });
  }

  test("FilePath takes whatever may lie on a server, but no way up and nothing that cuts the look apart", () => {
    for (const right of ["/a b", "/etc/systemd/system/a\\x2db.service", "/app@1", "/ホーム/-rf", "/a/..b", "/$(id)"])
      expect(scalars.FilePath.safeParse(right).success, right).toBe(true);
    const spoilt = fc
      .tuple(
        fc.constantFrom("/../", "/./", "\n", "|", "\0", "\u007f", "//", "⟦"),
        fc.string({ maxLength: 20 }),
        fc.string({ maxLength: 20 }),
      )
      .map(([bad, a, b]) => `/${a}${bad}${b}`);
    fc.assert(fc.property(spoilt, (value) => !scalars.FilePath.safeParse(value).success));
    for (const wrong of ["", "/", "a", "/a/", "/..", "/a/.."]) expect(scalars.FilePath.safeParse(wrong).success, wrong).toBe(false);
  });

  test("LinkTarget is any path, up and down", () => {
    for (const right of ["../a", "/x y", "a"]) expect(scalars.LinkTarget.safeParse(right).success, right).toBe(true);
    for (const wrong of ["", "-x", "a\nb"]) expect(scalars.LinkTarget.safeParse(wrong).success, wrong).toBe(false);
  });

  test("every grammar of scalars.ts is examined here", () => {
    const free = ["AbsolutePattern", "FilePath", "LinkTarget", "Line", "SecretText", "PrivateKey", "Port"];
    const all = Object.entries(scalars).flatMap(([name, value]) => (typeof value === "object" && "safeParse" in value ? [name] : []));
    expect(all.filter((name) => !(name in grammars) && !free.includes(name))).toEqual([]);
  });

  test("a grammar refuses text that is not a string with its own sentence", () => {
    const result = scalars.Mode.safeParse(644);
    expect(result.error?.issues[0]?.message).toBe('expected four octal digits in quotes, such as `"0644"`');
  });

  test("AbsolutePattern is a path with wildcards, and nothing else of the shell's", () => {
    const { AbsolutePattern, AbsolutePath } = scalars;
    const right = ["/etc/motd", "/var/log/nginx/*.log", "/home/[a-z]*/.ssh", "/a/b?"];
    const wrong = ["/", "etc/*", "/etc/../x", "/a b", "/-rf", "/*/-x", "/$(id)", "/a;b", "/{a,b}", "/a/*/", "/a\n/b", "/[!-a]"];
    for (const each of right) expect(AbsolutePattern.safeParse(each).success, each).toBe(true);
    for (const each of wrong) expect(AbsolutePattern.safeParse(each).success, each).toBe(false);
    const near = fc
      .tuple(fc.constantFrom(...right), fc.string({ maxLength: 3 }), fc.nat(20))
      .map(([base, more, at]) => base.slice(0, at) + more);
    fc.assert(
      fc.property(near, (value) => {
        if (!AbsolutePattern.safeParse(value).success) return true;
        return AbsolutePath.safeParse(value.replace(/[[\]*?]/g, "x")).success;
      }),
      { numRuns: 2000 },
    );
  });

  test("Line and SecretText are free text on one line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const oneLine = !/[\u0000-\u001f\u007f]/.test(value);
        return scalars.Line.safeParse(value).success === oneLine && (oneLine || !scalars.SecretText.safeParse(value).success);
      }),
    );
    expect(scalars.Line.safeParse("a\nb").success).toBe(false);
    expect(scalars.SecretText.safeParse("").success).toBe(false);
  });
});

describe("amounts", () => {
  test("sizes and durations count", () => {
    expect([scalars.bytesOfSize("1GiB"), scalars.bytesOfSize("3KiB"), scalars.bytesOfSize("7B")]).toEqual([1073741824, 3072, 7]);
    expect([scalars.secondsOf("250ms"), scalars.secondsOf("5min"), scalars.secondsOf("1d")]).toEqual([0.25, 300, 86400]);
    expect(() => scalars.bytesOfSize("1GB")).toThrow(TypeError);
  });

  test("networks know their range", () => {
    expect(scalars.cidrRange("10.0.1.0/24")).toEqual({ base: scalars.ipv4Number("10.0.1.0"), size: 256 });
    expect(scalars.ipv4Number("255.255.255.255")).toBe(2 ** 32 - 1);
  });
});
