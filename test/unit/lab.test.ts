// A bench lab: what generators say, how cases take turns, and that each way back is taken.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { serverPrices } from "../../cli/aws/server-prices.ts";
import { awsStack } from "../../cli/aws/stacks.ts";
import { planned } from "../../cli/lab-wish.ts";
import type { FleetServer } from "../../operations/fleet-up.ts";
import { begin, end, folder, installed, leave, undo } from "../../operations/lab/aside.ts";
import { diskJobs, diskPass, diskReady, diskSaid } from "../../operations/lab/disk.ts";
import { costOf, figuresOf } from "../../operations/lab/figures.ts";
import { seenIn, within } from "../../operations/lab/hardware.ts";
import type { Hardware, Lab, Pass } from "../../operations/lab/model.ts";
import { oltpPass, oltpReady, oltpSaid, oltpSetting } from "../../operations/lab/oltp.ts";
import { fileBytes, inTurn, rowsFor } from "../../operations/lab/order.ts";
import { labPage } from "../../operations/lab/page.ts";
import { keep, labOf, labs } from "../../operations/lab/runs.ts";
import { labText } from "../../operations/lab/text.ts";
import { webSaid } from "../../operations/lab/web.ts";
import { checkout, planOf } from "../../provisioners/stack.ts";

describe("in turn", () => {
  test("each case once a round, and no case is always first", () => {
    expect(inTurn(["i2", "hi1"], 3).map(({ each, round }) => `${round}${each}`)).toEqual(["1i2", "1hi1", "2hi1", "2i2", "3i2", "3hi1"]);
  });

  test("tables by the server that has least memory, 50,000,000 rows at most", () => {
    const gib = 1024 ** 3;
    expect(rowsFor([gib, 244 * gib])).toBe(2_200_000);
    expect(rowsFor([60 * gib, 244 * gib])).toBe(50_000_000);
    expect(rowsFor([1])).toBe(10_000);
    expect(fileBytes([8 * gib], [4 * gib, 100 * gib])).toBe(gib);
    expect(fileBytes([1], [1])).toBe(16 * 1024 ** 2);
  });
});

const sysbench = `Threads started!

[ 1s ] thds: 4 tps: 680.32 qps: 10912.12 (r/w/o: 9547.48/0.00/1364.64) lat (ms,95%): 11.45 err/s: 0.00 reconn/s: 0.00
[ 2s ] thds: 4 tps: 2000.00 qps: 30551.97 (r/w/o: 26733.48/0.00/3818.50) lat (ms,95%): 4.74 err/s: 0.00 reconn/s: 0.00
SQL statistics:
    transactions:                        5327   (1766.17 per sec.)
    ignored errors:                      3      (0.00 per sec.)
Latency (ms):
         min:                                    0.44
         avg:                                    2.25
         max:                                   80.09
         95th percentile:                        7.56
`;

const fioSide = {
  iops: 35_000.5,
  lat_ns: { mean: 460_000, max: 16_000_000 },
  clat_ns: { mean: 1, max: 1, percentile: { "95.000000": 2_500_000, "99.000000": 6_000_000 } },
};
const fio = (cached: boolean) => `${cached ? "== cached ==\n" : ""}== json ==
${JSON.stringify({ jobs: [{ error: 0, read: fioSide, write: { ...fioSide, iops: 250 }, sync: { lat_ns: { mean: 1, max: 9e6, percentile: { "95.000000": 5e6 } } } }] }, null, 2)}
== iops ==
999, 36080, 0, 0, 0
2000, 34000, 0, 0, 0
== latency ==
1000, 443418, 0, 0, 0
== end ==
`;

const wrk = "second 1000 40\nsecond 1001 200\nsecond 1002 100\nsecond 1003 9\nsum 349 3000000 49 1.500 3.000 4.000 90.000\n";

