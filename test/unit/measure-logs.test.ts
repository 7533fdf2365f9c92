// Access logs and slow logs, judged by what alp and pt-query-digest said of the same ones (test/golden/measure; the integration test asks them anew).
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AccessLog, secondOf } from "../../operations/measure/access/analyse.ts";
import { formatOf, requestIn } from "../../operations/measure/access/line.ts";
import { asRegExp, pathOf, patternsFor } from "../../operations/measure/access/patterns.ts";
import { Distribution } from "../../operations/measure/distribution.ts";
import { eachLine, utf8 } from "../../operations/measure/lines.ts";
import { SlowLog } from "../../operations/measure/slow/digest.ts";
import { fingerprint } from "../../operations/measure/slow/fingerprint.ts";
import { alpRows, asAlp, asDigest, digestClasses } from "../support/judges.ts";
import { accessLog, chance, slowLog } from "../support/made-logs.ts";

const golden = (name: string): string => readFileSync(join(import.meta.dirname, "../golden/measure", name), "utf8");

function access(text: string, uris: readonly string[] = []) {
  const log = new AccessLog(uris);
  for (const line of text.split("\n")) log.line(line);
  return log.report();
}

function slow(text: string) {
  const log = new SlowLog();
  for (const line of text.split("\n")) log.line(line);
  return log.report();
}

