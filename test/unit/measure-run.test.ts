// What a run decides before it touches a server, and what it reads of a benchmark: pure.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { Barrier } from "../../operations/measure/run/barrier.ts";
import { addressed, runHere } from "../../operations/measure/run/benchmark.ts";
import { luaScript } from "../../operations/measure/run/load.ts";
import { directivesIn, nginxLogs } from "../../operations/measure/run/nginx-logs.ts";
import { placeIn } from "../../operations/measure/run/place.ts";
import {
  collect,
  discard,
  explain,
  indexes,
  type Place,
  parts,
  prepare,
  putBack,
  silent,
  slowLogOf,
  survey,
} from "../../operations/measure/run/scripts.ts";
import { standsAt, writtenSince } from "../../operations/measure/run/since.ts";
import { look, Traffic, watchedIn } from "../../operations/measure/run/traffic.ts";
import { enter, folderOf, ledger, newRun as newRunOf, numbersIn, type RunEntry } from "../../operations/measure/runs.ts";
import { sampler } from "../../operations/measure/samples/sampler.ts";
import { verdictIn } from "../../operations/measure/score.ts";
import { Load, Profile } from "../../spec/bench.ts";
import { soon } from "../support/soon.ts";

describe("the score in a benchmark's output", () => {
  test.for([
    ['{"pass":true,"score":1710,"success":1434,"fail":0,"messages":[]}', 0, { score: 1710, passed: true }],
    ['{"pass":false,"score":0,"messages":["GET / が遅い"]}', 0, { score: 0, passed: false, messages: ["GET / が遅い"] }],
    ["10:00:01 score: 100\n10:00:02 score: 12,345\n", 0, { score: 12345, passed: true }],
    ["最終スコア: 9876\n", 0, { score: 9876, passed: true }],
    ["PASSED\n8123 points\n", 0, { score: 8123, passed: true }],
    ["42\n", 0, { score: 42, passed: true }],
    ["score: 42\n", 1, { score: 42, passed: false, why: "exit code 1" }],
    ["nothing\n", 0, { passed: false, why: "no score in its output" }],
    ["Score: 1,234,567.8 points", 0, { score: 1_234_567.8 }],
    ["score: 12,34,567", 0, { score: 1_234_567 }],
    ["score: 1'234'567 (raw 1'500'000)", 0, { score: 1_234_567 }],
    ["score: 1 234 567 points", 0, { score: 1_234_567 }],
    ["score: 5 100 requests", 0, { score: 5 }],
    ["score: 1.234.567", 0, { score: 1_234_567 }],
    ["score = 1.2e6", 0, { score: 1_200_000 }],
    ["score: -50", 0, { score: -50 }],
    ["スコア：１２，３４５点", 0, { score: 12_345 }],
    ["\u001b[32mscore: \u001b[1m12345\u001b[0m", 0, { score: 12_345 }],
    ["10 %\r50 %\rscore: 77\r", 0, { score: 77 }],
    ["total: 500 points\nscore is what remains of 3 rounds", 0, { score: 500 }],
    ["2026/11/30 03:06:59 begun, 10.0.0.1:80, 99%", 0, { passed: false, why: "no score in its output" }],
    ["sh: 1: bench: not found", 127, { passed: false, why: "exit code 127" }],
    [
      "[FAIL] initialize timeout\nscore: 0\n",
      0,
      { score: 0, passed: false, messages: ["[FAIL] initialize timeout"], why: "[FAIL] initialize timeout" },
    ],
    ["fail: 0\nscore: 10\n", 0, { score: 10, passed: true }],
  ] as const)("%s", ([output, code, wanted]) => {
    const verdict = verdictIn(output, code);
    expect(verdict).toMatchObject(wanted);
    expect(verdict.passed).toBe(verdict.why === undefined);
    if (verdict.score === undefined) expect(wanted).not.toHaveProperty("score");
  });

  test("what a person saw goes before what is printed, and is no excuse for an exit code", () => {
    expect(verdictIn("7\n", 0, { seen: 5 })).toEqual({ passed: true, messages: [], score: 5 });
    expect(verdictIn("", 0, { seen: 5 })).toMatchObject({ passed: true, score: 5 });
    expect(verdictIn("", 1, { seen: 5 })).toMatchObject({ passed: false, score: 5, why: "exit code 1" });
  });

  test("the stack's own patterns go before the usual words", () => {
    expect(verdictIn("score: 1\nrps=77.5 NG\n", 0, { score: "rps=([0-9.]+)" })).toMatchObject({ score: 77.5, passed: true });
    expect(verdictIn("score: 1 NG\n", 0, { fail: "\\bNG\\b" })).toMatchObject({ score: 1, passed: false });
  });
});

