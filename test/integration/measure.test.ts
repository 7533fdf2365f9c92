// Measuring on a real machine with nginx and MariaDB: figures that alp and pt-query-digest agree with, nothing left behind, a person's benchmark
// noticed, a regression found. Each test begins where the one before ended.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nspawn } from "../../machines/nspawn/driver.ts";
import type { Lab } from "../../operations/lab/model.ts";
import { AccessLog } from "../../operations/measure/access/analyse.ts";
import { eachLine } from "../../operations/measure/lines.ts";
import type { RunReport } from "../../operations/measure/report/model.ts";
import { sampler } from "../../operations/measure/samples/sampler.ts";
import { SlowLog } from "../../operations/measure/slow/digest.ts";
import { type Fleet, inside, Trial } from "../support/fleet.ts";
import { alpArguments, alpRows, asAlp, asDigest, digestArguments, digestClasses } from "../support/judges.ts";
import { oddAccessLog, oddSlowLog } from "../support/made-logs.ts";
import { own, ownProject } from "../support/own.ts";
import { soon } from "../support/soon.ts";

const trial = new Trial("measure", {
  target: "practice",
  servers: { isu1: { roles: ["base", "nginx", "mysql"], cores: 1, memory: "1GiB" } },
  params: {
    nginx: {
      main: { accessLogPath: "/var/log/nginx/teams.log" },
      sites: [{ name: "notes", root: "/srv/notes", routes: [{ kind: "return", path: "/health", exact: true, status: 200, text: "ok" }] }],
    },
  },
});
afterAll(() => trial.remove());

/** Where the set-up for tests built it, unless it was on PATH. */
const alpFolder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "contest-fleet/alp-1.0.21");

const on = async (script: string): Promise<string> => {
  const { code, stdout, said } = await inside(trial.stack, "isu1", script);
  if (code !== 0) throw new Error(`${script}\nended with ${code}: ${said}`);
  return stdout.trim();
};

const git = (...words: string[]): string =>
  execFileSync("git", ["-c", "user.name=ada", "-c", "user.email=ada@example.org", ...words], { cwd: ownProject, encoding: "utf8" }).trim();

const commit = (text: string): string => {
  git("add", "stacks");
  git("commit", "-q", "-m", text);
  return git("rev-parse", "--short=8", "HEAD");
};

const bench = async (words: readonly string[]) => await trial.bare(["bench", ...words]);

/** What a run must not leave: logs that go on, a sampler, files of its own. */
const leftOver = async (): Promise<string> =>
  await on(`ls /etc/nginx/conf.d; ls /var/log/nginx | grep fleet || true; ls -A /var/lib/fleet/measure | grep -v '^began$' || true
ps -eo args | grep -E '[f]leet/measure|[m]ysql .*unbuffered' || true
mysql -N -B -e 'select @@global.slow_query_log, @@global.long_query_time' | grep -v '^0	10.000000$' || true`);

let url = "";
beforeAll(async () => {
  trial.overlay("isu1", "srv/notes/index.html", "<h1>notes</h1>\n");
  trial.overlay("isu1", "srv/notes/app.js", "x".repeat(20_000));
  const { code, said } = await trial.run("up", ["--yes"]);
  expect(code, said).toBe(0);
  url = `http://${trial.address("isu1")}`;
  git("init", "-q", "-b", "main");
  await on(`mysql -e "create database notes; use notes; create table note (id int primary key auto_increment, author varchar(20), body varchar(99));
    insert into note (author, body) select concat('a', seq % 50), repeat('n', 60) from seq_1_to_3000"`);
});

test("without a word of how, the load is named and asked for, and nothing is begun", async () => {
  const { code, said } = await bench([]);
  expect(code, said).toBe(2);
  expect(said).toContain(`this asks isu1 (${url}) for GET /, 16 connections`);
  expect(said).toContain("next: add --yes");
  expect(existsSync(join(ownProject, "runs"))).toBe(false);
});

