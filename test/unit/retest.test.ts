// What lives only at run time is found before the reboot, by name: one planted fault a test, over what a look finds.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { undoFinal } from "../../operations/measure/run/final.ts";
import { factsIn, noFacts, type RetestFacts, type Row, type Unit } from "../../operations/retest/facts.ts";
import { taking } from "../../operations/retest/finalize.ts";
import { faultsOn, rules } from "../../operations/retest/rules/rules.ts";
import { sections } from "../../operations/retest/sections.ts";
import { keepingSteps } from "../../operations/retest/stays.ts";
import { type Command, raw } from "../../provisioners/engine/shell-quote.ts";

const running: Unit = {
  Id: "app.service",
  LoadState: "loaded",
  ActiveState: "active",
  UnitFileState: "enabled",
  FragmentPath: "/etc/systemd/system/app.service",
  Type: "simple",
  Restart: "on-failure",
  WantedBy: "multi-user.target",
  NeedDaemonReload: "no",
  ProtectHome: "no",
};
const unit = (change: Unit): Unit => ({ ...running, ...change });
const rows = (...all: readonly string[]): readonly Row[] => all.map((row) => row.split("|"));

/** A server on which nothing is wrong. */
const well: RetestFacts = {
  ...noFacts,
  system: rows("multi-user.target|none|"),
  units: [running, unit({ Id: "mariadb.service", FragmentPath: "/lib/systemd/system/mariadb.service", ProtectHome: "yes" })],
  paths: rows("app.service|ExecStart|/usr/bin/app|yes|ext2/ext3|/usr/bin/app"),
  mysql: rows(
    "live|slow_query_log|OFF",
    "live|general_log|OFF",
    "file|max_connections|500",
    "set|max_connections|500|151",
    "data|/var/lib/mysql/|ext2/ext3",
    "memory|notes|seen|0",
  ),
  sysctl: rows("file|net.core.somaxconn|1024|1024", "live|net.core.somaxconn|1024", "live|net.ipv4.tcp_fin_timeout|60"),
  mounts: rows(
    "mounted|/|/dev/sda1|ext4|rw,relatime|",
    "mounted|/data|/dev/sdb1|xfs|rw,noatime|/run/systemd/generator/data.mount",
    "fstab|/|UUID=1|ext4|defaults|yes",
    "fstab|/data|LABEL=data|xfs|noatime|yes",
  ),
  hosts: rows("cloud|on", "manage|false", "host|127.0.0.1 localhost", "host|10.0.0.2 isu2", "hostname|isu1|isu1"),
  cron: rows("cron|enabled"),
  processes: rows("port|tcp|22|sshd|/system.slice/ssh.service", "port|tcp|8080|app|/system.slice/app.service"),
  redis: rows("save|3600 1", "appendonly|no", "keys|10", "live|maxmemory|1048576", "file|maxmemory|1mb"),
  runtime: rows("folder|/run/mysqld|mysql", "made|/run/mysqld"),
  limits: rows("app.service|1024|1024", "nginx.service|524288|20000"),
  measuring: rows("access|off"),
};

/** Facts beside those of a server that is well; of a section of rows, these are added. */
type Planted = Partial<Record<keyof RetestFacts, readonly string[] | readonly Unit[]>>;

function plant(fault: Planted): RetestFacts {
  const added = Object.entries(fault).map(([name, all = []]) => {
    const texts = all.every((each) => typeof each === "string");
    const own = well[name as keyof RetestFacts] as readonly unknown[];
    // Later rows of a word count as well; a unit takes the place of its namesake.
    const ids = texts ? [] : (all as readonly Unit[]).map(({ Id }) => Id);
    return [
      name,
      [...(texts ? rows(...(all as readonly string[])) : all), ...own.filter((each) => texts || !ids.includes((each as Unit).Id))],
    ];
  });
  return { ...well, ...Object.fromEntries(added) } as RetestFacts;
}

test("a server on which nothing is wrong has no fault", () => {
  expect(faultsOn("isu1", well)).toEqual([]);
});

