// From samples, configuration and figures to what a person reads.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { html } from "../../operations/html.ts";
import { AccessLog } from "../../operations/measure/access/analyse.ts";
import { analysed, type ServerReport } from "../../operations/measure/analyse.ts";
import { changeText, configurationChanges } from "../../operations/measure/configuration.ts";
import { plansIn } from "../../operations/measure/explain.ts";
import { bytes, percent, seconds, short, shortened } from "../../operations/measure/report/figures.ts";
import { findingsIn } from "../../operations/measure/report/findings.ts";
import { markdownOf } from "../../operations/measure/report/markdown.ts";
import type { RunReport } from "../../operations/measure/report/model.ts";
import { pageOf } from "../../operations/measure/report/page.ts";
import { labelled, plot } from "../../operations/measure/report/plot.ts";
import { textOf } from "../../operations/measure/report/text.ts";
import { apartIn } from "../../operations/measure/run/apart.ts";
import { clockOf, clockText, correction } from "../../operations/measure/run/clock.ts";
import { databaseSamples, during, type Series, samples } from "../../operations/measure/samples/series.ts";
import { SlowLog } from "../../operations/measure/slow/digest.ts";
import { noFacts, type RetestFacts } from "../../operations/retest/facts.ts";
import { fileDifferences } from "../../operations/retest/rules/rules.ts";
import { accessLog, slowLog } from "../support/made-logs.ts";

interface Moment {
  readonly cores: readonly (readonly [busy: number, idle: number])[];
  readonly swapped?: number;
  readonly overflows?: number;
  readonly sent?: number;
  readonly processes?: Readonly<Record<string, number>>;
}

/** As the sampler copies it, a second apart. */
function copied(moments: readonly Moment[]): string {
  return moments
    .map(({ cores, swapped = 0, overflows = 0, sent = 0, processes = {} }, index) => {
      const [busy, idle] = cores.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
      return [
        `@ ${1000 + index}.5`,
        `cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0`,
        ...cores.map(([mine, rest], core) => `cpu${core} ${mine} 0 0 ${rest} 0 0 0 0 0 0`),
        "procs_running 3",
        "0.1 0.2 0.3 1/99 1234",
        "MemTotal:        1000000 kB",
        "MemAvailable:     400000 kB",
        "SwapTotal:        500000 kB",
        "SwapFree:         500000 kB",
        `pswpin ${swapped}`,
        "pswpout 0",
        "pgmajfault 0",
        " 254       0 vda 10 0 100 0 20 0 200 0 0 30 0 0 0 0 0 0 0",
        " 254       1 vda1 10 0 100 0 20 0 200 0 0 30 0 0 0 0 0 0 0",
        "Inter-|   Receive                                                |  Transmit",
        `    lo: ${sent} 0 0 0 0 0 0 0 ${sent} 0 0 0 0 0 0 0`,
        `  eth0: 100 0 0 0 0 0 0 0 ${sent} 0 0 0 0 0 0 0`,
        "TCP: inuse 7 orphan 0 tw 0 alloc 7 mem 1",
        "TcpExt: SyncookiesSent ListenOverflows ListenDrops",
        `TcpExt: 0 ${overflows} ${overflows}`,
        ...Object.entries(processes).map(([name, ticks], pid) => `${pid + 1} (${name}) S 1 1 1 0 -1 0 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 1`),
        "",
      ].join("\n");
    })
    .join("");
}

function seriesOf(moments: readonly Moment[]): Series {
  const taker = samples();
  for (const line of copied(moments).split("\n")) taker.line(line);
  return taker.end()!;
}

const report = (over: Partial<ServerReport>): ServerReport => ({
  ...{ server: "isu1", hardware: {}, configuration: {}, apart: [], journal: [] },
  ...over,
});
const whats = (over: Partial<ServerReport>): readonly string[] => findingsIn([report(over)]).map(({ what }) => what);

