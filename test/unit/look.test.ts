// A look at a server and what is made of it: the screen of status, and the doctor's findings with what mends them.
import { describe, expect, test } from "vitest";
import { findingText, goneFinding } from "../../cli/commands/doctor.ts";
import { screen, span } from "../../cli/status-screen.ts";
import { accountFindings } from "../../operations/doctor/accounts.ts";
import { hereFindings, lastRun } from "../../operations/doctor/here.ts";
import { serverFindings } from "../../operations/doctor/server.ts";
import type { FleetServer } from "../../operations/fleet-up.ts";
import type { HistoryEntry } from "../../operations/history/entry.ts";
import { foundIn, isRight, staysOff } from "../../operations/look/found.ts";
import { asDeployed, lookAt, type Seen } from "../../operations/look/look.ts";
import { lookScript, wantedOf } from "../../operations/look/script.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { openShell } from "../../provisioners/ssh/session.ts";
import { startSshd } from "../support/sshd.ts";

const connection = { name: "isu1", address: "203.0.113.1", port: 22, user: "isucon", hostKey: "" };
const server: FleetServer = {
  name: "isu1",
  roles: ["base", "app"],
  connection,
  facts: {},
  wants: { app: { "service[go.service]": {}, "git[/home/isucon/it's]": {}, "file[/x]": {} } },
  undone: [],
  remembered: [],
};

const said = [
  "now\t1764432000.5",
  "up\t15780.20",
  "load\t3.50\t2",
  "memory\tMemTotal:\t4096000",
  "memory\tMemAvailable:\t1024000",
  "disk\t/\t20971520\t18874368\t2097152",
  "broken\tcron.service",
  "service\tgo.service\tfailed\tenabled",
  "commit\t/home/isucon/it's\tabc1234\t1764431000\tFix\u001b[31m the index",
  "lock\tbo@desk\tstack team-a\t2026-11-29T10:00:00Z",
  "reboot\tlinux-image-amd64 ",
  "package\trsync",
  "dns\town\tisu1",
  "dns\tdeb.debian.org\t192.0.2.1 ",
  "certificate\t/etc/ssl/a.crt\tDec  5 12:00:00 2025 GMT",
  "ntp\tCanNTP=yes",
  "ntp\tNTP=no",
  "left\t/home/isucon/webapp.fleet-new",
].join("\n");

const well = [
  "now\t1764432000",
  "up\t60",
  "load\t0.10\t2",
  "memory\tMemTotal:\t4096000",
  "memory\tMemAvailable:\t3000000",
  "disk\t/\t20971520\t2900000\t18000000",
].join("\n");
const seen = (text: string, ahead = 0): Seen => ({ ...foundIn(text), ahead });

test("what the stack wants there is asked for, quoted", () => {
  expect(wantedOf(server)).toEqual({ services: ["go.service"], off: [], checkouts: ["/home/isucon/it's"] });
  expect(lookScript(server).text).toContain(`-C '/home/isucon/it'\\''s' log`);
});

test("off is what is wanted not to run, whoever else has it hear of changes", () => {
  const of = (...wants: object[]) =>
    wantedOf({ wants: Object.fromEntries(wants.map((want, index) => [String(index), { "service[a.service]": want }])) }).off;
  const [off, keep, on] = [
    { enabled: false, running: false },
    { enabled: true, running: true, keep: true },
    { enabled: true, running: true },
  ];
  expect([of(off), of(keep, off), of({ ...on, masked: true }), of(on), of(keep), of(off, on)]).toEqual([
    ["a.service"],
    ["a.service"],
    ["a.service"],
    [],
    [],
    [],
  ]);
});