describe("a planted fault is found by name", () => {
  const faults: readonly (readonly [rule: string, state: "failure" | "warning", says: string, Planted])[] = [
    ["not-enabled", "failure", "app.service runs and is not enabled", { units: [unit({ UnitFileState: "disabled", WantedBy: "" })] }],
    ["not-enabled", "failure", "app.service runs and is not enabled", { units: [unit({ UnitFileState: "linked", WantedBy: "" })] }],
    [
      "not-enabled",
      "failure",
      "app.service runs and is not enabled",
      {
        units: [
          unit({ UnitFileState: "disabled", WantedBy: "", TriggeredBy: "app.socket", RequiredBy: "wait.service" }),
          unit({ Id: "app.socket", UnitFileState: "disabled", WantedBy: "" }),
          unit({ Id: "wait.service", UnitFileState: "static", WantedBy: "" }),
        ],
      },
    ],
    [
      "runtime-units",
      "failure",
      "run-7.service was started by systemd-run",
      { units: [unit({ Id: "run-7.service", UnitFileState: "transient" })] },
    ],
    ["runtime-units", "failure", "app.service is enabled for this boot alone", { masked: ["app.service|enabled-runtime"] }],
    [
      "runtime-units",
      "failure",
      "app.service has settings for this boot alone: /run/systemd/system.control/app.service.d/50-CPUQuota.conf",
      {
        units: [
          unit({
            DropInPaths:
              "/etc/systemd/system/app.service.d/a.conf /run/systemd/generator/app.service.d/b.conf /run/systemd/system.control/app.service.d/50-CPUQuota.conf",
          }),
        ],
      },
    ],
    ["masked", "failure", "app.service runs and is masked", { units: [unit({ UnitFileState: "masked" })] }],
    [
      "masked",
      "failure",
      "app.service requires db.service, which is masked",
      { units: [unit({ Requires: "db.service" })], masked: ["db.service|masked"] },
    ],
    ["masked", "failure", "other.service is masked for this boot alone", { masked: ["other.service|masked-runtime"] }],
    ["broken-units", "failure", "app.service is enabled and has failed", { units: [unit({ ActiveState: "failed" })] }],
    ["broken-units", "failure", "app.service has a file that systemd can't read", { units: [unit({ LoadState: "bad-setting" })] }],
    [
      "broken-units",
      "warning",
      "gone.service is enabled and its file is gone",
      { units: [unit({ Id: "gone.service", LoadState: "not-found", UnitFileState: "", ActiveState: "inactive" })] },
    ],
    [
      "stopped",
      "warning",
      "mysql.service is enabled and does not run",
      { units: [unit({ Id: "mysql.service", ActiveState: "inactive", FragmentPath: "/lib/systemd/system/mysql.service" })] },
    ],
    ["unit-files", "warning", "its file was changed after systemd read it", { units: [unit({ NeedDaemonReload: "yes" })] }],
    [
      "requires",
      "warning",
      "app.service requires db.service, which is off",
      { units: [unit({ Requires: "db.service" }), unit({ Id: "db.service", UnitFileState: "disabled", ActiveState: "inactive" })] },
    ],
    [
      "requires",
      "failure",
      "app.service requires db.service, which is not there",
      {
        units: [
          unit({ Requires: "db.service" }),
          unit({ Id: "db.service", UnitFileState: "", LoadState: "not-found", ActiveState: "inactive", WantedBy: "" }),
        ],
      },
    ],
    ["starts-once", "warning", "app.service has no Restart=", { units: [unit({ Restart: "no" })] }],
    [
      "languages",
      "failure",
      "notes is enabled in 2 languages (go, python)",
      { units: [unit({ Id: "notes-go.service" }), unit({ Id: "notes-python.service" })] },
    ],
    ["limits", "failure", "app.service runs with 65535 open files, its unit says 1024", { limits: ["app.service|1024|65535"] }],
    [
      "outside-units",
      "failure",
      "python3 on port 3001 was started by hand",
      { processes: ["port|tcp|3001|python3|/system.slice/ssh.service"] },
    ],
    [
      "outside-units",
      "failure",
      "node on port 3000 was started by hand",
      { processes: ["port|tcp|3000|node|/user.slice/user-1000.slice/session-4.scope"] },
    ],
    [
      "outside-units",
      "failure",
      "node on port 3000 is a unit of user 1000's own",
      { processes: ["port|tcp|3000|node|/user.slice/user-1000.slice/user@1000.service/app.slice/x.service"] },
    ],
    ["outside-units", "warning", "worker was left running by a login", { processes: ["loose|worker|./worker --all "] }],
    ["containers", "failure", "container db has no restart policy", { processes: ["container|/db|no"] }],
    [
      "tmpfs-files",
      "failure",
      "/run/env.sh (EnvironmentFile) lies in memory",
      { paths: ["app.service|EnvironmentFile|/run/env.sh|yes|tmpfs|/run/env.sh"] },
    ],
    [
      "tmpfs-files",
      "failure",
      "/srv/app (/dev/shm/app) (WorkingDirectory)",
      { paths: ["app.service|WorkingDirectory|/srv/app|yes|tmpfs|/dev/shm/app"] },
    ],
    [
      "tmpfs-files",
      "failure",
      "/tmp/app (ExecStart) lies in memory or is emptied",
      { paths: ["app.service|ExecStart|/tmp/app|yes|ext2/ext3|/tmp/app"] },
    ],
    ["tmpfs-files", "failure", "the database keeps its data in /mnt/ram/", { mysql: ["data|/mnt/ram/|tmpfs"] }],
    [
      "missing-files",
      "failure",
      "/home/isucon/env.sh (EnvironmentFile) is not there",
      { paths: ["app.service|EnvironmentFile|/home/isucon/env.sh|no|ext2/ext3|/home/isucon/env.sh"] },
    ],
    ["runtime-directory", "failure", "/run/app of isucon was made by hand", { runtime: ["folder|/run/app|isucon"] }],
    [
      "links",
      "failure",
      "/etc/nginx/nginx.conf leads to /home/a/nginx.conf, on /home/a, which nothing mounts",
      { links: ["/etc/nginx/nginx.conf|/home/a/nginx.conf|yes|/home/a"] },
    ],
    ["links", "failure", "leads to /home/a/x.conf, which is not there", { links: ["/etc/nginx/conf.d/x.conf|/home/a/x.conf|no|/"] }],
    ["links", "failure", "mariadb.service has ProtectHome=", { links: ["/etc/mysql/conf.d/z.cnf|/home/isucon/z.cnf|yes|/"] }],
    [
      "disk-names",
      "failure",
      "mounts /var/lib/mysql from /dev/nvme1n1",
      { mounts: ["fstab|/var/lib/mysql|/dev/nvme1n1|xfs|defaults|yes"] },
    ],
    ["disks", "failure", "mounts /mnt from UUID=gone, which is not there", { mounts: ["fstab|/mnt|UUID=gone|xfs|defaults|no"] }],
    ["mounts", "failure", "/mnt (/dev/sdc) is mounted by hand", { mounts: ["mounted|/mnt|/dev/sdc|ext4|rw|"] }],
    ["mounts", "warning", "swap on /swapfile was switched on by hand", { mounts: ["swap|/swapfile|"] }],
    [
      "mount-options",
      "warning",
      "/srv is mounted with noatime",
      { mounts: ["mounted|/srv|/dev/sdd|xfs|rw,noatime|/x", "fstab|/srv|LABEL=s|xfs|defaults|yes"] },
    ],
    [
      "hosts",
      "failure",
      "cloud-init writes /etc/hosts again at the boot (manage_etc_hosts: true): 10.0.0.2 isu2",
      { hosts: ["manage|true"] },
    ],
    ["hosts", "warning", "it is called isu1, and ip-10-0-0-1 after the reboot", { hosts: ["hostname|isu1|ip-10-0-0-1"] }],
    ["crontab", "warning", "@reboot /home/isucon/start.sh", { cron: ["/etc/crontab|/home/isucon/start.sh"] }],
    ["firewall", "warning", "table inet team is loaded by no service", { firewall: ["table|inet team "] }],
    ["boot-target", "failure", "it boots into rescue.target", { system: ["rescue.target|none|"] }],
    ["update", "warning", "an update waits for a reboot", { system: ["multi-user.target|none|yes"] }],
    [
      "mysql-settings",
      "failure",
      "max_allowed_packet is 1073741824 by SET GLOBAL, and 16777216 after",
      { mysql: ["set|max_allowed_packet|1073741824|16777216"] },
    ],
    ["memory-tables", "failure", "table notes.session (7 rows) is of the MEMORY engine", { mysql: ["memory|notes|session|7"] }],
    ["sysctl", "failure", "net.ipv4.tcp_tw_reuse is 1, and 2 by the files", { sysctl: ["file|net.ipv4.tcp_tw_reuse|2|1"] }],
    [
      "sysctl",
      "failure",
      "net.core.netdev_max_backlog is 65535, and no file says so",
      { sysctl: ["live|net.core.netdev_max_backlog|65535"] },
    ],
    ["redis", "failure", "redis holds 10 keys and writes neither", { redis: ["save|"] }],
    [
      "redis-settings",
      "failure",
      "redis: maxclients is 20000 by CONFIG SET, and 10000 after",
      { redis: ["live|maxclients|20000", "file|maxclients|10000"] },
    ],
    ["memcached", "warning", "memcached holds 12 items", { memcached: ["items|12"] }],
    [
      "configurations",
      "failure",
      "nginx does not start with what its files say now: unknown directive",
      { configurations: ["nginx|unknown directive"] },
    ],
    ["measuring", "warning", "the slow log is on (long_query_time 0)", { mysql: ["live|slow_query_log|ON", "live|long_query_time|0"] }],
    ["measuring", "warning", "a measured run's sampler is at work", { measuring: ["sampler|77"] }],
    [
      "measuring",
      "warning",
      "nginx writes an access log: /var/log/nginx/access.log ltsv",
      { measuring: ["access|/var/log/nginx/access.log ltsv"] },
    ],
  ];

  test.for(faults)("%s: %s: %s", ([name, state, says, fault]) => {
    const found = faultsOn("isu1", mysqlOnce(plant(fault)));
    expect(found).toEqual(
      expect.arrayContaining([expect.objectContaining({ of: "isu1", what: name, state, text: expect.stringContaining(says) })]),
    );
    // And nothing else is blamed for it.
    expect(found.filter(({ what }) => what !== name)).toEqual([]);
  });

  test("finalize mends what it switches off, and is not named for a site's own log", () => {
    const found = faultsOn("isu1", plant({ measuring: ["access|/var/log/nginx/access.log", "sampler|7"] }));
    expect(found.map(({ text, mend }) => [text.split(":")[0], mend])).toEqual([
      ["a measured run's sampler is at work (process 7)", "./fleet finalize"],
      ["nginx writes an access log", undefined],
    ]);
  });

  test("each rule has one", () => {
    expect(rules.map(({ name }) => name).filter((name) => !faults.some(([of]) => of === name))).toEqual([]);
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  });
});