describe("samples", () => {
  test("what cores, processes, network and connections did between two copies", () => {
    const series = seriesOf([
      {
        cores: [
          [0, 0],
          [0, 0],
        ],
        processes: { "a (b) c": 0, nginx: 100 },
      },
      {
        cores: [
          [100, 0],
          [0, 100],
        ],
        sent: 5000,
        processes: { "a (b) c": 50, nginx: 110 },
      },
      {
        cores: [
          [200, 0],
          [50, 150],
        ],
        sent: 9000,
        processes: { "a (b) c": 150, nginx: 110 },
      },
    ]);
    expect(series).toMatchObject({
      cores: 2,
      busy: [0.5, 0.75],
      busiest: [1, 1],
      sent: [5000, 4000],
      connections: [7, 7],
      memoryTotal: 1_024_000_000,
    });
    expect(series.processes).toEqual([
      { name: "a (b) c", seconds: 1.5, cores: [0.5, 1] },
      { name: "nginx", seconds: 0.1, cores: [0.1, 0] },
    ]);
  });

  test("too few, or a last one that was cut, are no error", () => {
    const taker = samples();
    for (const line of `${copied([{ cores: [[1, 1]] }])}@ 1001.5\ncp`.split("\n")) taker.line(line);
    expect(taker.end()).toBeUndefined();
  });

  test("between two times, or all of it where the clocks have nothing to do with each other", () => {
    const series = seriesOf(
      Array.from({ length: 10 }, (_, index) => ({
        cores: [[index > 5 ? 500 : index * 100, index > 5 ? (index - 5) * 100 : 0]] as const,
        processes: { a: index * 10 },
      })),
    );
    const part = during(series, 1001, 1004.5);
    expect(part).toMatchObject({ times: [1001.5, 1002.5, 1003.5, 1004.5], busy: [1, 1, 1, 1], memoryTotal: series.memoryTotal });
    expect(part.processes).toEqual([{ name: "a", seconds: expect.closeTo(0.4), cores: [0.1, 0.1, 0.1, 0.1] }]);
    expect(during(series, 5, 50)).toBe(series);
  });

  test("a database, by its status words", () => {
    const taker = databaseSamples();
    for (const line of "@ 1.0\nQuestions\t100\nThreads_connected\t3\n@ 3.0\nQuestions\t300\nThreads_connected\t151\n".split("\n"))
      taker.line(line);
    expect(taker.end()).toMatchObject({ questions: [100], connected: [151] });
  });
});

