// Logs of many servers as one: sources, times, the order of entries, and no line lost or told twice when a connection breaks or a file is rotated.
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Logs } from "../../operations/logs/logs.ts";
import { Latest, Merge } from "../../operations/logs/merge.ts";
import { type Entry, isHousekeeping, LogReader } from "../../operations/logs/reader.ts";
import { followScript } from "../../operations/logs/script.ts";
import { sourcesOf } from "../../operations/logs/sources.ts";
import { offsetIn, sinceIn, timeIn } from "../../operations/logs/times.ts";
import { openShell } from "../../provisioners/ssh/session.ts";
import { type Sshd, startSshd } from "../support/sshd.ts";

const at = (text: string): number => Date.parse(text);

describe("when a line was written", () => {
  test.for([
    ['203.0.113.1 - - [29/Nov/2026:16:04:11 +0900] "GET / HTTP/1.1" 200', "2026-11-29T07:04:11Z"],
    ["time:2026-11-29T16:04:11+09:00\thost:x", "2026-11-29T07:04:11Z"],
    ["2026/11/29 16:04:11 [error] 12#12: no", "2026-11-29T07:04:11Z"],
    ["2026-11-29 16:04:11 0 [Note] InnoDB", "2026-11-29T07:04:11Z"],
    ["2026-11-29T07:04:11.250417Z 8 Connect", "2026-11-29T07:04:11.250Z"],
    ['{"time":"2026-11-29T16:04:11.5+09:00"}', "2026-11-29T07:04:11.500Z"],
    ["[29-Nov-2026 16:04:11] NOTICE: ready to handle connections", "2026-11-29T07:04:11Z"],
    ["[29-Nov-2026 07:04:11 UTC] PHP Warning:  Undefined variable", "2026-11-29T07:04:11Z"],
    ["[29-Nov-2026 16:04:11 Asia/Tokyo] PHP Warning:  Undefined variable", "2026-11-29T07:04:11Z"],
    ["812:M 29 Nov 2026 16:04:11.250 * Ready to accept connections", "2026-11-29T07:04:11.250Z"],
  ] as const)("%s", ([line, expected]) => {
    expect(timeIn(line, offsetIn("+0900"))).toBe(at(expected));
  });

  test("is not said by every line", () => {
    for (const line of ["  at main (app.js:3)", "id 12026-11-29 10:00:00x", "29/Foo/2026:16:04:11 +0000", "[29-Foo-2026 16:04:11] x", ""])
      expect(timeIn(line, 0)).toBeUndefined();
  });

  test("what people write for a time", () => {
    const now = new Date(2026, 10, 29, 0, 10);
    const seconds = now.getTime() / 1000;
    expect(sinceIn("10m", now)).toBe(seconds - 600);
    expect(sinceIn("2 hours ago", now)).toBe(seconds - 7200);
    expect(sinceIn("00:05", now)).toBe(seconds - 300);
    expect(sinceIn("23:50", now)).toBe(seconds - 1200);
    expect(sinceIn("2026-11-29", now)).toBe(seconds - 600);
    expect(sinceIn("2026-11-29 00:09", now)).toBe(seconds - 60);
    for (const wrong of ["yesterday", "10", "25 lightyears", "2026-13-40"]) expect(sinceIn(wrong, now)).toBeUndefined();
  });
});

test("sources: of roles their services and files, else the whole journal and all roles' files", () => {
  const server = {
    roles: ["base", "nginx", "app"],
    wants: { nginx: { "service[nginx.service]": {}, "file[/x]": {} }, app: { "service[go.service]": {} } },
  };
  const none = { units: [], roles: [], files: [] };
  expect(sourcesOf(server, none)).toEqual({ units: [], files: ["/var/log/nginx/*.log"] });
  expect(sourcesOf(server, { ...none, roles: ["nginx"] })).toEqual({ units: ["nginx.service"], files: ["/var/log/nginx/*.log"] });
  expect(sourcesOf(server, { ...none, roles: ["app"] })).toEqual({ units: ["go.service"], files: [] });
  expect(sourcesOf(server, { ...none, files: ["/a"] })).toEqual({ units: undefined, files: ["/a"], named: { units: [], files: ["/a"] } });
});