describe("what generators say", () => {
  test("sysbench", () => {
    expect(oltpSaid(sysbench)).toEqual({
      rate: 1766.17,
      ms: { mean: 2.25, p95: 7.56, max: 80.09 },
      errors: 3,
      points: [
        { at: 1, rate: 680.32, ms: expect.closeTo(5.88, 2) },
        { at: 2, rate: 2000, ms: 2 },
      ],
    });
    expect(() => oltpSaid("FATAL: unable to connect")).toThrow("unable to connect");
  });

  test("fio; a write that is synced waits for its sync", () => {
    const [read] = diskJobs;
    expect(diskSaid(fio(false), read!)).toMatchObject({
      cached: false,
      rate: 35_000.5,
      ms: { mean: 0.46, p95: 2.5, p99: 6, max: 16 },
      points: [
        { at: 1, rate: 36_080, ms: expect.closeTo(0.443, 3) },
        { at: 2, rate: 34_000 },
      ],
    });
    const synced = diskJobs.find((each) => each.synced)!;
    expect(diskSaid(fio(true), synced)).toMatchObject({ cached: true, rate: 250, ms: { mean: 4, p95: 5, max: 9 } });
  });

  test("wrk: whole seconds alone, and answers that were no success are no requests", () => {
    expect(webSaid(wrk, 2)).toEqual({
      rate: 100,
      ms: { mean: 1.5, p95: 3, p99: 4, max: 90 },
      errors: 49,
      points: [
        { at: 1, rate: 200, ms: 10 },
        { at: 2, rate: 100, ms: 20 },
      ],
    });
  });
});

const answers = {
  cpu: "2 AMD EPYC",
  limits: "8\n26000000000\n1073741824\n100000 100000\n",
  disks: "zram0 1 0\nnvme1n1 3750000000000 0 Amazon\\x20EC2\nmd0 : active raid0 nvme1n1[0]\n",
  files: "overlay overlay rw,relatime,lowerdir=/secret/place,upperdir=/x\n7777\n",
  system: "6.1.0\nDebian GNU/Linux 12\nkvm\n",
  product: "Amazon EC2\ni4i.8xlarge\n",
  database: "version\t10.11\nlog_bin\tOFF\n",
};

test("the hardware: a container's is what it may have, and EC2's type is told by itself", () => {
  expect(seenIn(answers)).toEqual({
    free: 7777,
    hardware: {
      cpu: "AMD EPYC, 2 seen",
      cores: 1,
      memory: 1_073_741_824,
      disks: ["nvme1n1, 3750 GB, solid state, Amazon EC2", "md0 active raid0 nvme1n1[0]"],
      files: "overlay on overlay (rw,relatime)",
      ...{ kernel: "6.1.0", system: "Debian GNU/Linux 12", virtual: "kvm", instanceType: "i4i.8xlarge" },
      database: { version: "10.11", log_bin: "OFF" },
    },
  });
  expect(within(seenIn(answers), { memoryMiB: 512, cores: 4 }).hardware).toMatchObject({ memory: 512 * 2 ** 20, cores: 1 });
  expect(within(seenIn(answers))).toEqual(seenIn(answers));
  const none = seenIn({ cpu: "", limits: "", disks: "", files: "", system: "", product: "", database: "" });
  expect(none.hardware).toMatchObject({ cpu: "unknown", cores: 1, disks: [] });
});

const { hardware } = seenIn(answers);
const pass = (over: Partial<Pass>): Pass => ({
  ...{ server: "i2", setting: "", job: "read-only", round: 1, rate: 100, ms: { mean: 2, p95: 4 }, errors: 0 },
  points: [
    { at: 1, rate: 90, ms: 1 },
    { at: 2, rate: 110, ms: 3 },
  ],
  ...over,
});
const lab: Lab = {
  ...{ lab: 1, kind: "oltp", stack: "team-a", who: "ada@laptop", began: 1000, ended: 4600, how: ["16 threads"], remarks: ["<b>loud</b>"] },
  hardware: { i2: { ...hardware, pricePerHour: 2 }, hi1: hardware as Hardware },
  passes: [pass({}), pass({ round: 2, rate: 300, points: [{ at: 1, rate: 110 }] }), pass({ server: "hi1", rate: 50, setting: "<i>" })],
};