test("a service that its socket starts runs as wanted, also while nobody has come yet", () => {
  const rows = (...more: string[]) => foundIn(["service\tssh.service\tinactive\tdisabled", ...more].join("\n")).services;
  const [alone] = rows();
  const [listens] = rows("socket\tssh.service\tenabled\tactive");
  const [once] = rows("socket\tssh.service\tdisabled\tactive");
  // As Debian's ssh.socket while somebody has started the service by hand: a boot has the socket listen.
  const [silent] = rows("socket\tssh.service\tenabled\tinactive");
  expect([alone, listens, once, silent].map((each) => [isRight(each!), staysOff(each!)])).toEqual([
    [false, true],
    [true, false],
    [true, true],
    [false, false],
  ]);
  const failed = foundIn("service\tssh.service\tfailed\tdisabled\nsocket\tssh.service\tenabled\tactive").services;
  expect(failed.map(isRight)).toEqual([false]);
  const row = { server, undone: [], seen: { ...seen(well), services: [listens!] } };
  expect(screen("team-a", [row], undefined)).toContain("ssh by its socket");
  expect(
    serverFindings(
      { ...seen(well), services: [listens!] },
      { stack: "team-a", server: "isu1", now: new Date(), me: "me", undone: [] },
    ).find(({ what }) => what === "services"),
  ).toMatchObject({
    state: "ok",
  });
});

test.for([
  ["/\t1000\t310\t690", 0.31],
  ["/\t1000\t310\t440", 0.42],
  ["/\t1000\t0\t0", 0],
  ["/\t1000\t901\t99", 0.91],
] as const)("a disk is as full as df says, whatever its filesystem keeps back: %s", ([row, used]) => {
  expect(foundIn(`disk\t${row}`).disks[0]?.used).toBe(used);
});

test("what was found, terminal escapes taken out", () => {
  expect(foundIn(said)).toEqual({
    now: 1764432000.5,
    upSeconds: 15780.2,
    load: 3.5,
    cores: 2,
    memoryMiB: 4000,
    memoryUsed: 0.75,
    disks: [{ place: "/", sizeGB: 20, used: 0.9 }],
    services: [{ unit: "go.service", active: "failed", enabled: "enabled" }],
    broken: ["cron.service"],
    commits: [{ path: "/home/isucon/it's", id: "abc1234", at: "2025-11-29T15:43:20.000Z", subject: "Fix the index" }],
    lock: { who: "bo@desk", what: "stack team-a", since: "2026-11-29T10:00:00Z" },
    rebootFor: "linux-image-amd64",
    halfInstalled: ["rsync"],
    unresolved: ["own", "deb.debian.org"],
    certificates: [{ path: "/etc/ssl/a.crt", until: "2025-12-05T12:00:00.000Z" }],
    clock: "left",
    leftovers: ["/home/isucon/webapp.fleet-new"],
  });
});

test("who deployed what runs, and what went back; a record of something else that runs by now says nothing", () => {
  const [commit, other] = ["abc1234".padEnd(40, "0"), "fff0000".padEnd(40, "0")];
  const record = { at: "2026-11-29T10:00:00.000Z", who: "bo@desk", what: "deploy", ref: "main", subject: "x", commit, before: other };
  const of = (more: object) =>
    foundIn(
      `commit\t/home/isucon/it's\tabc1234\t1764431000\tFix\ndeployed\t/home/isucon/it's\t${JSON.stringify({ ...record, result: "done", ...more })}`,
    ).commits[0]?.deployed;
  expect(of({})).toEqual({ at: record.at, who: "bo@desk", commit, result: "done" });
  expect(of({ anyway: "as before lunch" })).toMatchObject({ anyway: "as before lunch" });
  expect(of({ commit: other, before: commit })).toBeUndefined();
  expect(of({ commit: other, before: commit, result: "back" })).toMatchObject({ commit, result: "back" });
  expect(lookScript(server).text).toContain("/home/isucon/it'\\''s/.git/fleet-deploys");
});