describe("a reader", () => {
  const reading = () => {
    const entries: Entry[] = [];
    const reader = new LogReader(
      "isu1",
      (entry) => entries.push(entry),
      () => 5,
    );
    return { entries, reader, feed: (text: string) => reader.feed(Buffer.from(text)) };
  };

  test("takes the journal's entries, bytes and lines in one of them, and remembers the last cursor", () => {
    const { entries, reader, feed } = reading();
    const entry = (fields: object) =>
      `${JSON.stringify({ __REALTIME_TIMESTAMP: "1764432000000000", __CURSOR: "s=1", _SYSTEMD_UNIT: "a.service", PRIORITY: "3", ...fields })}\n`;
    feed('@Z+0000\n@C{"__CURSOR":"s=0"}\n');
    expect(reader.follow().cursor).toBe("s=0");
    feed(entry({ MESSAGE: "one\ntwo" }));
    feed(entry({ MESSAGE: [104, 105, 27, 91, 50, 74] }).slice(0, 20));
    feed(`${entry({ MESSAGE: [104, 105, 27, 91, 50, 74] }).slice(20)}${entry({ MESSAGE: null, __CURSOR: "s=2" })}{broken\n`);
    expect(entries.map(({ text }) => text)).toEqual(["one", "two", "hi", "(a message too long to be shown)", "{broken"]);
    expect(entries[0]).toEqual({ time: 1764432000000, server: "isu1", source: "a.service", text: "one", priority: 3 });
    expect(reader.follow().cursor).toBe("s=2");
  });

  test("counts a file's bytes as they are, whatever is shown of them; lines without a time belong to the one before", () => {
    const { entries, reader, feed } = reading();
    feed("@Z+0000\n@F7\t100\t/log\n0:2026-11-29 10:00:00 old\n");
    expect(reader.follow().files).toEqual([{ path: "/log", inode: "7", offset: 100 }]);
    const long = "x".repeat(20_000);
    feed(`@B\n0:2026-11-29 10:00:01 é\u001b[31m\n0:  at x\n0:${long}\n`);
    expect(reader.follow().files[0]!.offset).toBe(100 + Buffer.byteLength(`2026-11-29 10:00:01 é\u001b[31m\n  at x\n${long}\n`));
    expect(entries.map(({ time }) => time)).toEqual(["00", "01", "01", "01"].map((second) => at(`2026-11-29T10:00:${second}Z`)));
    expect(entries[1]!.text).toBe("2026-11-29 10:00:01 é");
    expect(entries[3]!.text).toHaveLength(8193);
    reader.complaint("tail: '/log' has been replaced;  following new file");
    expect(reader.follow().files).toEqual([{ path: "/log", inode: "", offset: 0 }]);
  });

  test("the fleet's own logins are housekeeping, an application's words are not", () => {
    const of = (source: string, text = "") => isHousekeeping({ time: 0, server: "isu1", source, text });
    expect(["ssh.service", "session-12.scope", "sudo", "user@1000.service"].map((source) => of(source))).toEqual([true, true, true, true]);
    expect([of("isuride-go.service"), of("nginx.service"), of("systemd", "Started nginx.service")]).toEqual([false, false, false]);
  });
});

describe("merged", () => {
  const entry = (time: number, server = "isu1"): Entry => ({ time, server, source: "a", text: "" });

  test("by time, once an earlier one could have come; one that comes late comes late", () => {
    let now = 1000;
    const out: number[] = [];
    const merge = new Merge(
      ({ time }) => out.push(time),
      () => now,
    );
    merge.add(entry(30));
    merge.add(entry(10, "isu2"));
    merge.due();
    expect(out).toEqual([]);
    now += 500;
    merge.add(entry(20));
    merge.due();
    expect(out).toEqual([10, 20, 30]);
    merge.add(entry(5));
    merge.end();
    expect(out).toEqual([10, 20, 30, 5]);
  });

  test("keeps no more than it has room for", () => {
    let given = 0;
    const merge = new Merge(
      () => given++,
      () => 0,
    );
    for (let index = 0; index < 100_000; index++) merge.add(entry(index));
    expect(given).toBeGreaterThan(70_000);
    merge.end();
    const latest = new Latest(10);
    for (let index = 0; index < 95; index++) latest.add(entry(index));
    expect(latest.take().map(({ time }) => time)).toEqual([85, 86, 87, 88, 89, 90, 91, 92, 93, 94]);
    expect(latest.dropped).toBe(85);
  });
});

