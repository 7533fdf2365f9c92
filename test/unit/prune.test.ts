// Pulumi's history and backups of a stack: the newest runs are kept whole, nothing else is touched.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keptRuns, prune } from "../../pulumi/prune.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-prune-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const time = (run: number) => `17959585328731402${String(run).padStart(2, "0")}`;
const ends = ["history.json", "history.json.attrs", "checkpoint.json", "checkpoint.json.attrs"];
const write = (...names: readonly string[]) => {
  for (const name of names) writeFileSync(join(folder, name), "x");
};

test("the newest runs of a history stay, each with all its files", () => {
  for (let run = 0; run < 5; run++) write(...ends.map((end) => `team-a-${time(run)}.${end}`));
  prune(folder, 2);
  expect(readdirSync(folder).sort()).toEqual([3, 4].flatMap((run) => ends.map((end) => `team-a-${time(run)}.${end}`)).sort());
});

test("backups likewise; what has another shape, or a number in its name, stays", () => {
  write("team-2.json", "notes.txt", "team-1795958532873140200.yaml");
  for (let run = 0; run < keptRuns + 3; run++) write(`team-2.${time(run)}.json`, `team-2.${time(run)}.json.attrs`);
  prune(folder);
  expect(readdirSync(folder)).toHaveLength(3 + keptRuns * 2);
  expect(readdirSync(folder)).not.toContain(`team-2.${time(2)}.json`);
  expect(readdirSync(folder)).toContain(`team-2.${time(3)}.json`);
});

test("no folder yet, and fewer runs than are kept: nothing happens", () => {
  prune(join(folder, "missing"));
  write(`team-a.${time(1)}.json`);
  prune(folder);
  expect(readdirSync(folder)).toHaveLength(1);
});
