// Each role's example.yaml: documentation (docs/roles.md shows it) and a test. It has no problem, and what it makes is a reviewed golden.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { problemsIn } from "../../provisioners/engine/problems.ts";
import { completeFacts, expandRole, planFleet } from "../../provisioners/expand.ts";
import { roles } from "../../provisioners/roles/roles.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { expectGolden, readable } from "../support/golden.ts";

const folder = join(import.meta.dirname, "../../provisioners/roles");

describe.each(roles.map(({ name }) => name))("%s", (role) => {
  const file = join(folder, role, "example.yaml");

  test("has an example", () => expect(existsSync(file)).toBe(true));

  test("the example is a fleet without a problem, and makes what its golden says", () => {
    const fleet: unknown = parse(readFileSync(file, "utf8"));
    const { spec } = parseStack(stringify({ config: { "contest-fleet:fleet": fleet } }), `example of ${role}`, choices);
    const plan = planFleet(spec, { stack: "example", cores: 2, architecture: "amd64", overlays: {} });
    const server = plan.servers.find(({ spec: { roles: its } }) => its.includes(role));
    const wants = expandRole(plan, server!, role, completeFacts(server!.declared)!);
    expect(problemsIn(wants, plan.guard)).toEqual([]);
    expectGolden(`roles/example-${role}.json`, readable(wants));
  });
});