describe("what is told", () => {
  test("means over rounds, second by second, against the best, and what a dollar buys", () => {
    const [i2, hi1] = figuresOf([lab]);
    expect(i2).toMatchObject({ of: "i2", rate: 200, least: 100, most: 300, rounds: 2, share: 1, perDollar: 360_000 });
    expect(i2!.points).toEqual([
      { at: 1, rate: 100, ms: 1 },
      { at: 2, rate: 110, ms: 3 },
    ]);
    expect(hi1).toMatchObject({ of: "hi1, <i>", share: 0.25 });
    expect(hi1).not.toHaveProperty("perDollar");
    expect(costOf(lab)).toBe(2);
    expect(figuresOf([lab, { ...lab, lab: 2 }]).map(({ of }) => of)).toEqual(["1: i2", "1: hi1, <i>", "2: i2", "2: hi1, <i>"]);
  });

  test("as a page: one file, two plots a job, nobody's text is markup, seconds that a case lacks are no figure", () => {
    const page = labPage([lab]);
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).not.toMatch(/<script|src=|href=|url\(|@import|<b>loud|<i>,|NaN|undefined|Infinity/);
    for (const each of ["transactions/s", "Response time", "i4i.8xlarge", "2.00 USD an hour", "log_bin=OFF", "&lt;b&gt;loud"])
      expect(page).toContain(each);
  });

  test("in a terminal: no line is wider than 80, and no figure is cut", () => {
    const long = pass({ setting: "16 threads, innodb_flush_log_at_trx_commit=2", rate: 123_456 });
    const lines = labText([{ ...lab, passes: [...lab.passes, long, { ...long, round: 2, rate: 234_567 }] }]).split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.at(-1)).toMatch(/^ +179,012 ±55,556 .* 322,220,700 +i2, .*=2$/);
  });
});

test("a lab takes the next number; one that was not written whole keeps its own, and hides no other", () => {
  const { lab: _, ...run } = { ...lab, stack: "lab-kept" };
  const half = keep(run);
  writeFileSync(join(half.folder, "lab.json"), '{"lab":1,"ki');
  mkdirSync(join(half.folder, "../7"));
  expect(keep(run).lab).toEqual({ ...run, lab: 8 });
  expect(labs("lab-kept")).toEqual([{ ...run, lab: 8 }]);
  expect(() => labOf("lab-kept", 1)).toThrow("lab 1: expected one of 8 of lab-kept");
});

