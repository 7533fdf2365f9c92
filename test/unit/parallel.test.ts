// Many teams at once: one line each, failures told at the end and remembered, never more at once than asked for.
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { failedBefore, remember, runMany } from "../../cli/parallel.ts";
import { Board } from "../../cli/progress-table.ts";
import { chosen, meantBy, selected, single } from "../../cli/select-stacks.ts";
import { EventLog } from "../../pulumi/event-log.ts";
import { ownProject } from "../support/own.ts";

const names = ["handed-out", "team-a", "team-b", "team-x"];
const none = { all: false, onlyFailed: false, parallel: 2 };

describe("stacks", () => {
  test.for([
    [[], names],
    [["team-*"], ["team-a", "team-b", "team-x"]],
    [
      ["team-?", "!team-x"],
      ["team-a", "team-b"],
    ],
    [["!team-*"], ["handed-out"]],
    [
      ["team-b", "team-a", "team-b"],
      ["team-a", "team-b"],
    ],
  ] as const)("%j are %j", ([patterns, expected]) => {
    expect(chosen(patterns, names)).toEqual(expected);
  });

  test("without a name, the one that FLEET_STACK means; what is typed goes before it", () => {
    expect([meantBy([], "team-b"), meantBy(["team-*"], "team-b"), meantBy(["!team-x"], "team-b")]).toEqual([
      ["team-b"],
      ["team-*"],
      ["!team-x"],
    ]);
    expect(chosen(meantBy([], ""), names)).toEqual(names);
    vi.stubEnv("FLEET_STACK", "team-a");
    expect(chosen(meantBy([]), names)).toEqual(["team-a"]);
    vi.unstubAllEnvs();
  });

  test("a name or pattern that fits nothing is an error, and says what is near", () => {
    expect(() => chosen(["team-a", "teem-b"], names)).toThrow(
      "teem-b: expected stacks of this checkout (handed-out, team-a, team-b, team-x), got none; did you mean `team-b`?",
    );
    expect(() => chosen(["group-*"], names)).toThrow("group-*: expected stacks");
    expect(() => chosen(["team-a", "!teem"], names)).toThrow("teem: expected stacks");
    expect(() => chosen(["team.a"], names)).toThrow("team.a: expected stacks");
  });

  test("nothing is for all by accident", () => {
    expect(() => selected("down", [], none)).toThrow("down: expected a stack, a pattern or --all, got none");
    expect(() => selected("down", ["!practice"], none)).toThrow("expected a stack, a pattern or --all");
    expect(() => selected("down", ["practice"], { ...none, all: true })).toThrow("--all: expected no stacks beside it, got `practice`");
    expect(single(["team-a"], none)).toBe(true);
    expect([single(["team-*"], none), single(["a", "b"], none), single(["a"], { ...none, onlyFailed: true })]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

const event = (value: object) => `${JSON.stringify(value)}\n`;
const urn = (name: string) => `urn:pulumi:s::contest-fleet::fleet:index:Role::${name}`;

describe("the engine's events", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-events-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("are read on from where they stopped, also in the middle of a line or a letter", () => {
    const file = join(folder, "events");
    const log = new EventLog(file);
    expect(log.read().progress).toBe("starts");
    const bytes = Buffer.from(
      event({ resourcePreEvent: { metadata: { op: "create", urn: urn("isu1-bäse") } } }) +
        event({ resOutputsEvent: { metadata: { op: "create", urn: urn("isu1-bäse") } } }) +
        event({ resOutputsEvent: { metadata: { op: "same", urn: urn("isu1") } } }) +
        event({ diagnosticEvent: { severity: "error", message: "<{%fg 1%}>isu1: no answer<{%reset%}>\n    at x.ts:1\n" } }) +
        event({ summaryEvent: { resourceChanges: { same: 4, update: 2, create: 1 } } }),
    );
    const cut = bytes.indexOf("ä") + 1;
    writeFileSync(file, bytes.subarray(0, cut));
    log.read();
    appendFileSync(file, bytes.subarray(cut));
    expect(log.read()).toEqual({ progress: "1 done, isu1-bäse", summary: "1 created, 2 updated", errors: ["isu1: no answer"] });
    expect(log.read().errors).toEqual(["isu1: no answer"]);
  });
});

describe("the board", () => {
  const line = (stack: string, state: "running" | "done" | "failed", text: string) => ({ stack, state, text, errors: [] });

  test("writes each line once where there is no terminal", () => {
    const said: string[] = [];
    const board = new Board(["a", "team-b"], { write: (text: string) => said.push(text) > 0 });
    board.update(line("a", "running", "isu1"));
    board.end(line("team-b", "failed", "exit code 1"));
    board.end(line("a", "done", "3 created, 4 s"));
    expect(said.map(stripVTControlCharacters)).toEqual(["team-b  failed   exit code 1\n", "a       done     3 created, 4 s\n"]);
  });

  test("redraws in place on a terminal that has room, no line longer than it is wide", () => {
    const said: string[] = [];
    const board = new Board(["a", "b"], { write: (text: string) => said.push(text) > 0, isTTY: true, rows: 24, columns: 40 });
    board.update(line("a", "running", "x".repeat(100)));
    expect(said[1]).toMatch(/^\u001b\[2A/);
    const widest = Math.max(
      ...stripVTControlCharacters(said[1]!)
        .split("\n")
        .map((each) => each.length),
    );
    expect(widest).toBeLessThan(40);
    const small: string[] = [];
    new Board(["a", "b"], { write: (text: string) => small.push(text) > 0, isTTY: true, rows: 2 }).update(line("a", "running", "x"));
    expect(small).toEqual([]);
  });
});

describe("a run", () => {
  const said: string[] = [];
  beforeAll(() => {
    vi.spyOn(console, "log").mockImplementation((text: string) => void said.push(text));
    vi.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
  });
  afterEach(() => {
    said.length = 0;
  });
  afterAll(() => {
    vi.restoreAllMocks();
    remember("up", stacks, []);
    for (const stack of stacks) rmSync(join(ownProject, `.fleet/runs/up-${stack}.log`), { force: true });
  });

  const stacks = ["trial-many-a", "trial-many-b", "trial-many-c", "trial-many-d"];
  let running = 0;
  let most = 0;
  /** A real process that writes the engine's events, and ends with the code of its team. */
  const start =
    (codes: Readonly<Record<string, number>>) =>
    (_command: string, stack: string, events: string): ChildProcess => {
      const lines = event({ diagnosticEvent: { severity: "error", message: `${stack}: no answer` } });
      const good = event({ summaryEvent: { resourceChanges: { create: 3 } } });
      const code = codes[stack] ?? 0;
      const program = `require("node:fs").writeFileSync(process.argv[1], ${JSON.stringify(code === 0 ? good : lines)}); console.log("all of ${stack}"); setTimeout(() => process.exit(${code}), 100)`;
      most = Math.max(most, ++running);
      const child = spawn(process.execPath, ["-e", program, events], { stdio: ["ignore", "pipe", "pipe"] });
      child.on("close", () => running--);
      return child;
    };

  test("goes on after a failure, tells it at the end, and remembers it for --only-failed", async () => {
    expect(await runMany("up", stacks, { parallel: 2, start: start({ "trial-many-b": 1 }) })).toBe(1);
    expect(most).toBe(2);
    const text = stripVTControlCharacters(said.join("\n"));
    expect(text).toMatch(/trial-many-c {2}done {5}3 created, \d+ s/);
    expect(text).toMatch(/trial-many-b {2}failed {3}exit code 1/);
    expect(text).toContain("trial-many-b:\n  trial-many-b: no answer\n  all of it: ");
    expect(text).toContain("up: 3 of 4 teams done, 1 failed; next: ./fleet up --all --only-failed");
    const log = join(ownProject, ".fleet/runs/up-trial-many-b.log");
    expect(readFileSync(log, "utf8")).toBe("all of trial-many-b\n");
    expect(existsSync(log.replace(".log", ".events"))).toBe(false);
    expect(failedBefore("up", stacks)).toEqual(["trial-many-b"]);
    expect(failedBefore("down", stacks)).toEqual([]);
  });

  test("forgets what has come to its end since, and nothing else", async () => {
    remember("up", stacks, ["trial-many-a", "trial-many-b"]);
    expect(await runMany("up", failedBefore("up", ["trial-many-b", "trial-many-c"]), { parallel: 4, start: start({}) })).toBe(0);
    expect(stripVTControlCharacters(said.join(""))).toContain("up: the team is done");
    expect(failedBefore("up", stacks)).toEqual(["trial-many-a"]);
  });
});