/** A value has one row: the planted one. */
const mysqlOnce = (facts: RetestFacts): RetestFacts => {
  const seen = new Set<string>();
  const mysql = facts.mysql.filter(([word, name]) => {
    const key = `${word}|${name}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return { ...facts, mysql };
};

describe("what looks like a fault and is none", () => {
  const fine: readonly (readonly [string, Planted])[] = [
    [
      "a service that a socket starts",
      { units: [unit({ UnitFileState: "disabled", WantedBy: "", TriggeredBy: "app.socket" }), unit({ Id: "app.socket" })] },
    ],
    ["a oneshot service that has run", { units: [unit({ Id: "once.service", Type: "oneshot", ActiveState: "inactive", Restart: "no" })] }],
    [
      "an environment file that may be missing",
      { paths: ["app.service|EnvironmentFile optional|/etc/default/app|no|ext2/ext3|/etc/default/app"] },
    ],
    [
      "a socket in /run that a service makes itself",
      { paths: ["app.service|ExecStart argument|/run/app/app.sock|yes|tmpfs|/run/app/app.sock"] },
    ],
    ["a folder in /run that a unit makes", { runtime: ["folder|/run/app|isucon"], units: [unit({ RuntimeDirectory: "app" })] }],
    ["a disk that may be missing", { mounts: ["fstab|/mnt|UUID=gone|xfs|nofail|no"] }],
    ["a container's host's own kernel settings", { system: ["multi-user.target|systemd-nspawn|"], sysctl: ["file|vm.swappiness|10|60"] }],
    ["a setting that its file spells otherwise", { mysql: ["set|max_allowed_packet|33554432|16777216", "file|max_allowed_packet|32M"] }],
    ["a shell of somebody who is logged in", { processes: ["port|tcp|6010|sshd|/user.slice/user-1000.slice/session-4.scope"] }],
    [
      "an old language that is off",
      {
        units: [unit({ Id: "notes-go.service" }), unit({ Id: "notes-python.service", UnitFileState: "disabled", ActiveState: "inactive" })],
      },
    ],
  ];
  test.for(fine)("%s", ([, planted]) => {
    expect(faultsOn("isu1", plant(planted))).toEqual([]);
  });
});

test("redis' file is put back by finalize --undo as it was before the first finalize; also by a second one, after a line behind it failed", () => {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  const conf = join(folder, "etc.conf");
  writeFileSync(conf, "port 6379\n");
  const cli = `case "$*" in
*"info server") printf 'redis_version:7\\r\\nconfig_file:${conf}\\r\\n' ;;
*"get dir") printf 'dir\\n${folder}\\n' ;;
*"get appenddirname") printf 'appenddirname\\nappended\\n' ;;
*rewrite) mkdir -p ${folder}/appended; echo 'appendonly yes' >>${conf}; echo OK ;;
*) echo OK ;;
esac`;
  for (const [name, text] of Object.entries({ "redis-cli": cli, pgrep: "exit 0" }))
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const steps = [
    { text: "what fails to go back at first", run: ":", undo: `[ -e ${folder}/healed ]` },
    ...keepingSteps({ ...noFacts, redis: rows("save|", "appendonly|no", "keys|7") }),
  ];
  const sh = ({ text }: Command) =>
    spawnSync("sh", ["-e"], {
      input: text.replaceAll("/var/lib/fleet", join(folder, "memory")),
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env.PATH}` },
    });
  for (const each of [steps, steps.slice(1)]) expect(sh(taking(each))).toMatchObject({ status: 0, stderr: "" });
  expect(readFileSync(conf, "utf8")).toContain("appendonly yes");
  for (const status of [1, 0]) {
    expect(sh(undoFinal)).toMatchObject({ status, stderr: "" });
    expect(readFileSync(conf, "utf8")).toBe("port 6379\n");
    writeFileSync(join(folder, "healed"), "");
  }
  expect(readdirSync(folder).toSorted()).toEqual(["etc.conf", "healed", "pgrep", "redis-cli"]);
  // A down: the role has put the organiser's file back already, or took all of redis away.
  expect(sh(taking(steps))).toMatchObject({ status: 0, stderr: "" });
  writeFileSync(conf, "organiser's\n");
  const given = raw(`fleet_given='/etc/other\n${conf}'; export fleet_given\n${undoFinal.text}`);
  expect(sh(given)).toMatchObject({ status: 0, stderr: "" });
  expect(readFileSync(conf, "utf8")).toBe("organiser's\n");
  rmSync(folder, { recursive: true });
});

