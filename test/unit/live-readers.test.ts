// What the team's own files may say in other words than a service has for it: legal, in force, and nothing to name.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseAnswer } from "../../provisioners/resources/live/reader.ts";
import { readers } from "../../provisioners/resources/live/readers.ts";

const eight = { innodb_buffer_pool_instances: "8" };

describe("a value that is in force in other words, and one that is not", () => {
  test.each<[keyof typeof readers, string, string, string, string, Readonly<Record<string, string>>?]>([
    ["mysql", "log_bin", "/var/log/mysql/mysql-bin.log", "ON", "OFF"],
    ["mysql", "optimizer_switch", "mrr=off, index_merge=on", "index_merge=on,mrr=off,icp=on", "index_merge=on,mrr=on,icp=on"],
    ["mysql", "open_files_limit", "20000", "32768", "10000"],
    ["mysql", "innodb_buffer_pool_size", "1500M", "2147483648", "3221225472", eight],
    ["mysql", "innodb_buffer_pool_size", "300M", "402653184", "2147483648"],
    ["php", "error_reporting", "E_ALL & ~E_DEPRECATED & ~E_STRICT", "22527", "no value"],
    ["php", "memory_limit", "512M ; was 128M", "512M", "128M"],
    ["php", "session.save_path", '"/srv/a;b" ; why', "/srv/a;b", "/srv/a"],
    ["php", "session.use_trans_sid", "none", "0", "1"],
    ["php", "memory_limit", "512M\r", "512M", "128M"],
    ["redis", "notify-keyspace-events", "Ex", "xE", "E"],
    ["redis", "dir", "/var/lib/redis/", "/var/lib/redis", "/root"],
  ])("%s: %s = %s", (of, name, wanted, same, other, all = {}) => {
    expect([same, other].map((live) => readers[of].same(name, wanted, live, all))).toEqual([true, false]);
  });

  test.each([
    ["supervised", "no", "systemd"],
    ["dir", "./", "/var/lib/redis"],
  ])("redis: %s is its unit's business", (name, wanted, live) => {
    expect(readers.redis.same(name, wanted, live, {})).toBe(true);
  });
});

describe("files of redis", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-live-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "bin"));
  const cli = `case "$REDISCLI_AUTH $*" in 'pw -s /run/r.sock '*) printf 'maxmemory\\n1024\\nbind\\n::1\\n' ;; *) echo refused >&2; exit 1 ;; esac`;
  writeFileSync(join(folder, "bin/redis-cli"), `#!/bin/sh\nshift 2\n${cli.replace("$*", '$(echo "$@")')}\n`, { mode: 0o755 });

  const ask = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    const text = readers.redis.ask(`/etc/redis/${name}`).text.replaceAll("/etc/redis", folder);
    const env = { PATH: `${join(folder, "bin")}:${process.env.PATH}` };
    const { status, stdout } = spawnSync("sh", ["-c", text], { encoding: "utf8", env });
    return { status, ...parseAnswer(stdout) };
  };
  const main = 'port 0\nunixsocket /run/r.sock\nrequirepass "pw"\nsave 60 1\nsave 300 1\nbind 127.0.0.1\nbind ::1\n';
  const live = { maxmemory: "1024", bind: "::1" };

  test("the last line of a setting counts, and each of `save`", () => {
    expect(ask("redis.conf", main)).toMatchObject({ status: 0, live, own: { bind: "::1", save: "60 1 300 1" } });
  });

  test("one that is read beside the main one is asked for where that one says", () => {
    ask("redis.conf", main);
    expect(ask("team.conf", "maxmemory 1kb\n")).toEqual({ status: 0, live, files: {}, own: { maxmemory: "1kb" } });
  });

  test("a sentinel's is another program's", () => {
    expect(ask("sentinel.conf", "port 26379\nsentinel monitor a 10.0.0.1 6379 2\n")).toEqual({ status: 0, live: {}, files: {}, own: {} });
  });
});
