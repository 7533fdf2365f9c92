// SIGTERM in the middle of many teams: those at work are asked to end, by the signal that they hand on; those that wait are not begun.
import { spawn } from "node:child_process";
import { expect, test, vi } from "vitest";
import { failedBefore, runMany } from "../../cli/parallel.ts";
import { interrupt } from "../../pulumi/interruption.ts";

/** A team's command that ends with 130 when it is asked to. */
const asked = 'trap "echo asked; exit 130" TERM; echo begun; while :; do sleep 0.05; done';

test("teams at work are ended, the others not begun, and all of them are remembered", async () => {
  const lines: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  vi.spyOn(console, "log").mockImplementation((text) => void lines.push(`${text}\n`));
  const begun: string[] = [];
  const start = (_command: string, stack: string) => {
    begun.push(stack);
    const child = spawn("sh", ["-c", asked], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.once("data", () => begun.length === 2 && interrupt("SIGTERM"));
    return child;
  };
  expect(await runMany("up", ["a", "b", "c"], { parallel: 2, start })).toBe(1);
  vi.restoreAllMocks();
  const said = lines.join("");
  expect(begun).toEqual(["a", "b"]);
  expect(said).toMatch(/^a +failed +cancelled, /m);
  expect(said).toMatch(/^c +failed +cancelled before it began$/m);
  expect(said).not.toMatch(/exit code|stopped/);
  expect(failedBefore("up", ["a", "b", "c"])).toEqual(["a", "b", "c"]);
});
