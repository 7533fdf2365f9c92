// `npm start` and `npm test` set up what they need in their `pre` scripts: nothing may keep npm from running those.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

test("npm runs the pre scripts: .npmrc does not switch scripts off", () => {
  expect(readFileSync(join(root, ".npmrc"), "utf8")).not.toContain("ignore-scripts");
});

test("what people type has a pre script that sets up what it needs", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
  expect(scripts.prestart).toBe("node setup/setup.cjs --practice");
  expect(scripts.precheck).toBe("node setup/setup.cjs --tests");
  expect(scripts.pretest).toBe("node setup/setup.cjs --practice=optional --tests");
  expect(scripts["pretest:long"]).toBe("node setup/setup.cjs --practice=optional --tests --qemu");
  expect(scripts.prebench).toBe("node setup/setup.cjs --practice=optional --tests");
});