describe("what is looked at first", () => {
  const busy = (cores: (index: number) => Moment["cores"], over: (index: number) => Partial<Moment> = () => ({})) =>
    seriesOf(Array.from({ length: 11 }, (_, index) => ({ cores: cores(index), processes: { python3: index * 90 }, ...over(index) })));
  const idle = (index: number): Moment["cores"] => [
    [index * 10, index * 90],
    [index * 10, index * 90],
  ];

  test("cores that are full with others' work are told as such: a container sees those of its computer", () => {
    const full = (index: number): Moment["cores"] => [[index * 100, 0]];
    const said = (spent: number) =>
      findingsIn([report({ samples: busy(full, (index) => ({ processes: { bash: index * spent } })) })]).map(({ weight, evidence }) => [
        weight,
        evidence,
      ]);
    expect(said(90)).toEqual([[78, expect.stringContaining("; bash took 9.00 s of a core")]]);
    expect(said(1)).toEqual([[40, expect.stringContaining("; programs here took 100 ms of 10.0 s")]]);
  });

  test.for([
    ["nothing on a server with time to spare", report({ samples: busy(idle) }), []],
    [
      "swapping, before all else",
      report({
        samples: busy(
          (index) => [[index * 100, 0]],
          (index) => ({ swapped: index * 50 }),
        ),
      }),
      ["it swaps", "all cores are full"],
    ],
    [
      "one core full",
      report({
        samples: busy((index) => [
          [index * 99, index],
          [index * 5, index * 95],
        ]),
      }),
      ["one core is full, and others wait"],
    ],
    [
      "a listen queue that overflowed",
      report({ samples: busy(idle, (index) => ({ overflows: index })) }),
      ["connections were turned away"],
    ],
    [
      "a line that is full",
      report({ samples: busy(idle, (index) => ({ sent: index * 11_000_000 })), hardware: { lineMbps: 100 } }),
      ["the line is full"],
    ],
    [
      "a journal that names a limit",
      report({ journal: ["2026 isu1 nginx: 768 worker_connections are not enough"] }),
      ["an error in the journal"],
    ],
  ] as const)("%s", ([, server, wanted]) => {
    expect(findingsIn([server]).map(({ what }) => what)).toEqual(wanted);
  });

  test("connections that ran out", () => {
    const database = {
      times: [1],
      connected: [151],
      running: [1],
      questions: [1],
      bufferReads: 0,
      bufferRequests: 10,
      lockWaits: 0,
      diskTables: 0,
      refused: 0,
      mostConnections: 151,
    };
    expect(whats({ database, configuration: { mysql: "max_connections\t151\n" } })).toEqual(["MySQL's connections ran out"]);
    expect(whats({ database, configuration: { mysql: "max_connections\t500\n" } })).toEqual([]);
  });

  test("queries that read a table for a row, failed requests, files that are sent again", () => {
    const slow = new SlowLog();
    for (let index = 0; index < 3; index++)
      for (const line of [
        "# User@Host: a[a] @ b []",
        "# Query_time: 0.5  Lock_time: 0 Rows_sent: 1  Rows_examined: 20000",
        `select * from t where a = ${index};`,
      ])
        slow.line(line);
    const access = new AccessLog();
    for (let index = 0; index < 200; index++)
      access.line(
        `time:2026-12-01T10:00:00+09:00\tmethod:GET\turi:/app.js\tstatus:${index % 20 === 0 ? 502 : 200}\tsize:9000\treqtime:0.001`,
      );
    const { classes } = slow.report();
    const plan = (key: string) => ({ plans: [{ id: classes[0]!.id, columns: ["table", "key"], rows: [["t", key]] }], indexes: [] });
    const found = findingsIn([report({ slow: slow.report(), access: access.report(), explained: plan("NULL") })]);
    expect(whats({ slow: slow.report(), explained: plan("author") })).toEqual(["a query reads many rows"]);
    expect(found.map(({ what }) => what)).toEqual([
      "failed requests",
      "a query without an index",
      "files are sent again",
      "one page takes the time",
    ]);
    expect(found[0]?.evidence).toContain("GET /app.js: 10 of 200");
    expect(found[1]?.evidence).toContain("20000 rows examined for 1.0 sent, 3 times");
  });
});

describe("configuration of two runs", () => {
  const before = [
    {
      server: "isu1",
      configuration: { mysql: "a\t1\nb\t2\n", nginx: "worker_processes 1;\n}\n}\n", sysctl: "net.core.somaxconn = 128\n" },
    },
  ];

  test("what was added, taken away and changed", () => {
    const after = [
      {
        server: "isu1",
        configuration: { mysql: "a\t1\nb\t3\nc\t\n", nginx: "worker_processes 2;\n}\n}\n}\n", sysctl: "net.core.somaxconn = 128\n" },
      },
    ];
    expect(configurationChanges(before, after).map((each) => `${each.kind} ${changeText(each)}`)).toEqual([
      "mysql b: 2 → 3",
      "mysql + c",
      "nginx - worker_processes 1;",
      "nginx + worker_processes 2;",
      "nginx + } (3)",
    ]);
  });

  test("nothing", () => expect(configurationChanges(before, before)).toEqual([]));
});

test("plans are told by their query; one that can't be had says why", () => {
  const slow = new SlowLog();
  for (const table of ["t", "u"])
    for (const line of ["# User@Host: a[a] @ b []", "# Query_time: 0.5  Lock_time: 0", `select 1 from ${table};`]) slow.line(line);
  const { classes } = slow.report();
  expect(plansIn("== 0 ==\nid\ttable\n1\tt\n== 1 ==\nERROR 1146 (42S02): no such table\n", classes)).toEqual([
    { id: classes[0]!.id, columns: ["id", "table"], rows: [["1", "t"]] },
    { id: classes[1]!.id, columns: [], rows: [], problem: "ERROR 1146 (42S02): no such table" },
  ]);
});