describe("access logs", () => {
  test.for(["ltsv", "json", "combined"] as const)("%s: every figure is alp's", (format) => {
    const report = access(accessLog(format, 5000));
    expect(report).toMatchObject({ format, requests: 5000, unread: 0, timed: true });
    expect([...asAlp(report)].sort()).toEqual(alpRows(golden(`alp-${format}.tsv`)));
  });

  test("patterns are found by themselves, and pages of their own stay", () => {
    const found = new Set(access(accessLog("ltsv", 5000)).endpoints.map(({ pattern }) => pattern));
    expect([...found].sort()).toEqual(
      ["/", "/@*", "/api/rides/*/status", "/api/users/*", "/api/users/me", "/icons/*.png", "/initialize", "/posts/*/comments"].sort(),
    );
  });

  test.for([
    ["/api/users/12", "/api/users/*"],
    ["/v1/chairs", "/v1/chairs"],
    ["/a/0f8fad5b-d9cb-469f-a165-70867728950e?x=1", "/a/*"],
    ["/image/123.jpg", "/image/*.jpg"],
    ["/js/app.3f2a9c1b77.js", "/js/app.*.js"],
    ["/css/bootstrap.min.css", "/css/bootstrap.min.css"],
    ["/posts/2026-12-01", "/posts/2026-12-01"],
    ["/@alice", "/@*"],
    ["/deadbeef", "/deadbeef"],
  ])("%s is %s", ([uri, pattern]) => {
    expect(pathOf(uri!)).toBe(pattern);
  });

  test("names are values where there are many of them, and pages where there are few", () => {
    const users = Array.from(
      { length: 40 },
      (_, index) => [`/u/name${String.fromCharCode(97 + (index % 26))}${index > 25 ? "x" : ""}/posts`, 5] as const,
    );
    const of = patternsFor([...users, ["/u/me/posts", 900], ["/login", 3], ["/about", 2]]);
    expect(of("/u/namea/posts")).toBe("/u/*/posts");
    expect(of("/u/me/posts")).toBe("/u/me/posts");
    expect(of("/u/unheard-of/posts")).toBe("/u/*/posts");
    expect([of("/login"), of("/about")]).toEqual(["/login", "/about"]);
  });

  test("a team's own patterns go before those that are found", () => {
    const report = access(accessLog("ltsv", 500), ["^/api/.*$"]);
    expect(
      report.endpoints
        .filter(({ pattern }) => pattern === "^/api/.*$")
        .map(({ method }) => method)
        .sort(),
    ).toEqual(["DELETE", "GET", "POST"]);
    expect(report.endpoints.some(({ pattern }) => pattern.startsWith("/api"))).toBe(false);
  });

  test("a pattern as alp takes it fits its own paths, whatever characters are in them", () => {
    const segment = fc.stringMatching(/^[a-z.+()$^-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        expect(new RegExp(asRegExp(`/${segments.join("/")}/*`)).test(`/${segments.join("/")}/x`)).toBe(true);
      }),
    );
  });

  test("however many paths there are, only so many are kept, and no request is lost", () => {
    const random = chance(3);
    const name = () => Array.from({ length: 6 }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join("");
    const log = new AccessLog();
    const count = 30_000;
    for (let index = 0; index < count; index++)
      log.line(`time:2026-12-01T10:00:00+09:00\tmethod:${name().toUpperCase()}\turi:/${name()}\tstatus:404\tsize:1\treqtime:0.001`);
    const report = log.report();
    expect(report.requests).toBe(count);
    expect(report.endpoints.length).toBeLessThan(4001);
  });

  test("what is no request is counted, not taken for one", () => {
    const report = access(
      `time:x\tmethod:GET\turi:/\tstatus:200\tsize:2\treqtime:0.001\n\tcut of\n{"method":\ntime:x\tmethod:GET\turi:/\tst`,
    );
    expect([report.requests, report.unread]).toEqual([1, 3]);
  });

  test.for([
    ['192.0.2.1 - bob [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12 "-" "curl/8 (x) 1.5"', undefined],
    ['192.0.2.1 - - [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12 "-" "x" rt=0.25', 0.25],
    ['192.0.2.1 - - [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12 "-" "x" 0.250 0.249', 0.25],
    ['192.0.2.1 - - [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12', undefined],
    ['192.0.2.1 - - [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12 "-" "x" 0.250 0.100, 0.149', 0.25],
    ['192.0.2.1 - - [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12 "-" "x" 0.250 "0.100 : 0.149" .', 0.25],
    [
      '[::1] - b c [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12 "-" "a \\"b\\" rt=9.9" rt=0.25 ua="10.0.0.1:80" ut="0.2" cs=-',
      0.25,
    ],
    ['::1 - - [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12 "-" "x" rt=0.25 uct="0.001" uht="0.2" urt="0.2"', 0.2],
    ['::1 - - [01/Dec/2026:10:00:00 +0900] "GET /a?b HTTP/1.1" 200 12 "-" "x" rt=0.25 uct="-" uht="-" urt="-"', 0.25],
  ] as const)("the combined format, with a time at its end or without: %s", ([line, seconds]) => {
    expect(formatOf(line)).toBe("combined");
    const request = requestIn(line, "combined");
    expect(request).toMatchObject({ method: "GET", uri: "/a?b", status: 200, bytes: 12 });
    expect(request?.seconds).toBe(seconds);
  });

  test.for([
    ['{"uri":"\\/a","method":"GET","status":200,"body_bytes":12,"response_time":"0.1, 0.2","request_time":0.4}', "GET /a", 0.4],
    ['  {"uri":"/a\\x22b","method":"GET","status":"200","body_bytes":"12","request_time":"0.4"}', 'GET /a"b', 0.4],
    ['{"request":{"method":"PUT","uri":"/a"},"status":200,"size":12,"request_time":0.4}', "PUT /a", 0.4],
    ['{"request":"GET /a?b HTTP/1.1","status":200,"bytes_sent":12,"upstream_response_time":null,"rt":0.4}', "GET /a?b", 0.4],
    ["remote-addr:::1\turi:/a\tstatus:200\tsize:12\tapptime:-\treqtime:0.4", "- /a", 0.4],
    ["host:[::1]\treq:GET /a HTTP/1.1\tstatus:200\tsize:12\tapptime:-, 0.2\treqtime:99999.999\tua:x\ty", "GET /a", 99999.999],
  ] as const)("fields as logs have them: %s", ([line, request, seconds]) => {
    const read = requestIn(line, formatOf(line)!)!;
    expect([`${read.method} ${read.uri}`, read.seconds, read.bytes]).toEqual([request, seconds, 12]);
  });

  test("what is no text is no request", () => {
    for (const line of ['{"uri":["/a"],"method":"GET","status":200}', '{"request":["GET"],"status":200}', "[1]"])
      expect([line, formatOf(line) && requestIn(line, formatOf(line)!)]).toEqual([line, undefined]);
  });

  test("a server's log of its own and the run's have two formats, and every line counts", () => {
    const report = access(`${accessLog("combined", 50)}${accessLog("ltsv", 50)}${accessLog("json", 50)}`);
    expect([report.requests, report.unread]).toEqual([150, 0]);
  });

  test("a host in a request is not in its pattern", () => {
    expect(["http://10.0.0.1:8080/x/5?a", "HTTPS://[::1]/x/5", "http://a.example", "*"].map(pathOf)).toEqual(["/x/*", "/x/*", "/", "*"]);
  });

  test("times of a log", () => {
    const at = Date.UTC(2026, 11, 1, 1, 0, 0) / 1000;
    expect([secondOf("2026-12-01T10:00:00+09:00"), secondOf("01/Dec/2026:10:00:00 +0900"), secondOf(`${at}.123`), secondOf("-")]).toEqual([
      at,
      at,
      at,
      undefined,
    ]);
  });
});

