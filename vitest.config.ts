import { defineConfig } from "vitest/config";

/** A test file has a project, names and networks of its own; what killed runs left goes first. */
const own = { setupFiles: ["test/support/own-setup.ts"], globalSetup: ["test/support/own-cleanup.ts"] };

export default defineConfig({
  test: {
    projects: [
      { test: { ...own, name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 } },
      // Real machines: one file at a time, since they share this computer's cores.
      {
        test: {
          ...own,
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...own,
          name: "long",
          include: ["test/long/**/*.test.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