function whole(): RunReport {
  const access = new AccessLog();
  for (const line of accessLog("ltsv", 2000).split("\n")) access.line(line);
  access.line("time:2026-12-01T10:00:00+09:00\tmethod:GET\turi:/<script>alert(1)</script>|`x`\tstatus:200\tsize:1\treqtime:9500");
  const slow = new SlowLog();
  for (const line of slowLog("mysql", 500).split("\n")) slow.line(line);
  const entry = {
    run: 2,
    began: 1_796_000_000,
    ended: 1_796_000_060,
    passed: true,
    kind: "measured",
    who: "ada@laptop",
    score: 1234,
    commit: "abc1234",
    subject: "Add <b>an index</b>",
  } as const;
  const series = seriesOf(
    Array.from({ length: 11 }, (_, index) => ({ cores: [[index * 50, index * 50]] as const, processes: { "</style><b>": index * 40 } })),
  );
  const servers = [
    report({
      access: access.report(),
      slow: slow.report(),
      samples: series,
      journal: ["<i>loud</i>"],
      configuration: { nginx: "worker_processes <9>;\n" },
      apart: [{ of: "sysctl", text: "net.core.somaxconn is 9 <now>" }],
    }),
  ];
  return {
    stack: "team-a",
    entry,
    history: [{ ...entry, run: 1, score: 1000 }, entry],
    messages: [],
    servers,
    findings: findingsIn(servers),
    remarks: {},
    changes: { since: 1, all: [{ server: "isu1", kind: "mysql", name: "b", was: "1", is: "2" }] },
  };
}