test("what was deployed since the last run is no difference, and nothing else is changed for it", () => {
  const resources = { "git[/srv/a]": { path: "/srv/a", ref: "main" }, "file[/x]": { path: "/x" } };
  const one = { urn: "u", type: "fleet:index:Role", id: "i", inputs: { host: "isu1", resources }, outputs: { resources } };
  const deployed = { at: "", who: "bo", commit: "f".repeat(40), result: "done" as const };
  const commit = { path: "/srv/a", id: "fffffff", at: "", subject: "" };
  const [after] = asDeployed([one], [{ ...commit, deployed }]);
  expect(after?.inputs.resources).toEqual({ ...resources, "git[/srv/a]": { path: "/srv/a", ref: deployed.commit } });
  expect(after?.outputs.resources).toEqual(after?.inputs.resources);
  expect(asDeployed([one], [commit, { ...commit, path: "/srv/b", deployed }])).toEqual([one]);
});

test("a look over a real connection finds this computer", async () => {
  const sshd = await startSshd();
  const shell = await openShell(sshd.connection);
  const here = await lookAt({ ...server, connection: sshd.connection }, shell, new AbortController().signal, { thorough: true });
  expect([here.cores > 0, here.memoryMiB > 0, here.upSeconds > 0, Math.abs(here.ahead) < 2]).toEqual([true, true, true, true]);
  expect(here.disks.map(({ place }) => place)).toContain("/");
  expect(here.services).toMatchObject([{ unit: "go.service" }]);
  expect(here.commits).toEqual([]);
  await shell.close();
  await sshd.stop();
});

describe("the screen", () => {
  const now = new Date("2025-11-29T16:00:00Z");

  test("has what counts, and says what is wrong", () => {
    const rows = [
      { server, seen: seen(said), undone: ["app: command[build] failed"], drift: ["isu1 app: file[/x]", "isu1 app: file[/y]"] },
      { server: { ...server, name: "isu20" }, error: "`203.0.113.9:22` refused the connection\nas somebody said\n", undone: [] },
      { server: { ...server, name: "isu3" }, seen: seen(well), undone: [], drift: [] },
    ];
    expect(screen("team-a", rows, undefined, {}, now).split("\n").slice(1)).toEqual([
      "isu1   up 4 h 23 min  load 3.50 on 2 cores  memory 75 % of 3.9 GiB  disk / 90 %",
      "       go failed",
      "       cron.service failed",
      "       it's abc1234 Fix the index (16 min old)",
      "       bo@desk is at work: stack team-a",
      "       app: command[build] failed",
      "       differs: app: file[/x], and 1 more",
      "isu20  `203.0.113.9:22` refused the connection",
      "       as somebody said",
      "isu3   up 1 min  load 0.10 on 2 cores  memory 27 % of 3.9 GiB  disk / 14 %",
      "       as the last run left it",
    ]);
  });

  test("says of a server that was drained what it gets", () => {
    const line = (share?: number) =>
      screen(
        "team-a",
        [{ server, seen: seen(well), undone: [], drift: [], ...(share !== undefined && { share }) }],
        undefined,
        {},
        now,
      ).split("\n")[2];
    expect([line(0), line(30)]).toEqual([expect.stringContaining("gets no new requests"), expect.stringContaining("gets 30 % of")]);
    expect([line(100), line()]).toEqual([expect.not.stringContaining("gets"), expect.not.stringContaining("gets")]);
  });

  test("has what was measured last", () => {
    const run = {
      run: 7,
      began: 0,
      ended: Date.parse("2025-11-29T15:56:00Z") / 1000,
      kind: "final",
      who: "ada@laptop",
      commit: "3f9c0a1",
    } as const;
    const second = (more: object) => screen("team-a", [], undefined, { measured: { ...run, passed: true, ...more } }, now).split("\n")[1];
    expect(second({ score: 12_340 })).toBe("last bench: 12,340 points, run 7 by ada@laptop at 3f9c0a1, 4 min ago");
    expect(second({ score: 12_340, passed: false })).toBe("last bench: failed, run 7 by ada@laptop at 3f9c0a1, 4 min ago");
  });

  test.for([
    [0, "0 s"],
    [12.9, "12 s"],
    [60, "1 min"],
    [3600, "1 h"],
    [15_780, "4 h 23 min"],
    [90_000, "1 d 1 h"],
  ] as const)("%d seconds are %s", ([seconds, expected]) => {
    expect(span(seconds)).toBe(expected);
  });
});

