// How many resources the engine works on at once.
import { expect, test } from "vitest";
import { targetOf } from "../../components/targets/targets.ts";
import { parallelFor } from "../../pulumi/command.ts";

const plan = (servers: number, kind = "inventory") => ({
  engine: targetOf({ target: { kind } }).engine,
  servers: Array.from({ length: servers }) as never[],
});

test("all servers at once, where Pulumi's own limit is for the cores of this computer", () => {
  expect(parallelFor(plan(64), {})).toEqual(["--parallel", "128"]);
  expect(parallelFor(plan(20), {})).toEqual(["--parallel", "40"]);
});

test("Pulumi's own for a few servers, on AWS, and where somebody chose", () => {
  expect(parallelFor(plan(3), {})).toEqual([]);
  expect(parallelFor(plan(64, "aws"), {})).toEqual([]);
  expect(parallelFor(plan(64), { PULUMI_PARALLEL: "4" })).toEqual([]);
});

test("no more than a laptop's sockets bear", () => {
  expect(parallelFor(plan(500), {})).toEqual(["--parallel", "256"]);
});
