// Lives of a fleet on a server that somebody else set up: whatever happened, `down` gives the server back as it was, but for what it names.
// FLEET_SEQUENCES says how many from FLEET_SEED on, FLEET_ON on what kind of server; FLEET_SHRINK=1 looks for the fewest steps of one that fails. Without, the same few each
// time: a search for new faults is begun by a person, and stops nobody else's change.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Life } from "../support/contest/life.ts";
import { type Step, sequenceOf, shrunk } from "../support/contest/steps.ts";

const count = Number(process.env.FLEET_SEQUENCES ?? "3");
const first = Number(process.env.FLEET_SEED ?? "51");

/** `odd`, `trixie`, or both. */
const on = (process.env.FLEET_ON ?? "").split(" ");

const life = new Life("sequences", { odd: on.includes("odd"), release: on.includes("trixie") ? "trixie" : "bookworm" });
beforeAll(() => life.prepare());
afterAll(() => life.gone());

async function lived(name: string, steps: readonly Step[]): Promise<void> {
  const began = performance.now();
  const faults = await life.live(steps);
  console.log(
    `${name}: ${steps.length} steps, ${((performance.now() - began) / 1000).toFixed(0)} s, ${faults.length === 0 ? "right" : "WRONG"}`,
  );
  if (faults.length === 0) return;
  console.log(`${faults.join("\n")}\n${JSON.stringify(steps)}`);
  const least = process.env.FLEET_SHRINK ? await shrunk(steps, async (fewer) => (await life.live(fewer)).length > 0) : steps;
  expect.fail(`${faults.join("\n")}\n${name}:\n${JSON.stringify(least)}`);
}

const cases = join(import.meta.dirname, "../cases/sequences");
const kept = readdirSync(cases).filter((name) => name.endsWith(".json"));
for (const name of process.env.FLEET_SEED ? [] : kept)
  test(`a life that failed once: ${name}`, () => lived(name, JSON.parse(readFileSync(join(cases, name), "utf8")) as readonly Step[]));

for (let seed = first; seed < first + count; seed++) test(`the life of seed ${seed}`, () => lived(`seed ${seed}`, sequenceOf(seed)));
