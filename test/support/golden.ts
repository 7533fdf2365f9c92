// Golden files: text that a person has read. `UPDATE_GOLDEN=1` writes them anew; the diff is then reviewed like code.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect } from "vitest";

/** Holds `text` against `test/golden/PATH`. A golden that is missing fails, unless it is being written. */
export function expectGolden(path: string, text: string): void {
  const file = new URL(`../golden/${path}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, text);
  }
  if (!existsSync(file)) throw new Error(`test/golden/${path}: expected a golden file, got none; next: UPDATE_GOLDEN=1, then read it`);
  expect(text).toBe(readFileSync(file, "utf8"));
}

/** JSON with multi-line texts as lists of lines, so that a person can read the diff of a golden. */
export const readable = (value: object): string =>
  `${JSON.stringify(value, (_, each) => (typeof each === "string" && each.trimEnd().includes("\n") ? each.split("\n") : each), 2)}\n`;
