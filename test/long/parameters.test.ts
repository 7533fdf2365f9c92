// Parameters of every role at random, all roles on one machine: once applied, a second apply finds nothing to do, and what is there is what
// was wanted. FLEET_VARIATIONS says how many of each role, from FLEET_SEED on; without, the same few each time.
import { afterAll, beforeAll, expect, test } from "vitest";
import { converge, failures, inspect } from "../../provisioners/engine/converge.ts";
import { type Facts, readFacts } from "../../provisioners/engine/facts.ts";
import type { Role } from "../../provisioners/roles/role.ts";
import { roles } from "../../provisioners/roles/roles.ts";
import { randomOf } from "../support/contest/steps.ts";
import { text } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";
import { wantsFor } from "../support/role-wants.ts";
import { switchCase } from "../support/switch-cases.ts";
import { variation } from "../support/variations.ts";

const count = Number(process.env.FLEET_VARIATIONS ?? "3");
const first = Number(process.env.FLEET_SEED ?? "1");
const cases = roles.flatMap((role) => {
  const found = switchCase(role.name);
  return found ? [{ role, ...found }] : [];
});
const names = cases.map(({ role: { name } }) => name);

let machine: OneMachine;
let facts: Facts;
beforeAll(async () => {
  machine = await oneMachine("parameters", 1536);
  facts = await readFacts(machine.shell);
});
afterAll(() => machine?.gone());

async function settles(role: Role<unknown>, params: unknown): Promise<void> {
  const said = `${role.name} ${JSON.stringify(params)}`;
  const wants = wantsFor(role, params, facts, names);
  expect(failures(await converge(machine.shell, role.name, wants)), said).toEqual([]);
  const { report, seen } = await inspect(machine.shell, role.name, wants);
  // People's work of the variation before stays, and is named each time.
  const stays = ({ address, outcome }: (typeof report.results)[number]) => outcome === "skipped" && !(address in wants);
  expect(
    report.results.filter((each) => !stays(each) && !["unchanged", "not-applicable"].includes(each.outcome)),
    `${said}: a second apply changes nothing`,
  ).toEqual([]);
  expect(seen, `${said}: what is there is what was wanted`).toEqual(wants);
}

const begun = new Set<string>();
const seeds = Array.from({ length: count }, (_, index) => first + index);
test.each(seeds.flatMap((seed) => cases.map((each) => [seed, each.role.name, each] as const)))(
  "seed %i: %s",
  async (seed, name, { role, before, ...example }) => {
    if (before && !begun.has(name)) await text(machine.shell, `set -e\n${before}`);
    begun.add(name);
    await settles(
      role,
      variation(role.params, example, randomOf(seed * 31 + names.indexOf(name)), (each) => wantsFor(role, each, facts, names)),
    );
  },
);
