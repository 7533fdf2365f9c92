// What comes after the look: marks, what is back, the verdict and its page, and what a last run wants off. Pure, but for a shell here.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { aliveIn, aliveScript, deadAfter } from "../../operations/retest/alive.ts";
import { noFacts, type RetestFacts } from "../../operations/retest/facts.ts";
import { stepsOn, taking, undoing } from "../../operations/retest/finalize.ts";
import { markText, plant, plantedIn, readBack, remove } from "../../operations/retest/markers.ts";
import { pageOf } from "../../operations/retest/page.ts";
import { shuffled } from "../../operations/retest/retest.ts";
import { isGoodEnough, type Rebooted, type Retest, verdictOf } from "../../operations/retest/verdict.ts";

const before = aliveIn("boot\ta\nservice\tnginx.service\nport\t80\nport\t44001\nanswer\thttp://127.0.0.1:80/\t200\n");

describe("what is back", () => {
  test("services are those that a person meant: running, or the team's own; none that did one thing and ended", () => {
    const shown = [
      ["nginx.service", "running", "enabled", "/lib/systemd/system/nginx.service"],
      ["byhand.service", "running", "disabled", "/lib/systemd/system/byhand.service"],
      ["ldconfig.service", "exited", "static", "/usr/lib/systemd/system/ldconfig.service"],
      ["warm.service", "exited", "enabled", "/etc/systemd/system/warm.service"],
    ].map(([id, sub, state, path]) => `Id=${id}\nSubState=${sub}\nFragmentPath=${path}\nUnitFileState=${state}\n`);
    const fake = `systemctl() { case $1 in show) cat <<'END'\n${shown.join("\n")}END\n;; esac; }\nss() { :; }\n`;
    const { stdout } = spawnSync("sh", { input: `${fake}${aliveScript.text}`, encoding: "utf8" });
    expect(aliveIn(stdout).services).toEqual(["nginx.service", "byhand.service", "warm.service"]);
  });

  test("nothing is missing on a server that is as before, on another boot and with other passing ports", () => {
    expect(deadAfter(before, aliveIn("boot\tb\nservice\tnginx.service\nport\t80\nanswer\thttp://127.0.0.1:80/\t200\n"))).toEqual([]);
  });
  test.for([
    ["boot\tb\nport\t80\nanswer\thttp://127.0.0.1:80/\t200\n", "nginx.service ran before the reboot, and does not now"],
    ["boot\tb\nservice\tnginx.service\nanswer\thttp://127.0.0.1:80/\t200\n", "port 80 was open before the reboot, and is not now"],
    [
      "boot\tb\nservice\tnginx.service\nport\t80\nanswer\thttp://127.0.0.1:80/\t502\n",
      "http://127.0.0.1:80/ answered 200 before the reboot, and 502 now",
    ],
    ["boot\tb\nservice\tnginx.service\nport\t80\n", "http://127.0.0.1:80/ answered 200 before the reboot, and nothing now"],
  ])("%j", ([said = "", sentence]) => {
    expect(deadAfter(before, aliveIn(said))).toEqual([sentence]);
  });
});

describe("marks", () => {
  const mark = "0123456789ab";
  const planted = plantedIn("file\t/var/lib/.fleet-retest\nnoise\nrow\tfleet_retest_0123456789ab\nkey\tfleet:retest\n");

  test("are told by kind and place, and what else is said is none", () => {
    expect(planted.map(markText)).toEqual([
      "file /var/lib/.fleet-retest",
      "row in database fleet_retest_0123456789ab",
      "key in redis fleet:retest",
    ]);
  });

  test("a file that says something else, or is gone, is not read back", () => {
    const own = [
      { kind: "file", place: "/dev/null" },
      { kind: "file", place: "/nowhere" },
    ];
    const { stdout, status } = spawnSync("sh", { input: readBack(mark, own).text, encoding: "utf8" });
    expect([stdout, status]).toEqual(["", 0]);
  });

  test.for([
    ["plant", plant(mark)],
    ["readBack", readBack(mark, planted)],
    ["remove", remove()],
    ["alive", aliveScript],
    ["undoing", undoing],
  ] as const)("%s is shell text that can be read", ([, { text }]) => {
    expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" }).stderr).toBe("");
  });
});

test("an order is random, and all are in it", () => {
  const all = ["a", "b", "c", "d"];
  expect([...shuffled(all)].sort()).toEqual(all);
  expect(shuffled(all, () => 0)).not.toEqual(all);
  expect(shuffled(all, () => 0.999)).toEqual(all);
});

const back: Rebooted = { server: "isu1", seconds: 9, dead: [], drift: [], marks: 2, lost: [] };
const fault = { state: "failure", of: "isu1", what: "sysctl", text: "net.core.somaxconn is 9999", mend: "x" } as const;
const retest = (change: Partial<Retest>): Retest => ({ stack: "team-a", faults: [], rebooted: [back], ...change });