describe("a run", () => {
  test("in a terminal: no line is wider than 80, and what counts is there", () => {
    const text = textOf(whole());
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
    for (const each of ["run 2: 1,234", "run 1 had 1,000: +23.4 %", "mysql: b: 1 → 2", "/api/users/*", "look at first:"])
      expect(text).toContain(each);
  });

  test("as a page: one file, no script, nothing to load, and nobody's text is markup", () => {
    const page = pageOf(whole());
    expect(page).not.toMatch(/<script|src=|href=|url\(|@import|<b>an index|<i>loud|<\/style><b>/);
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(8);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("as Markdown: tables hold, whatever a path has in it", () => {
    const text = markdownOf(whole());
    const rows = text.split("\n").filter((line) => line.startsWith("|") && line.includes("script"));
    expect(rows).toHaveLength(1);
    expect(rows[0]!.match(/(?<!\\)\|/g)).toHaveLength(8);
    expect(text).not.toContain("<script>");
  });

  test("holds no value of a query", () => {
    const report = whole();
    for (const text of [textOf(report), pageOf(report), markdownOf(report)]) expect(text).not.toMatch(/'q = x|2026-01-01 00:00:00|a@b#c/);
  });
});

test("text is escaped where HTML is built", () => {
  expect(html`<p title="${'"<'}">${["&", html`<b>${"<"}</b>`]}${undefined}${false}</p>`.text).toBe(
    '<p title="&quot;&lt;">&amp;<b>&lt;</b></p>',
  );
});

test("the last label of a time line ends where the plot does", () => {
  const times = [0, 5, 10];
  const drawn = String(plot({ title: "t", times, lines: [{ name: "a", values: [1, 2, 3] }], format: String }));
  expect(drawn).toMatch(/text-anchor="end">10 s</);
  expect(drawn).toMatch(/text-anchor="middle">4 s</);
});

test("an axis says each figure once", () => {
  const whole = (value: number) => String(Math.round(value));
  expect(labelled([0, 0.5, 1, 1.5, 2], whole).map(({ label }) => label)).toEqual(["0", "", "1", "", "2"]);
  expect(labelled([0, 10, 20], whole).map(({ label }) => label)).toEqual(["0", "10", "20"]);
});

test("figures", () => {
  expect([bytes(0), bytes(999), bytes(1500), bytes(123_456_789), short(bytes(20_000_000))]).toEqual([
    "0 B",
    "999 B",
    "1.50 kB",
    "123 MB",
    "20 MB",
  ]);
  expect([seconds(0), seconds(0.0000123), seconds(0.0051), seconds(0.25), seconds(1.25), seconds(250)]).toEqual([
    "0 s",
    "12 µs",
    "5.1 ms",
    "250 ms",
    "1.25 s",
    "250 s",
  ]);
  expect([percent(0), percent(0.031), percent(0.5)]).toEqual(["0 %", "3.1 %", "50 %"]);
  expect(shortened("abcdefghij", 6)).toBe("abc…ij");
});

describe("clocks", () => {
  test("the quickest answer tells most; what a network makes of it, and clocks that keep time, correct nothing", () => {
    const clock = clockOf([
      { asked: 100, said: 111, heard: 104 },
      { asked: 110, said: 115.05, heard: 110.1 },
    ]);
    expect(clock).toEqual({ ahead: expect.closeTo(5), within: expect.closeTo(0.05) });
    expect(correction(clock)).toBeCloseTo(-5);
    expect(clockText(clock)).toContain("5.0 s ahead of this computer's");
    expect([correction({ ahead: 0.1, within: 0.01 }), correction({ ahead: 3, within: 4 }), correction(undefined)]).toEqual([0, 0, 0]);
    expect(clockOf([{ asked: 1, said: Number.NaN, heard: 2 }])).toBeUndefined();
  });

  test("a server's samples and requests are told by this computer's clock", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-clock-"));
    const own = join(folder, "servers/isu1");
    mkdirSync(own, { recursive: true });
    const moments = copied([{ cores: [[0, 0]] }, { cores: [[1, 1]] }, { cores: [[2, 2]] }]);
    writeFileSync(join(own, "samples.gz"), gzipSync(moments));
    writeFileSync(join(own, "status.gz"), gzipSync("@ 1000.5\nQuestions\t1\n@ 1001.5\nQuestions\t2\n"));
    writeFileSync(
      join(own, "access.log.gz"),
      gzipSync("time:1970-01-01T00:16:41+00:00\tmethod:GET\turi:/\tstatus:200\tsize:1\treqtime:0.1\n"),
    );
    writeFileSync(join(own, "clock.json"), JSON.stringify({ ahead: 40, within: 0.01 }));
    const { samples: series, database, access } = await analysed(folder, "isu1");
    expect(series?.times).toEqual([961.5, 962.5]);
    expect(database?.times).toEqual([961.5]);
    expect(access?.perSecond).toEqual([[961, 1]]);
    rmSync(folder, { recursive: true });
  });
});

describe("what runs, against what the files say", () => {
  const facts: RetestFacts = {
    ...noFacts,
    mysql: [
      ["set", "max_connections", "77", "151"],
      ["set", "slow_query_log", "ON", "OFF"],
    ],
    sysctl: [["file", "net.core.somaxconn", "1024", "777"]],
  };

  test("is told with what keeps it; what measuring itself switches is no difference", () => {
    expect(apartIn(facts).map(({ of, text }) => `${of}: ${text}`)).toEqual([
      "mysql-settings: max_connections is 77 by SET GLOBAL, and 151 after the reboot",
      "sysctl: net.core.somaxconn is 777, and 1024 by the files: the reboot brings 1024",
    ]);
    expect(whats({ apart: apartIn(facts) })).toEqual(["what runs is not what its files say"]);
  });

  test("asks no section that its rules do not need, and all that they do", () => {
    // A rule that reads rows of another section would find nothing, whatever is there.
    const read = new Set<string>();
    const watched = new Proxy(noFacts, {
      get: (target, name: string) => {
        read.add(name);
        return Reflect.get(target, name);
      },
    });
    apartIn(watched);
    expect([...read].sort()).toEqual([...fileDifferences.sections].sort());
  });

  test("stands on the page, with all of the configuration in effect", () => {
    const page = pageOf(whole());
    expect(page).toContain("net.core.somaxconn is 9 &lt;now&gt;");
    expect(page).toContain("worker_processes &lt;9&gt;;");
    expect(markdownOf(whole())).toContain("somaxconn is 9 \\<now\\>");
  });
});
