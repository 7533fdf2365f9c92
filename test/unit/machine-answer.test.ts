// A machine that nobody keeps up any more never answers: that is heard at once, whatever the wait for its greeting.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { answered, bootLog, causeIn } from "../../machines/answer.ts";
import { machineId, pathsOf } from "../../machines/names.ts";

const ref = { stack: "answer", name: "isu1" };
// Nothing listens on port 1.
const door = { ...ref, address: "127.0.0.1", port: 1, deadline: 60_000 };
let directory = "";
const paths = () => ({ ...pathsOf(ref), supervisorPid: join(directory, "supervisor.pid"), exit: join(directory, "exit") });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "answer-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("a machine without a greeting", () => {
  test("has ended where its end is written", async () => {
    writeFileSync(paths().exit, "1 2026-01-01T00:00:00Z\n");
    expect(await answered(door, paths(), {})).toBe(false);
  });

  test("has ended where its supervisor was killed, which writes no end", async () => {
    const supervisor = spawn("sh", ["-c", "read line", "supervisor", `--machine=${machineId(ref)}`]);
    writeFileSync(paths().supervisorPid, `${supervisor.pid}\n`);
    const waiting = answered(door, paths(), {});
    setTimeout(() => supervisor.kill("SIGKILL"), 200);
    const start = Date.now();
    expect(await waiting).toBe(false);
    expect(Date.now() - start, "heard of it only as its supervisor went").toBeGreaterThanOrEqual(150);
  });
});

test("that this computer's own limit ended a machine is said before its boot log", () => {
  const log = "Failed to create control group inotify object: Too many open files\nExiting PID 1...";
  expect(causeIn(log)).toContain("next: sysctl -w fs.inotify.max_user_instances=1024");
  expect(causeIn("Failed to mount /proc: No such file or directory")).toBe("");
});

test("however much a machine said after that", async () => {
  const log = join(directory, "boot.log");
  writeFileSync(log, `Failed to create inotify watch: Too many open files\r\n${"Starting one thing more\n".repeat(40)}`);
  const said = await bootLog({ ...paths(), log });
  expect(said).toMatch(
    /^this computer's limit of inotify instances is used up .*; the end of its boot log:\n(?:Starting one thing more\n?){15}$/,
  );
});