const dump = `# configuration file /etc/nginx/nginx.conf:
user isucon; # who
http {
  log_format main '$remote_addr "$request" {x}';
  access_log /var/log/nginx/access.log main;
  map $http_upgrade $c { default upgrade; '' close; }
  include /etc/nginx/conf.d/*.conf;
  include sites-enabled/*;
}
# configuration file /etc/nginx/conf.d/a.conf:
access_log off;
# configuration file /etc/nginx/sites-enabled/notes:
server {
  access_log /var/log/nginx/notes.log main;
  location ~ "^/(api|x{2})" { access_log off; }
}
server { access_log off; location = /nginx_status { stub_status; } }
`;

describe("what nginx logs", () => {
  test("by level, over included files", () => {
    expect(nginxLogs(dump)).toEqual({
      confD: true,
      shared: ["/var/log/nginx/access.log"],
      own: ["/var/log/nginx/notes.log"],
      silencedBy: ["/etc/nginx/conf.d/a.conf"],
      elsewhere: [],
      silentServers: false,
      silentLocations: true,
    });
    expect(directivesIn(dump).find(({ name }) => name === "log_format")?.args).toEqual(["main", '$remote_addr "$request" {x}']);
  });

  test("a server that is silent, and a configuration that nothing can be added to", () => {
    const found = nginxLogs("http { access_log /a.log; server { access_log off; } server { access_log /x-$host.log; } }");
    const none = { confD: false, shared: ["/a.log"], own: [], silencedBy: [] };
    expect(found).toEqual({ ...none, elsewhere: ["/x-$host.log"], silentServers: true, silentLocations: false });
  });
});

const surveyed = (nginx: string, mysql: string): string =>
  `${parts.nginx}\n${nginx}${parts.mysql}\n${mysql}${parts.pools}\n${parts.rest}\n`;

describe("what there is to measure", () => {
  test("nginx with its logs, a database with its own slow log", () => {
    const place = placeIn(surveyed(dump, "1\t10.000000\t/var/log/mysql/slow.log\tFILE\t/var/lib/mysql/\t4\n"));
    expect(place.nginx).toEqual({ add: true, own: ["/var/log/nginx/notes.log"], silencedBy: ["/etc/nginx/conf.d/a.conf"] });
    expect(place.mysql).toEqual({
      on: true,
      longQueryTime: "10.000000",
      file: "/var/log/mysql/slow.log",
      output: "FILE",
      dataFolder: "/var/lib/mysql/",
      sleeping: 4,
    });
    expect(slowLogOf(place.mysql!)).toBe("/var/log/mysql/fleet-slow.log");
    expect(slowLogOf({ ...place.mysql!, file: "host-slow.log" })).toBe("/var/lib/mysql/fleet-slow.log");
  });

  test("requests that are in no log that is read are told", () => {
    const { remarks } = placeIn(
      surveyed(
        "http { include conf.d/*.conf; server { access_log syslog:server=10.0.0.9; location /js { access_log off; } } server { access_log logs/a.log; location = /s { stub_status; access_log off; } } }",
        "",
      ),
    );
    expect(remarks).toEqual([
      "a server of nginx logs to syslog:server=10.0.0.9, logs/a.log, which is not read: its requests are not seen; next: a file by its full path",
      expect.stringContaining("a location of nginx says"),
    ]);
    expect(
      placeIn(surveyed("http { include conf.d/*.conf; server { location = /s { stub_status; access_log off; } } }", "")).remarks,
    ).toEqual([]);
  });

  test("nothing", () => expect(placeIn(surveyed("", ""))).toEqual({ remarks: [] }));

  test("a database that lets nobody in is told, with what it said", () => {
    const place = placeIn(surveyed("", "ERROR 1045 (28000): Access denied for user 'root'@'localhost'\n"));
    expect(place.mysql).toBeUndefined();
    expect(place.remarks).toEqual([expect.stringContaining("ERROR 1045")]);
  });
});

const profile = Profile.parse({ pprof: ["http://127.0.0.1:6060/"] });

const place: Place = {
  nginx: { add: true, own: ["/var/log/nginx/a b'.log"], silencedBy: ["/etc/nginx/nginx.conf"] },
  mysql: {
    on: false,
    longQueryTime: "10",
    file: "/var/log/mysql/it's.log",
    output: "FILE,TABLE",
    dataFolder: "/var/lib/mysql/",
    sleeping: 0,
  },
};

