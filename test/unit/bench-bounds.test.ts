// The bench's bounds: ratios of whole commands to the floor of the same run, and memory.
import { expect, test } from "vitest";
import { passed } from "../bench/bounds.ts";
import type { Measured } from "../bench/rounds.ts";
import { table } from "../bench/table.ts";

const row = (contestant: string, hosts: number, seconds: number, memoryMB = 90): Measured => ({
  contestant,
  hosts,
  phase: "nothing to do",
  samples: [{ seconds, cpuSeconds: 0.4, memoryMB }],
});

test("what is within its bounds says nothing; what is not says which, and by how much", () => {
  const floors = [row("floor", 1, 0.2), row("floor", 64, 2)];
  expect(passed([...floors, row("fleet up", 1, 0.9), row("fleet verify", 64, 7.9)])).toEqual([]);
  expect(passed([...floors, row("fleet up", 1, 3), row("fleet verify", 64, 5, 900)])).toEqual([
    "fleet up, nothing to do, 1 hosts: expected at most 7 × the floor, got 15.0",
    "fleet verify, nothing to do, 64 hosts: expected at most 160 MB, got 900",
  ]);
});

test("the table leads with whole commands", () => {
  const text = table([row("floor", 1, 0.2), row("fleet up", 1, 0.5)]);
  expect(text.split("\n").slice(0, 5)).toEqual([
    "### Whole commands",
    "",
    "| command | 1 host |",
    "| --- | ---: |",
    "| fleet up, nothing to do | 0.50 s (2.5 × floor), 0.40 CPU s, 90 MB |",
  ]);
});