describe("a service that the stack wants off", () => {
  const place = { stack: "team-a", server: "isu1", now: new Date("2025-11-29T16:00:00Z"), undone: [], me: "ada@laptop" };
  const told = (active: string, enabled: string) => {
    const found = foundIn(`${well}\nservice\tnotes.service\t${active}\t${enabled}`, ["notes.service"]);
    const finding = serverFindings({ ...found, ahead: 0 }, place).find(({ what }) => what === "services");
    const row = screen("team-a", [{ server, seen: { ...found, ahead: 0 }, undone: [] }], undefined, {}, place.now).split("\n")[2];
    return [found.services.every(isRight), `${finding?.state}: ${finding?.text}`, row?.trim()];
  };

  test.for([
    ["inactive", "disabled"],
    ["inactive", "masked"],
    ["failed", "disabled"],
    ["inactive", "not-found"],
  ] as const)("is right where it is %s and %s", ([active, enabled]) => {
    const text = "ok: none that the stack wants, and none that failed; off as wanted: notes.service";
    expect(told(active, enabled)).toEqual([true, text, "notes off"]);
  });

  test("when the stack goes stands below its name; never is no news", () => {
    const now = new Date("2026-11-29T10:00:00Z");
    const second = (expiresAt?: string) => screen("team-a", [], undefined, { expiresAt }, now).split("\n")[1];
    expect([second(), second("never"), second("2026-11-30T09:00:00Z"), second("2026-11-29T09:00:00Z")]).toEqual([
      undefined,
      undefined,
      "goes in 23 h (2026-11-30T09:00:00Z)",
      "over since 2026-11-29T09:00:00Z: ./fleet down, or move target.expiresAt",
    ]);
  });

  test("is the failure where it runs, also where it crashes and comes back", () => {
    const text = "failure: notes.service runs, which the stack wants off";
    expect(told("active", "enabled")).toEqual([false, text, "notes active, wanted off"]);
    expect(told("activating", "disabled")).toEqual([false, text, "notes activating, wanted off"]);
  });

  test("is warned of where only a reboot would start it", () => {
    expect(told("inactive", "enabled")).toEqual([
      true,
      "warning: notes.service would run after a reboot, which the stack wants off",
      "notes off",
    ]);
  });
});