describe("the look", () => {
  test.for(Object.entries(sections))("%s is shell text that can be read", ([, text]) => {
    expect(spawnSync("sh", ["-n"], { input: `(\n${text}\n)`, encoding: "utf8" }).stderr).toBe("");
  });

  test("redis is asked what it keeps, and what it runs with beside its file", () => {
    const folder = mkdtempSync(join(tmpdir(), "redis-"));
    const program = (name: string, text: string) => writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    writeFileSync(join(folder, "redis.conf"), "port 6379\nmaxmemory 1mb\n");
    program("pgrep", "exit 0");
    program(
      "redis-cli",
      `case "$*" in
*'info server') printf 'redis_version:7\\r\\nconfig_file:${folder}/redis.conf\\r\\n' ;;
*'config get save') printf 'save\\n\\n' ;;
*'config get appendonly') printf 'appendonly\\nno\\n' ;;
*'config get maxmemory') printf 'maxmemory\\n2097152\\n' ;;
*'config get '*) printf '%s\\n0\\n' "$4" ;;
*dbsize) echo 7 ;;
esac`,
    );
    const { stdout } = spawnSync("sh", { input: sections.redis, encoding: "utf8", env: { PATH: `${folder}:${process.env.PATH}` } });
    rmSync(folder, { recursive: true });
    const found = faultsOn("isu1", { ...noFacts, redis: factsIn(`\nn0 redis\n${stdout}`, "n0").redis });
    expect(found.map(({ text }) => text)).toEqual([
      "redis holds 7 keys and writes neither a snapshot nor a log: the reboot loses them",
      "redis: maxmemory is 2097152 by CONFIG SET, and 1mb after the reboot",
    ]);
  });

  test("what a terminal would obey is shown as a question mark", () => {
    expect(factsIn("\nn0 cron\n/etc/crontab\t\u001b[2Jrm\n", "n0").cron).toEqual([["/etc/crontab", "?[2Jrm"]]);
  });

  test("rows and units are told apart", () => {
    const facts = factsIn("motd\n\nn0 units\nId=a.service\nType=simple\n\nId=b.service\n\nn0 limits\na.service\t1\t2\n", "n0");
    expect(facts.units.map(({ Id }) => Id)).toEqual(["a.service", "b.service"]);
    expect([facts.limits, facts.cron]).toEqual([[["a.service", "1", "2"]], []]);
  });
});