describe("slow logs", () => {
  test.for(["mariadb", "mysql"] as const)("%s: ids, counts, sums, extremes and rows are pt-query-digest's", (kind) => {
    const judged = digestClasses(golden(`pt-query-digest-${kind}.json`));
    const ours = asDigest(slow(slowLog(kind, 2000)));
    const exact = (all: readonly { readonly p95: number }[]) => all.map(({ p95: _, ...rest }) => rest);
    expect(exact(ours)).toEqual(exact(judged));
    for (const [index, { p95 }] of ours.entries()) expect(Math.abs(p95 - judged[index]!.p95) / judged[index]!.p95).toBeLessThan(0.15);
  });

  test("a statement keeps its own lines that begin with #, and that end with a semicolon", () => {
    const head = "# User@Host: a[a] @ b []\n# Query_time: 0.5  Lock_time: 0.1 Rows_sent: 1  Rows_examined: 2\nSET timestamp=1;\n";
    const { classes } = slow(`${head}SELECT 1\n# a comment\nFROM t WHERE q = 'x';\n${head}COMMIT;\n`);
    expect(classes.map(({ fingerprint: print, count, sum }) => [print, count, sum])).toEqual([
      ["select ? from t where q = ?", 1, 0.5],
      ["commit", 1, 0.5],
    ]);
  });

  test("a fingerprint keeps no value", () => {
    expect(fingerprint("SELECT * FROM u WHERE token = 'hunter2' AND pin IN (1, 2, 3) LIMIT 5, 10")).toBe(
      "select * from u where token = ? and pin in(?+) limit ?",
    );
  });
});

const entry = (text: string, seconds = "0.5") =>
  `# User@Host: isucon[isucon] @ localhost []\n# Query_time: ${seconds}  Lock_time: 0.1 Rows_sent: 1  Rows_examined: 2\nSET timestamp=1;\n${text};\n`;
const prints = (text: string) => slow(text).classes.map(({ fingerprint: print }) => print);

test("a query is bytes: letters that are not ASCII stay as they are, whatever they look like in Latin-1", () => {
  const name = "ÉÀ à日本語";
  const text = Buffer.from(entry(`SELECT \`${name}\` FROM T WHERE Ünï = 'x' AND id=5`)).toString("latin1");
  expect(prints(text).map(utf8)).toEqual([`select \`${name}\` from t where Ünï = ? and id=?`]);
});

test("a database that somebody chooses is a query; one that the log names is none", () => {
  const { classes } = slow(`${entry("use other")}${entry("USE third")}${entry("SELECT 1").replace("SET", "use notes;\nSET")}`);
  expect(classes.map(({ fingerprint: print, count, database }) => [print, count, database])).toEqual([
    ["use ?", 2, undefined],
    ["select ?", 1, "notes"],
  ]);
});

test("a statement of megabytes is one of its kind", async () => {
  const rows = Array.from({ length: 40_000 }, (_, index) => `(${index},'${"x".repeat(40)}')`).join(", ");
  const list = Array.from({ length: 300_000 }, (_, index) => index).join(",");
  const file = join(mkdtempSync(join(tmpdir(), "long-")), "slow.log.gz");
  const statements = [
    `INSERT INTO t (a,b) VALUES ${rows}`,
    "INSERT INTO t (a,b) VALUES (1,'x')",
    `SELECT a FROM t WHERE id IN (${list}) AND z=1`,
  ];
  writeFileSync(
    file,
    gzipSync(statements.map((each) => entry(each)).join("") + entry(`SELECT a FROM t WHERE id IN (${list.slice(0, 200_000)}1) AND z=1`)),
  );
  const log = new SlowLog();
  await eachLine(file, (line) => log.line(line));
  expect(log.report().classes.map(({ fingerprint: print, count }) => [print, count])).toEqual([
    ["insert into t (a,b) values(?+)", 2],
    // Cut off behind a megabyte.
    ["select a from t where id in(?+)", 1],
    ["select a from t where id in(?+) and z=?", 1],
  ]);
});

describe("distributions", () => {
  test("percentiles are exact while values are few, and within half a percent however many there are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 0, max: 100 }),
        (values, p) => {
          const all = new Distribution();
          for (const value of values) all.add(value);
          const sorted = [...values].sort((a, b) => a - b);
          const rank = Math.max(1, Math.min(values.length, Math.floor((values.length + 1) * (p / 100))));
          expect(all.percentile(p)).toBe(sorted[rank - 1]);
        },
      ),
    );
    const many = new Distribution();
    const random = chance(1);
    const values = Array.from({ length: 60_000 }, () => random());
    for (const value of values) many.add(value);
    values.sort((a, b) => a - b);
    for (const p of [50, 90, 99])
      expect(Math.abs(many.percentile(p) / values[Math.floor(60_001 * (p / 100)) - 1]! - 1)).toBeLessThan(0.005);
    expect([many.count, many.min, many.max]).toEqual([60_000, values[0], values.at(-1)]);
  });
});

test("lines come whole from a file or its gzip, carriage returns and a last line without an end too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lines-"));
  const text = `a\r\n${"b".repeat(3_000)}\n\nlast`;
  writeFileSync(join(folder, "x.log"), text);
  writeFileSync(join(folder, "x.log.gz"), gzipSync(text));
  for (const name of ["x.log", "x.log.gz"]) {
    const lines: string[] = [];
    await eachLine(join(folder, name), (line) => lines.push(line));
    expect(lines).toEqual(["a", "b".repeat(3_000), "", "last"]);
  }
});