describe("over a real connection", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());

  test("what was written until now, then what is written: rotated, truncated, and over a connection that broke", async () => {
    const file = join(sshd.directory, "a b'.log");
    writeFileSync(file, "one\ntwo\nthree\n");
    const texts: string[] = [];
    const reader = new LogReader("isu1", ({ text }) => texts.push(text));
    const { backScript } = await import("../../operations/logs/script.ts");
    const sources = { units: undefined, files: [join(sshd.directory, "*.log")] };
    const shell = await openShell(sshd.connection);
    await shell.run(backScript(sources, { lines: 2 }), { onBytes: (bytes) => reader.feed(bytes) });
    expect(texts).toEqual(["two", "three"]);
    const follow = async () => {
      const link = await openShell(sshd.connection);
      const hear = { onBytes: (bytes: Buffer) => reader.feed(bytes), onErrorLine: (line: string) => reader.complaint(line) };
      const ended = link.run(followScript(sources, reader.follow()), hear).catch(() => {});
      return { lose: async () => [await link.close(), await ended] };
    };
    appendFileSync(file, "four\n");
    const first = await follow();
    appendFileSync(file, "five\n");
    await expect.poll(() => texts.at(-1)).toBe("five");
    await first.lose();
    appendFileSync(file, "six\n");
    const second = await follow();
    await expect.poll(() => texts.at(-1)).toBe("six");
    renameSync(file, `${file}.1`);
    writeFileSync(file, "seven\n");
    await expect.poll(() => texts.at(-1)).toBe("seven");
    await second.lose();
    expect(texts).toEqual(["two", "three", "four", "five", "six", "seven"]);
    await shell.close();
  });

  test("many lines are merged, trimmed to the last of each source, and a server that does not answer is named", async () => {
    const file = join(sshd.directory, "access.log");
    writeFileSync(
      file,
      Array.from({ length: 500 }, (_, index) => `2026-11-29T10:00:00.${String(index).padStart(3, "0")}Z ${index}\n`).join(""),
    );
    const [texts, words]: [string[], string[]] = [[], []];
    const server = { name: "isu1", roles: [], facts: {}, wants: {}, undone: [], remembered: [], connection: sshd.connection };
    const gone = { ...server, name: "isu2", connection: { ...sshd.connection, name: "isu2", port: 1 } };
    const logs = new Logs([server, gone], {
      wish: { units: [], roles: [], files: [file] },
      back: { lines: 3 },
      keep: ({ text }) => text.endsWith("0"),
      onEntry: ({ text }) => texts.push(text.split(" ")[1]!),
      onWord: (name, word) => words.push(`${name}: ${word}`),
    });
    expect(await logs.back()).toEqual({ unasked: ["isu2"], nowhere: [], empty: false });
    expect(texts).toEqual(["470", "480", "490"]);
    expect(words).toEqual([expect.stringContaining("isu2: `127.0.0.1:1` refused the connection")]);
    await logs.close();
  });

  test.each([
    { there: true, empty: false },
    { there: false, empty: true },
  ])("what was asked for by name and is not there is told of each server; the rest is there: $there", async ({ there, empty }) => {
    const file = join(sshd.directory, "it's there.log");
    writeFileSync(file, "one\n");
    const [texts, words]: [string[], string[]] = [[], []];
    const server = { name: "isu1", roles: [], facts: {}, wants: {}, undone: [], remembered: [], connection: sshd.connection };
    const other = { ...server, name: "isu2", connection: { ...sshd.connection, name: "isu2" } };
    const files = [...(there ? [file] : []), "/nonexistent/*.log"];
    const logs = new Logs([server, other], {
      wish: { units: ["nosuch-of-tests"], roles: [], files },
      back: { lines: 3 },
      keep: () => true,
      onEntry: ({ text }) => texts.push(text),
      onWord: (name, word) => words.push(`${name}: ${word}`),
    });
    const nowhere = ["unit nosuch-of-tests", "file /nonexistent/*.log"];
    expect(await logs.back()).toEqual({ unasked: [], nowhere, empty });
    expect(words).toEqual(["isu1", "isu2"].flatMap((name) => nowhere.map((each) => `${name}: has no ${each}`)));
    expect(texts).toEqual(there ? ["one", "one"] : []);
    await logs.close();
  });
});
