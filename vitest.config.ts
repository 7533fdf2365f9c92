import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { FileTimes } from "./test/file-times.ts";
import { LongestFirst } from "./test/sequence.ts";

/** A test file has a project, names and networks of its own; what killed runs left goes first. What is waited for has time on a busy computer, too. */
const own = {
  setupFiles: ["test/support/own-setup.ts"],
  globalSetup: ["test/support/own-cleanup.ts"],
  expect: { poll: { timeout: 120_000, interval: 100 } },
};

// Where `fleet` keeps it, too: each test file is a process, and loads the same packages.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, ".fleet/compile-cache");

/** One more than there are processors, where there is memory for it: while some wait for a machine, a lock or AWS, the others compute. */
const sideBySide = availableParallelism() + (totalmem() > 8 * 2 ** 30 ? 1 : 0);

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ["default", new FileTimes()],
    projects: [
      {
        test: {
          ...own,
          name: "unit",
          isolate: false,
          setupFiles: ["test/support/fresh-modules.ts", ...own.setupFiles],
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: sideBySide,
        },
      },
      // Real machines.
      {
        test: {
          ...own,
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          maxWorkers: Math.min(3, sideBySide),
        },
      },
      // A translated machine keeps one processor at work most of the time.
      {
        test: {
          ...own,
          name: "long",
          include: ["test/long/**/*.test.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
          maxWorkers: Math.min(2, availableParallelism()),
        },
      },
    ],
  },
});
