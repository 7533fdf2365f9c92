// The line that says what is being waited for, and what is printed while it stands.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { waiting } from "../../cli/progress.ts";

const { isTTY } = process.stderr;
const written: string[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  process.stderr.isTTY = true;
  written.length = 0;
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  process.stderr.isTTY = isTTY;
});

const clear = "\r\u001b[2K";

/** As a terminal shows it in the end, a line each. */
const shown = (): readonly string[] =>
  written
    .join("")
    .split("\n")
    .map((line) => line.slice(line.lastIndexOf(clear) + 1).replace("\u001b[2K", ""));

test("a line that is printed meanwhile takes the place of the one that waits", async () => {
  const { write } = process.stderr;
  await waiting(
    () => "deploy: isu1",
    async () => {
      await vi.advanceTimersByTimeAsync(1500);
      expect(written.join("")).toContain("deploy: isu1 … 1 s");
      process.stderr.write("isu1 | answers\n");
      await vi.advanceTimersByTimeAsync(500);
      expect(written.at(-1)).toContain("deploy: isu1 … 2 s");
    },
  );
  expect(shown()).toEqual(["isu1 | answers", ""]);
  expect(process.stderr.write).toBe(write);
});

test("what is soon done writes nothing at all", async () => {
  await waiting(
    () => "looks",
    async () => await vi.advanceTimersByTimeAsync(500),
  );
  expect(written).toEqual([]);
});