test("a measured run: every figure is alp's and pt-query-digest's, and nothing is left behind", async () => {
  const pid = String((await nspawn.read({ stack: trial.stack, name: "isu1" }))?.leaderPid);
  const queries = join(own, "queries.sh");
  writeFileSync(
    queries,
    `for each in 1 2 3 4 5 6 7 8 9; do mysql notes -e "select count(*) from note where author = 'a$each'; update note set body = 'x$each' where id = $each; select * from note where id in ($each, 7) order by id asc limit 5"; done\n`,
  );
  const load = `for path in / /app.js /missing/12 '/missing/34?x=1' /missing/name; do wrk -t1 -c2 -d1s ${url}$path >/dev/null & done; wait`;
  const before = await on("stat -c %i /var/log/nginx/teams.log");
  // A file of a user's, by a link, that would silence the run's own log.
  const quiet = () => on("stat -c '%F %N %U %a' /etc/nginx/conf.d/quiet.conf /srv/quiet.conf; cat /srv/quiet.conf");
  await on(`printf '  access_log off; # ours\\n' >/srv/quiet.conf; chown www-data /srv/quiet.conf; chmod 640 /srv/quiet.conf
ln -s /srv/quiet.conf /etc/nginx/conf.d/quiet.conf; nginx -s reload`);
  const quietBefore = await quiet();
  const { code, stdout, said } = await bench([
    "--json",
    "--note",
    "first",
    "--",
    `nsenter -t ${pid} --all sh -eu <${queries} >/dev/null; ${load}; echo '{"pass":true,"score":1234}'`,
  ]);
  expect(code, said).toBe(0);
  const [report] = JSON.parse(stdout) as readonly RunReport[];
  expect(report?.entry).toMatchObject({ run: 1, score: 1234, passed: true, kind: "measured", note: "first" });

  const folder = join(ownProject, "runs", trial.stack, "1");
  const raw = (name: string): string => gunzipSync(readFileSync(join(folder, "servers/isu1", name))).toString("latin1");
  const [access, slow] = [join(own, "access.log"), join(own, "slow.log")];
  writeFileSync(access, raw("access.log.gz"), "latin1");
  // pt-query-digest knows no `mariadbd` at the head of a log, and takes it for a part of the first query.
  writeFileSync(slow, raw("slow.log.gz").replace(/^[^#]*/, ""), "latin1");
  const log = new AccessLog();
  for (const line of raw("access.log.gz").split("\n")) log.line(line);
  const ours = log.report();
  expect(ours.requests).toBeGreaterThan(500);
  expect(report?.servers[0]?.access?.requests).toBe(ours.requests);
  expect(ours.endpoints.map(({ pattern }) => pattern).sort()).toEqual(["/", "/app.js", "/missing/*", "/missing/name"]);
  const env = { PATH: `${alpFolder}:${process.env.PATH}` };
  const alp = spawnSync("alp", alpArguments("ltsv", access, ours), { encoding: "utf8", env });
  // alp's least time leaves out requests of 0 s, and is compared where there are none; its sizes of 0 bytes likewise.
  const without = (rows: readonly string[]) =>
    rows
      .map((row) =>
        row
          .split("\t")
          .filter((_, column) => ![8, 15].includes(column))
          .join("\t"),
      )
      .sort();
  expect(without(asAlp(ours)), alp.stderr).toEqual(without(alpRows(alp.stdout)));

  const digest = new SlowLog();
  for (const line of raw("slow.log.gz").split("\n")) digest.line(line);
  const judged = digestClasses(execFileSync("pt-query-digest", digestArguments(slow), { encoding: "utf8", maxBuffer: 1e8 }));
  const exact = (all: readonly { readonly p95: number }[]) => all.map(({ p95: _, ...rest }) => rest);
  expect(exact(asDigest(digest.report()))).toEqual(exact(judged));
  const [server] = report!.servers;
  const counted = server!.slow!.classes.find(({ fingerprint }) => fingerprint === "select count(*) from note where author = ?");
  expect(counted).toMatchObject({ count: 9, rowsExamined: 27_000, database: "notes" });
  expect(server!.explained?.plans.find(({ id }) => id === counted!.id)?.rows[0]).toContain("ALL");
  expect(server!.explained?.indexes).toContainEqual({ table: "note", name: "PRIMARY", columns: "id", values: expect.any(String) });
  expect(server!.samples?.processes.map(({ name }) => name)).toContain("nginx");
  expect(server!.database?.questions.length).toBeGreaterThan(0);
  expect(Math.max(...server!.web!.nginx!.active)).toBeGreaterThan(0);

  expect(await quiet()).toBe(quietBefore);
  await on("rm /etc/nginx/conf.d/quiet.conf /srv/quiet.conf; nginx -s reload");
  expect(await leftOver()).toBe("");
  expect(await on("stat -c %i /var/log/nginx/teams.log")).toBe(before);
  expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("1,234");
});

test("logs that are not like the rest: every figure is alp's and pt-query-digest's", async () => {
  const [access, slow] = [join(own, "odd-access.log"), join(own, "odd-slow.log")];
  writeFileSync(access, oddAccessLog(), "latin1");
  writeFileSync(slow, oddSlowLog());
  const [log, digest] = [new AccessLog(), new SlowLog()];
  await eachLine(access, (line) => log.line(line));
  await eachLine(slow, (line) => digest.line(line));
  const env = { PATH: `${alpFolder}:${process.env.PATH}` };
  const alp = spawnSync("alp", alpArguments("ltsv", access, log.report()), { encoding: "utf8", env });
  expect([...asAlp(log.report())].sort(), alp.stderr).toEqual(alpRows(alp.stdout));
  const judged = digestClasses(execFileSync("pt-query-digest", digestArguments(slow), { encoding: "utf8", maxBuffer: 1e8 }));
  const exact = (all: readonly { readonly p95: number }[]) => all.map(({ p95: _, ...rest }) => rest);
  expect(exact(asDigest(digest.report()))).toEqual(exact(judged));
});

test("samples cost a server less than one percent of a core", async () => {
  const seconds = 6;
  const script = sampler(60, { mysql: true }).text;
  await on(`mkdir -p /var/lib/fleet/measure; ${script}\nsleep ${seconds}`);
  const spent = await on(`pid=$(cat /var/lib/fleet/measure/sampler.pid)
for each in $(ps -o pid= -s $pid); do cat /proc/$each/stat; done | sed 's/.*) //' | awk '{ n += $12 + $13 + $14 + $15 } END { print n }'
kill -- "-$pid"; rm -f /var/lib/fleet/measure/*`);
  expect(Number(spent) / seconds).toBeLessThan(1);
});

test("a benchmark that somebody else starts is noticed, and measured from its first request to its last", async () => {
  trial.edit((fleet) => {
    fleet.bench = { wait: true, quiet: "3s" };
  });
  const running = trial.startBare(["bench", "--score", "77", "--json"]);
  await soon(() => running.said()).toContain("the servers are ready");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const began = Date.now() / 1000;
  spawnSync("wrk", ["-t1", "-c2", "-d2s", `${url}/`]);
  const { code, stdout, said } = await running.done;
  const done = Date.now() / 1000;
  expect(code, said).toBe(0);
  const [report] = JSON.parse(stdout) as readonly RunReport[];
  expect(report?.entry.score).toBe(77);
  // Neither the wait before the load is in it, nor the quiet after it.
  expect(report!.entry.began).toBeGreaterThanOrEqual(began);
  expect(report!.entry.ended).toBeLessThanOrEqual(done - 3);
  expect(report?.servers[0]?.access?.requests).toBeGreaterThan(100);
});

test("Ctrl-C puts everything back, ends with a sentence and 130, and the run takes no number", async () => {
  const running = trial.startBare(["bench", "--", "sleep 60"]);
  await soon(() => on("cat /etc/nginx/conf.d/zz-fleet-measure.conf 2>/dev/null | wc -l; ls /var/lib/fleet/measure")).toContain(
    "sampler.pid",
  );
  running.child.kill("SIGINT");
  const { code, said } = await running.done;
  expect(code, said).toBe(130);
  expect(said).toContain("bench: interrupted");
  expect(await leftOver()).toBe("");
  expect(
    readFileSync(join(ownProject, "runs", trial.stack, "ledger.jsonl"), "utf8")
      .trim()
      .split("\n"),
  ).toHaveLength(2);
});

test("a setting that costs score is found: by compare, and by bisect over the commits that it hides among", async () => {
  const change = (main: Fleet) =>
    trial.edit((fleet) => {
      fleet.bench = { load: { duration: "1s", connections: 4, requests: [{ path: "/app.js" }] } };
      (fleet.params as { nginx: { main: Fleet } }).nginx.main = { accessLogPath: "/var/log/nginx/teams.log", ...main };
    });
  const fair = "limit_req_zone $binary_remote_addr zone=fair:1m rate=200r/s;\nlimit_req zone=fair burst=1000;";
  change({});
  const good = commit("Measure app.js");
  change({ raw: fair });
  const culprit = commit("Be fair to everybody");
  change({ raw: fair, keepaliveTimeout: 70 });
  const bad = commit("Keep connections a little longer");
  const { code, stdout, said } = await trial.bare(["score", "bisect", good, bad]);
  expect(code, said).toBe(0);
  expect(stdout).toContain(`${culprit} Be fair to everybody\n  is the first bad one`);
  expect(git("status", "--porcelain", "--", "stacks")).toBe("");
  const compared = await trial.bare(["score", "compare", good, bad]);
  expect(compared.code, compared.said).toBe(7);
  expect(compared.stdout).toMatch(/^worse \(-[5-9]\d\.\d %, 9\d(\.\d)? % sure\)/);
});

test("a run as it counts: no log, no sample, and so it stays; what changed is told", async () => {
  const { code, said } = await bench(["--final"]);
  expect(code, said).toBe(0);
  expect(said).toContain("final: logs off");
  const before = await on("stat -c %s /var/log/nginx/teams.log");
  spawnSync("wrk", ["-t1", "-c1", "-d1s", `${url}/`]);
  expect(await on("stat -c %s /var/log/nginx/teams.log")).toBe(before);
  expect(await on("cat /etc/nginx/conf.d/zz-fleet-measure.conf")).toBe("access_log off;");
  const { stdout } = await trial.bare(["score"]);
  expect(stdout).toMatch(/final/);
});

test("a bench lab on the database: figures by the second, and nothing of it is left, also where it was killed with its packages half there", async () => {
  const there = () =>
    on(`ls -d /var/lib/fleet/lab 2>/dev/null || true; dpkg-query -W -f '\${Package} \${Status}\n' | sort
mysql -N -B -e "show databases; select user from mysql.user order by 1"; pgrep -a sysbench || true`);
  const before = await there();
  const words = ["lab", "oltp", "isu1", "--rows", "1000", "--ramp", "0", "--threads", "2", "--setting", "max_connections=150,151", "--yes"];
  const { code, stdout, said } = await trial.bare([...words, "--time", "3", "--json"]);
  expect(code, said).toBe(0);
  const lab = JSON.parse(stdout) as Lab;
  expect(lab.passes.map(({ server, setting, job }) => [server, setting, job])).toEqual([
    ["isu1", "max_connections=150", "read-only"],
    ["isu1", "max_connections=151", "read-only"],
  ]);
  for (const { rate, points } of lab.passes) {
    expect(rate).toBeGreaterThan(0);
    expect(points.length).toBeGreaterThanOrEqual(2);
  }
  // What the machine may have, not its host.
  expect(lab.hardware.isu1).toMatchObject({ memory: 1024 ** 3, database: { version: expect.stringContaining("MariaDB") } });
  expect(readFileSync(join(ownProject, "runs", trial.stack, "lab/1/lab.html"), "utf8")).toContain("transactions/s");
  await soon(there).toBe(before);

  const running = trial.startBare([...words, "--time", "60"]);
  await soon(() => on("cat /var/lib/fleet/lab/undo 2>/dev/null || true")).toContain("purge");
  await running.kill();
  await soon(there).toBe(before);
});