describe("what was typed", () => {
  const server = { name: "isu1", roles: ["mysql"] } as unknown as FleetServer;
  const seen = new Map([["isu1", { ...seenIn(answers), free: 1e12 }]]);
  const typed = { time: "180", ramp: "10", repeat: "2", atOnce: false, yes: true, json: false };

  test("each number and each value is a case, named by what differs alone", () => {
    const { cases, passes, takes } = planned("oltp", [server], seen, { ...typed, threads: "8,16", setting: "sync_binlog=0,1" });
    expect(cases.map(({ setting, width, set }) => [setting, width, set?.value])).toEqual([
      ["8 threads, sync_binlog=0", 8, "0"],
      ["8 threads, sync_binlog=1", 8, "1"],
      ["16 threads, sync_binlog=0", 16, "0"],
      ["16 threads, sync_binlog=1", 16, "1"],
    ]);
    expect([passes, takes]).toEqual([8, 8 * 191]);
    expect(planned("web", [server], seen, typed).cases.map(({ setting }) => setting)).toEqual([""]);
  });

  test.for([
    [
      "oltp",
      { workload: "read-onyl" },
      "expected read-only, read-write, write-only, point-select, tpcc, got `read-onyl`; did you mean `read-only`?",
    ],
    ["oltp", { threads: "16,x" }, "--threads: expected a whole number from 1 to 4,096, got `x`"],
    ["oltp", { setting: "a=1;drop table x" }, "--setting: expected a variable and its values"],
    ["oltp", { rows: "2000000000", tables: "256" }, "isu1: expected 200 TB free where the lab writes"],
    ["disk", { dir: "data" }, "--dir: expected the whole path of a folder"],
    ["web", { url: "isu1" }, "--url: expected a URL"],
    ["web", { time: "0" }, "--time: expected a whole number from 1 to 86,400"],
  ] as const)("%s %o is a mistake that is told first", ([kind, over, wanted]) => {
    expect(() => planned(kind, [server], seen, { ...typed, ...over })).toThrow(wanted);
  });

  test("a server without a database", () => {
    const { database: _, ...bare } = hardware;
    expect(() => planned("oltp", [server], new Map([["isu1", { hardware: bare, free: 1e12 }]]), typed)).toThrow(
      "isu1: expected a MySQL or MariaDB",
    );
  });
});

test("a server on AWS is of the stack file's type, and costs what that and its disks do", () => {
  const prices = serverPrices(awsStack("storage-bench", planOf("storage-bench", join(checkout, "stacks/samples")))!);
  expect(prices.i4i).toEqual({ type: "i4i.8xlarge", perHour: expect.any(Number) });
  expect(prices.i4i!.perHour).toBeGreaterThan(2);
  expect(prices.hi1!.type).toBe("hi1.4xlarge");
});

