// Each promise names a test that is there.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const docs = join(import.meta.dirname, "../../docs");
const rows = readFileSync(join(docs, "promises.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()));

test.each(rows.map(([, promise = "", keeper = ""]) => [promise, keeper]))("%s", (_, keeper) => {
  const named = [...keeper.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path!);
  expect(named.filter((path) => path.endsWith(".test.ts"))).not.toEqual([]);
  expect(named.filter((path) => !existsSync(join(docs, path)))).toEqual([]);
});