test.for([
  ["survey", survey],
  ["prepare", prepare(place, ["notes.service", "x@1.service"], { sampler: sampler(60, { mysql: true }), profile })],
  ["silent", silent(place, ["notes.service"])],
  ["collect", collect(place, { ...profile, files: ["/tmp/*.folded"] })],
  ["putBack", putBack],
  ["discard", discard(place)],
  ["look", look("/initialize", false)],
  ["explain", explain([{ database: "notes", text: "select 'it''s' from t where a = \"`x`\"" }])],
  ["indexes", indexes(["notes", "it's"])],
] as const)("%s is shell text that sh can read", ([, { text }]) => {
  const { status, stderr } = spawnSync("sh", ["-n"], { input: text, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});

describe("what a log got since a run began", () => {
  /** @returns what is printed of the log after `meanwhile`, a shell's text in its folder. */
  const written = (meanwhile: string, log = "a b.log"): string => {
    const folder = mkdtempSync(join(tmpdir(), "since-"));
    const [began, stands] = [join(folder, "began"), join(folder, "stands")];
    const text = `cd ${folder}; mkdir logs; cd logs
for each in "a b.log" other.log; do printf 'old\\nold too\\n' >"$each"; done; cp other.log "a b.log.9"; cp other.log "a b.log.txt"
touch -d '2 hours ago' "a b.log" "a b.log.9"; gzip <other.log >packed.log; ln -s "$PWD/a b.log" link.log
${standsAt(join(folder, "logs", log), stands)}
expr "$(date +%s)" - 60 >${began}
add() { printf '%s\\n' "$1" >>"a b.log"; }
${meanwhile}
${writtenSince(began)}
while read -r inode size file; do written "$inode" "$size" "$file"; done <${stands}`;
    const { status, stdout, stderr } = spawnSync("sh", ["-euc", text], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    return stdout.trimEnd().replaceAll("\n", " ");
  };

  test.for([
    ["nothing", ":", ""],
    ["lines", "add 1; add 2", "1 2"],
    ["lines behind a cut", ": >'a b.log'; add 1", "1"],
    ["lines before and behind a rotation", "add 1; mv 'a b.log' 'a b.log.1'; add 2", "1 2"],
    ["lines before and behind one that packs", "add 1; mv 'a b.log' 'a b.log.1'; gzip 'a b.log.1'; add 2", "1 2"],
    [
      "lines before and behind one that copies",
      "add 1; cp 'a b.log' 'a b.log-20261201'; : >'a b.log'; add 2; add 3; add 4; add 5; add 6; add 7",
      "1 2 3 4 5 6 7",
    ],
    [
      "lines of two rotations",
      "add 1; mv 'a b.log' 'a b.log.2'; add 2; touch -d '30 seconds ago' 'a b.log.2'; mv 'a b.log' 'a b.log.1'; add 3",
      "1 2 3",
    ],
    ["a file that was moved under any name", "add 1; mv 'a b.log' before.txt; add 2", "1 2"],
    ["a file that nothing came after", "add 1; mv 'a b.log' 'a b.log.1'", "1"],
    ["a file that was taken away", "rm 'a b.log'", ""],
  ] as const)("%s", ([, meanwhile, wanted]) => expect(written(meanwhile)).toBe(wanted));

  test("by a link", () => {
    expect(written("add 1", "link.log")).toBe("1");
    expect(written("add 1; mv 'a b.log' 'a b.log.1'; add 2", "link.log")).toBe("1 2");
  });

  test("what nginx packs as it writes", () => {
    expect(written("echo 1 | gzip >>packed.log; echo 2 | gzip >>packed.log", "packed.log")).toBe("1 2");
  });
});

describe("traffic of a benchmark that somebody else starts", () => {
  const log = (amount: number, initializations = 0) => ({ isu1: { kind: "log", amount, initializations } }) as const;

  test("begins with the first burst, and is over when nothing came for so long", () => {
    const traffic = new Traffic(10);
    const looks = [0, 300, 600, 90_000, 180_000, 180_000];
    expect(looks.map((amount, second) => traffic.take(second, log(amount)))).toEqual(looks.map(() => false));
    expect(traffic.began).toBe(3);
    expect(traffic.take(13, log(180_000))).toBe(false);
    expect(traffic.take(14, log(180_000))).toBe(true);
    expect(traffic.ended).toBe(4);
  });

  test("begins with the request that initializes, however little comes with it", () => {
    const traffic = new Traffic(10);
    traffic.take(0, log(0));
    traffic.take(1, log(120, 1));
    expect(traffic.began).toBe(1);
  });

  test("a person with a browser begins nothing, and one who looks on after it keeps nothing going without a log", () => {
    const traffic = new Traffic(3);
    const tcp = (amount: number) => ({ isu1: { kind: "tcp", amount, initializations: 0 } }) as const;
    const seen = [0, 30, 60, 5000, 5030, 5060, 5090].map((amount, second) => traffic.take(second, tcp(amount)));
    expect([traffic.began, seen.at(-1)]).toEqual([3, true]);
  });

  test("what a look prints", () => {
    expect(watchedIn("log 1234 1\n")).toEqual({ kind: "log", amount: 1234, initializations: 1 });
    expect(watchedIn("cat: no")).toBeUndefined();
  });

  test("the request that initializes is told from its like, in each format", () => {
    const [, pattern = ""] = /grep -a -c -E ('[^']*'|\S+)\)/.exec(look("/init.x", false).text) ?? [];
    const count = (line: string) =>
      spawnSync("sh", ["-c", `grep -c -E ${pattern}`], { input: `${line}\n`, encoding: "utf8" }).stdout.trim();
    const lines = [
      "method:POST\turi:/init.x\tstatus:200",
      '{"uri":"/init.x","status":200}',
      '- - [x] "POST /init.x HTTP/1.1" 200',
      '{"request_uri": "/init.x?lang=go"}',
      "path:/init.x",
      "uri:/init.xyz\t",
      "uri:/initax\t",
      "uri:/\treferer:http://a.example/init.x\t",
      "uri:/api/init.x\t",
    ];
    expect(lines.map(count)).toEqual(["1", "1", "1", "1", "1", "0", "0", "0", "0"]);
  });
});

describe("a load of our own", () => {
  const requests = [
    { path: "/a\"'\\n?x=1" },
    { path: "/b", method: "POST", body: "é\n", weight: 2, headers: { "Content-Type": "text/plain" } },
  ];

  test("every request is in the script as often as it weighs, whatever is in it", () => {
    const script = luaScript(Load.parse({ host: "notes.example", requests }));
    expect(script.match(/wrk\.format/g)).toHaveLength(3);
    expect(script).toContain('wrk.format("POST", "/b", {["Host"]="notes.example", ["Content-Type"]="text/plain"}, "\\195\\169\\010")');
    expect(script).toContain('"/a\\034\'\\092n?x=1"');
  });
});

test("servers' addresses stand in a command for their names, and other braces stay", () => {
  expect(addressed("bench -t {isu1}:80 -x ${y} {nobody} {}", { isu1: "10.0.0.11" })).toBe("bench -t 10.0.0.11:80 -x ${y} {nobody} {}");
});

describe("a command on this computer", () => {
  const run = async (command: string, timeout = "1min") => {
    const lines: string[] = [];
    return { code: await runHere(command, { timeout }, (line) => void lines.push(line)), lines };
  };

  test("its lines and its exit code; of a signal, as a shell has it", async () => {
    expect(await run("echo a; echo b >&2; exit 3")).toMatchObject({ code: 3 });
    expect(await run("kill -9 $$")).toMatchObject({ code: 137 });
  });

  test("one that does not end is ended, with what it started, whatever it makes of being asked", { timeout: 60_000 }, async () => {
    const file = join(mkdtempSync(join(tmpdir(), "bench-")), "pids");
    const { code, lines } = await run(
      `trap '' TERM; sh -c 'echo $$; trap "" TERM; while :; do sleep 1; done' >>${file} & echo $$ >>${file}; wait; while :; do sleep 1; done`,
      "3s",
    );
    expect([code, lines]).toEqual([137, ["FAIL: not done within 3s, and ended"]]);
    const pids = readFileSync(file, "utf8").trim().split("\n");
    expect(pids).toHaveLength(2);
    await soon(() => pids.filter((pid) => spawnSync("kill", ["-0", pid]).status === 0)).toEqual([]);
  });

  test("what goes on though the shell that started it has ended is ended too", { timeout: 60_000 }, async () => {
    const file = join(mkdtempSync(join(tmpdir(), "bench-")), "pid");
    const { lines } = await run(`sh -c 'trap "" TERM; echo $$ >${file}; while :; do sleep 1; done'; echo over`, "1s");
    expect(lines).toEqual(["FAIL: not done within 1s, and ended"]);
    const pid = readFileSync(file, "utf8").trim();
    await soon(() => spawnSync("kill", ["-0", pid]).status).not.toBe(0);
  });

  test("what it leaves in the background holds nobody up", { timeout: 60_000 }, async () => {
    const { code, lines } = await run("sleep 300 & echo $!; echo score: 5");
    spawnSync("kill", [lines[0]!]);
    expect([code, lines[1]]).toEqual([0, "score: 5"]);
  });
});

describe("a barrier", () => {
  test("the middle begins when all have arrived, and all hear its end", async () => {
    let begun = 0;
    const barrier = new Barrier(2, async () => ++begun);
    barrier.arrive();
    await Promise.resolve();
    expect(begun).toBe(0);
    barrier.arrive();
    expect(await Promise.all([barrier.over, barrier.over])).toEqual([1, 1]);
  });

  test("who can't arrive keeps the middle from beginning", async () => {
    const barrier = new Barrier(2, async () => expect.fail("the middle began"));
    barrier.arrive();
    barrier.fail(new Error("isu2: unreachable"));
    barrier.arrive();
    await expect(barrier.over).rejects.toThrow("isu2: unreachable");
  });
});

describe("the ledger", () => {
  const entry = (run: number): RunEntry => ({
    run,
    began: 1,
    ended: 2,
    passed: true,
    kind: "measured",
    who: "ada@laptop",
    score: run * 10,
  });

  test("runs are numbered behind what is there, here and in the ledger of others; marks of a merge are passed over", () => {
    const folder = join(mkdtempSync(join(tmpdir(), "runs-")), "team-a");
    const newRun = (at: string) => newRunOf(at, { who: "ada@laptop", shared: false });
    expect(newRun(folder).run).toBe(1);
    enter(folder, entry(1));
    writeFileSync(join(folder, "ledger.jsonl"), `${JSON.stringify(entry(7))}\n<<<<<<< HEAD\n${JSON.stringify(entry(3))}\n{"run":"x"}\n`, {
      flag: "a",
    });
    expect(ledger(folder).map(({ run }) => run)).toEqual([1, 3, 7]);
    expect(newRun(folder).run).toBe(8);
    // Somebody else's seventh, merged; and its line once more, of both sides.
    const theirs = { ...entry(7), who: "bob@laptop", began: 9, ended: 99 };
    for (const each of [theirs, theirs]) enter(folder, each);
    expect(ledger(folder).filter(({ run }) => run === 7)).toEqual([entry(7), theirs]);
    // Here, at once: a folder each.
    expect([newRun(folder).run, newRun(folder).run]).toEqual([9, 10]);
  });

  test("two people who measure between two pulls merge nothing by hand, and each run is found again", () => {
    const [ada, bob] = ["ada", "bob"].map((name) => join(mkdtempSync(join(tmpdir(), "team-")), name)) as [string, string];
    const git = (cwd: string, ...words: string[]) =>
      execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.org", ...words], { cwd, encoding: "utf8", stdio: "pipe" });
    const measures = (checkout: string, who: string, began: number) => {
      const runs = join(checkout, "runs/team-a");
      const { run, folder } = newRunOf(runs, { who, shared: true });
      for (const name of ["report.html", "bench.log"]) writeFileSync(join(folder, name), `${who}\n`);
      writeFileSync(join(runs, "scores.html"), who);
      enter(runs, { ...entry(run), who, began, ended: began + 1 });
      git(checkout, "add", "-A");
      git(checkout, "commit", "-q", "-m", `run of ${who}`);
      return run;
    };
    mkdirSync(ada);
    git(ada, "init", "-q", "-b", "main");
    expect(measures(ada, "ada@laptop", 1)).toBe(1);
    git(dirname(bob), "clone", "-q", ada, bob);
    expect([measures(ada, "ada@laptop", 2), measures(bob, "bob@ThinkPad.local", 3)]).toEqual([2, 2]);
    git(bob, "pull", "-q", "--no-rebase", "--no-edit", "origin", "main");
    const runs = join(bob, "runs/team-a");
    expect(
      ledger(runs).map(({ run, who }) => [run, readFileSync(join(runs, folderOf(runs, run, who), "report.html"), "utf8").trim()]),
    ).toEqual([
      [1, "ada@laptop"],
      [2, "ada@laptop"],
      [2, "bob@ThinkPad.local"],
    ]);
    expect(
      git(bob, "ls-files")
        .split("\n")
        .filter((file) => /scores|bench\.log/.test(file)),
    ).toEqual([]);
    expect(numbersIn(runs)).toEqual([1, 2, 2]);
    expect(measures(bob, "bob@ThinkPad.local", 4)).toBe(3);
  });
});