describe("the way back", () => {
  /** The scripts as they are, with their folder elsewhere. */
  const inFolder = (work: (at: string, run: (text: string) => string) => void) => {
    const at = mkdtempSync(join(tmpdir(), "fleet-lab-test-"));
    const run = (text: string) => {
      const script = text.replaceAll("/var/lib/fleet", at);
      const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
      if (status !== 0 && status !== 46) throw new Error(`${script}\n${stderr}`);
      return stdout;
    };
    try {
      work(at, run);
    } finally {
      rmSync(at, { recursive: true, force: true });
    }
  };

  test("is taken from its last line to its first, and leaves nothing", () =>
    inFolder((at, run) => {
      run(`mkdir -p ${folder}; ${undo(`echo first >>${folder}/../order`)}\n${undo(`echo 'second $x' >>${folder}/../order`)}\n${end.text}`);
      expect(readFileSync(join(at, "order"), "utf8")).toBe("second $x\nfirst\n");
      expect(existsSync(join(at, "lab"))).toBe(false);
      expect(run(end.text)).toBe("");
    }));

  test("a line that fails is told and kept, in its order, and the others are taken all the same", () =>
    inFolder((at, run) => {
      const said = run(
        `mkdir -p ${folder}; ${undo("echo one >>$OUT")}\n${undo("echo no >&2; exit 3")}\n${undo("false")}\nexport OUT=${at}/out\n${end.text}`,
      );
      expect(said).toBe("not taken back: false: \nnot taken back: echo no >&2; exit 3: no\n");
      expect(readFileSync(join(at, "out"), "utf8")).toBe("one\n");
      expect(readFileSync(join(at, "lab/undo"), "utf8")).toBe("echo no >&2; exit 3\nfalse\n");
    }));

  test("goes by itself where nobody ends the lab, and a lab that begins takes what another left", () =>
    inFolder((at, run) => {
      run(`${begin(600).text}\n${undo(`echo taken >>${at}/out`)}`);
      run(begin(600).text);
      expect(readFileSync(join(at, "out"), "utf8")).toBe("taken\n");
      run(`${undo(`echo again >>${at}/out`)}\n${leave(30).text}`);
      expect(readFileSync(join(at, "out"), "utf8")).toBe("taken\nagain\n");
    }));

  /** Of all programs only these, and those that a test makes. */
  const withPrograms = (at: string, made: Readonly<Record<string, string>>) => {
    mkdirSync(join(at, "bin"));
    for (const name of [
      "cat",
      "chmod",
      "chown",
      "comm",
      "dirname",
      "flock",
      "grep",
      "mkdir",
      "mv",
      "rm",
      "rmdir",
      "sed",
      "sh",
      "sort",
      "tac",
      "tail",
      "tr",
      "xargs",
    ])
      symlinkSync(`/usr/bin/${name}`, join(at, "bin", name));
    for (const [name, text] of Object.entries(made)) writeFileSync(join(at, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return `PATH=${at}/bin\n`;
  };

  test("of packages, what the lab brought goes; what somebody installed meanwhile stays", () =>
    inFolder((at, run) => {
      const rpm = withPrograms(at, {
        rpm: `cat ${at}/names`,
        dnf: `case "$*" in *install*) echo libaio >>${at}/names; echo fio >>${at}/names ;; *) echo "$@" >${at}/removed ;; esac`,
      });
      writeFileSync(join(at, "names"), "zsh\nbash\n");
      run(`${rpm}mkdir -p ${folder}\n${installed("fio").text}`);
      writeFileSync(join(at, "names"), "theirs\n", { flag: "a" });
      run(`${rpm}${end.text}`);
      expect(readFileSync(join(at, "removed"), "utf8")).toBe("-q -y remove --noautoremove fio libaio\n");
      expect(existsSync(join(at, "lab"))).toBe(false);
    }));

  test("a package that can't be installed is told, not what lacks it", () =>
    inFolder((at, run) => {
      const apt = withPrograms(at, {
        "apt-get": `case "$*" in *-s\\ install*) echo 'Inst fio (1 Debian:12)' ;; *-y\\ install*) echo 'E: Could not get lock' >&2; exit 100 ;; esac`,
      });
      expect(() => run(`${apt}mkdir -p ${folder}\n${installed("fio").text}`)).toThrow("E: Could not get lock");
      expect(readFileSync(join(at, "lab/undo"), "utf8")).toContain("purge fio ");
    }));

  test("every script is one that a POSIX shell reads, and a step follows its way back", () => {
    const how = { workload: "read-only", rows: 1000, tables: 2, time: 5, ramp: 1, scale: 1 } as const;
    const disk = { place: "/srv/it's", bytes: 1024, time: 1, ramp: 0, depth: 4 };
    const scripts = [
      begin(60),
      installed("fio"),
      diskReady(disk),
      ...diskJobs.map((job) => diskPass(job, disk)),
      oltpReady(how, "ab12", "secret"),
      oltpReady({ ...how, workload: "tpcc" }, "ab12", "secret"),
      oltpPass(how, 16),
      oltpSetting("sync_binlog", "0"),
      oltpSetting("innodb_flush_method", "O_DIRECT"),
      end,
      leave(5),
    ];
    const file = join(mkdtempSync(join(tmpdir(), "fleet-lab-sh-")), "script");
    for (const { text, masked } of scripts) {
      writeFileSync(file, text);
      expect(() => execFileSync("sh", ["-n", file], { stdio: "pipe" })).not.toThrow();
      expect(masked).not.toContain("secret");
    }
    rmSync(join(file, ".."), { recursive: true });
    const ready = oltpReady(how, "ab12", "secret").text;
    expect(ready.indexOf("drop database if exists fleet_lab_ab12")).toBeLessThan(ready.indexOf("create database"));
    expect(ready.indexOf("drop user")).toBeLessThan(ready.indexOf("create user"));
    expect(installed("fio").text.indexOf("purge $new")).toBeLessThan(installed("fio").text.indexOf("-y install"));
  });
});