describe("the verdict", () => {
  test.for<readonly [string, Partial<Retest>, string | undefined]>([
    ["all is back", {}, undefined],
    ["a fault that the reboot did not show", { faults: [fault] }, undefined],
    ["lost data", { rebooted: [{ ...back, lost: ["row in database x"] }] }, "isu1: row in database x is gone"],
    ["a dead service", { rebooted: [{ ...back, dead: ["a.service ran before"] }] }, "isu1: a.service ran before"],
    ["a difference that was not there", { rebooted: [{ ...back, drift: ["isu1 nginx: x"] }] }, "isu1: isu1 nginx: x"],
    ["no way back", { rebooted: [{ ...back, error: "did not come back within 300 s" }] }, "isu1: did not come back within 300 s"],
    ["a score that is good enough at the third try", { scores: { before: 1000, after: [undefined, 750, 751] } }, undefined],
    [
      "scores below the floor",
      { scores: { before: 1000, after: [700, undefined, 750] } },
      "after the reboot: 700, failed, 750; expected more than 750, which is 75 % of 1000",
    ],
    ["no score before", { scores: { after: [] } }, "the run before the reboot failed, or had no score"],
    ["no run after", { scores: { before: 1, after: [] } }, "no run after the reboot"],
  ])("%s", ([, change, reason]) => {
    expect(verdictOf(retest(change))).toEqual({ passed: reason === undefined, reasons: reason === undefined ? [] : [reason] });
  });

  test("without a reboot, what is lost by one decides; a warning does not", () => {
    expect(verdictOf({ stack: "team-a", faults: [fault, { ...fault, state: "warning" }] }).reasons).toEqual([
      "isu1: sysctl: net.core.somaxconn is 9999",
    ]);
  });

  test("just 75 % is not enough", () => {
    expect([isGoodEnough(100, 75), isGoodEnough(100, 75.1), isGoodEnough(100, undefined)]).toEqual([false, true, false]);
  });

  test("a server that did not come back was not asked for its marks", () => {
    const { seconds: _, ...gone } = back;
    expect(pageOf(retest({ rebooted: [{ ...gone, error: "did not come back" }] }), new Date(0))).toContain(
      "| isu1 | never | not asked | did not come back |",
    );
  });

  test("its page begins with it, and a server's words are no markup", () => {
    const page = pageOf(
      retest({ faults: [{ ...fault, text: "a | b <i>\n# c" }], rebooted: [{ ...back, lost: ["file /x"] }] }),
      new Date(0),
    );
    expect(page).toMatch(/^# Retest of team-a: failed\n\n1970-01-01 00:00 UTC\n\n- isu1: file \/x is gone\n/);
    expect(page).toContain("| isu1 | 9.0 s | 1 of 2 | - |");
    expect(page).toContain("a \\| b \\<i\\> # c; next: `x`");
  });
});

describe("finalize", () => {
  const rows = (...all: readonly string[]) => all.map((row) => row.split("|"));
  const facts = (change: Partial<RetestFacts>): RetestFacts => ({ ...noFacts, ...change });
  const texts = (change: Partial<RetestFacts>) => stepsOn(facts(change)).map(({ text }) => text);

  test("nothing is done where nothing is on", () => {
    expect(
      texts({ mysql: rows("live|slow_query_log|OFF", "file|slow_query_log|0"), units: [{ Id: "app.service", ActiveState: "active" }] }),
    ).toEqual([]);
  });

  test("logs that are on, or that a boot would switch on, go off", () => {
    expect(texts({ mysql: rows("live|slow_query_log|ON", "live|general_log|OFF", "file|general_log|1") })).toEqual([
      "switch the database's slow log off",
      "keep the general log off after a reboot, by a file of its own (zzz-fleet-final.cnf)",
    ]);
  });

  test("what a measured run left ends, and has no way back", () => {
    expect(stepsOn(facts({ measuring: rows("sampler|7") }))).toEqual([expect.not.objectContaining({ undo: expect.anything() })]);
  });

  test("an agent comes back as it was", () => {
    const undo = (change: Record<string, string>) => taking(stepsOn(facts({ units: [{ Id: "netdata.service", ...change }] }))).text;
    const way = (steps: string) =>
      `'unit_relink netdata.service' "$(unit_link netdata.service)" '; if known netdata.service; then ${steps}; fi' >>`;
    expect(undo({ ActiveState: "active", UnitFileState: "disabled" })).toContain(way(":; systemctl start netdata.service"));
    expect(undo({ ActiveState: "active", UnitFileState: "enabled" })).toContain(
      way("unit_enable netdata.service; systemctl start netdata.service"),
    );
  });

  test("what a restart would end is kept: services that run, SET GLOBAL, redis' keys; agents go all the same", () => {
    const running = (Id: string) => ({ Id, ActiveState: "active", UnitFileState: "disabled" });
    const change = {
      units: [running("app.service"), running("netdata.service")],
      mysql: rows("set|max_connections|500|151", "set|init_connect|a'; rm -rf /|", "set|slow_query_log|ON|OFF"),
      redis: rows("save|", "appendonly|no", "keys|12"),
    };
    expect(texts(change)).toEqual([
      "stop and disable netdata.service",
      "enable app.service, which runs and would not after a reboot",
      "keep what was set by SET GLOBAL (max_connections = 500), by a file of its own (zzz-fleet-kept.cnf)",
      "have redis write its log (appendonly): its 12 keys would be gone after a reboot",
    ]);
    const { text } = taking(stepsOn(facts(change)));
    expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" }).stderr).toBe("");
    expect(texts({ redis: rows("save|3600 1", "appendonly|no", "keys|12") })).toEqual([]);
  });

  test("the way back is written before each step, and the last step goes back first", () => {
    const steps = [
      { text: "a", run: "echo a", undo: "echo undo 'a'" },
      { text: "b", run: "echo b", undo: "echo undo b" },
    ];
    const { text } = taking(steps);
    expect(text.indexOf("undo b")).toBeLessThan(text.indexOf("\necho b"));
    expect(text.indexOf("undo '\\''a'\\'''")).toBeLessThan(text.indexOf("\necho a"));
    expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" }).stderr).toBe("");
    expect(undoing.text).toContain("tac ");
  });
});