describe("the doctor", () => {
  const place = { stack: "team-a", server: "isu1", now: new Date("2025-11-29T16:00:00Z"), undone: [], me: "ada@laptop" };
  const lines = (found: Seen, more = {}) =>
    serverFindings(found, { ...place, ...more }).map(({ state, what, text }) => `${state} ${what}: ${text}`);

  test("finds nothing on a server that is well", () => {
    expect(new Set(serverFindings(seen(well), place).map(({ state }) => state))).toEqual(new Set(["ok"]));
  });

  test("names each thing that is not well, with the command that mends it", () => {
    expect(lines(seen(said, -40.26), { undone: ["app: command[build] failed"] })).toEqual([
      "failure clock: 40.3 s behind this computer's",
      "warning disk: / is 90 % full (20 GB)",
      "ok memory: 75 % of 4000 MiB used",
      "failure services: go.service does not run",
      "failure packages: half installed: rsync",
      "warning dns: does not know its own name: sudo waits for an answer at each call",
      "warning reboot: needed for linux-image-amd64",
      "warning certificate: /etc/ssl/a.crt ends 2025-12-05",
      "warning operators: bo@desk is at work: stack team-a, since 2026-11-29T10:00:00Z",
      "failure last run: app: command[build] failed",
      "warning last run: /home/isucon/webapp.fleet-new was left by a run that was cut short",
    ]);
    const all = serverFindings(seen(said, -40), place);
    expect(all.filter(({ state, mend, advice }) => state !== "ok" && mend === undefined && advice === undefined)).toEqual([]);
    expect(all.filter(({ fix }) => fix !== undefined).map(({ what }) => what)).toEqual(["clock", "packages"]);
  });

  test("tells what a server said in several lines below its own word", () => {
    const finding = { state: "failure", of: "isu1", what: "reach", text: "no answer\nkex: none\n", mend: "./fleet ssh isu1" } as const;
    expect(findingText(finding).split("\n")).toEqual([
      "  failure  reach: no answer",
      "           kex: none",
      "           next: ./fleet ssh isu1",
    ]);
  });

  test("takes a lock of our own for no second operator", () => {
    expect(lines(seen(said), { me: "bo@desk" })).toContain("ok operators: bo@desk is at work: stack team-a, since 2026-11-29T10:00:00Z");
  });

  test.for([
    ["2025-11-30", "failure"],
    ["2025-12-10", "warning"],
    ["2026-03-01", "ok"],
  ] as const)("a certificate until %s is a %s", ([until, state]) => {
    const text = `${well}\ncertificate\t/a.crt\t${until}T12:00:00Z`;
    expect(serverFindings(seen(text), place).find(({ what }) => what === "certificate")?.state).toBe(state);
  });

  test("of accounts: where the members' keys come from, AWS, the backend", async () => {
    const plan = {
      people: [{ github: "ada" }, { github: "bo" }],
      spec: { keyUrl: "https://keys/{user}.keys" },
    } as unknown as FleetPlan;
    const asked: string[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      return new Response("", { status: url.includes("ada") ? 200 : 404 });
    };
    const found = await accountFindings("team-a", plan, { admit: () => Promise.reject(new Error("ExpiredToken")), fetch });
    expect(found.map(({ state, what, text }) => `${state} ${what} ${text}`)).toEqual([
      expect.stringMatching(/^ok backend answers: .*history$/),
      "failure account ExpiredToken",
      "warning members no keys from where they come from: bo: 404; the state's stay",
    ]);
    expect(asked).toEqual(["https://keys/ada.keys", "https://keys/bo.keys"]);
  });

  test("a stack that is down is no failure; one that can't be opened is", () => {
    expect(goneFinding("team-a", { why: "x", down: true })).toMatchObject({ state: "ok", text: "team-a is not up: no server to look at" });
    expect(goneFinding("team-a", { why: "x", down: false })).toMatchObject({ state: "failure", text: "x" });
  });

  test("how the last run ended, that of the fleet rather than somebody's question", () => {
    const entry = (what: string, result: HistoryEntry["result"]) =>
      ({ what, result, who: "ada@laptop", summary: "isu1 failed" }) as HistoryEntry;
    const told = (...entries: HistoryEntry[]) => {
      const { state, text, mend } = lastRun("no-such-stack", entries);
      return [state, text, mend];
    };
    expect(told()).toEqual(["ok", "came to its end", undefined]);
    expect(told(entry("down", "done"), entry("up", "failed"))).toEqual(["ok", "came to its end", undefined]);
    const failed = ["failure", "up by ada@laptop failed: isu1 failed", "./fleet up no-such-stack"];
    expect(told(entry("up", "failed"))).toEqual(failed);
    expect(told(entry("run", "done"), entry("up", "failed"))).toEqual(failed);
    expect(told(entry("run", "failed"), entry("up", "done"))).toEqual(["ok", "came to its end", undefined]);
    const cut = ["warning", "down by ada@laptop was interrupted: isu1 failed", "./fleet down no-such-stack"];
    expect(told(entry("down", "interrupted"))).toEqual(cut);
    expect(told(entry("deploy", "failed"))).toEqual([
      "warning",
      "deploy by ada@laptop failed: isu1 failed",
      "./fleet history -s no-such-stack",
    ]);
  });

  test("of this computer: a stack file with a problem is one, and nobody else is at work", async () => {
    const found = await hereFindings("no-such-stack");
    expect(found.find(({ what }) => what === "stack file")).toMatchObject({ state: "failure", mend: "./fleet check no-such-stack" });
    expect(found.find(({ what }) => what === "operators")).toMatchObject({ state: "ok" });
    expect(found.find(({ what }) => what === "ssh")).toMatchObject({ state: "ok" });
  });
});
