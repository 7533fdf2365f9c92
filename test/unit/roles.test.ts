// What each role makes of a practice stack: reviewed golden files, deterministic, without a problem, and without a secret.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { problemsIn } from "../../provisioners/engine/problems.ts";
import { completeFacts, expandRole, planFleet, rolesOf } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { readStack } from "../../spec/read.ts";
import { expectGolden, readable } from "../support/golden.ts";

const { spec } = readStack(join(import.meta.dirname, "../../stacks/Pulumi.practice.yaml"), choices);
const plan = planFleet(spec, { stack: "practice", cores: 2, architecture: "amd64", overlays: {} });

describe.each(plan.servers)("$name", (server) => {
  const facts = completeFacts(server.declared);

  test("has all the facts that templates need before it exists", () => expect(facts).toBeDefined());

  test.for(rolesOf(server))("%s", (role) => {
    const wants = expandRole(plan, server, role, facts!);
    expect(problemsIn(wants, plan.guard)).toEqual([]);
    expect(expandRole(plan, server, role, facts!)).toEqual(wants);
    expectGolden(`roles/${server.name}-${role}.json`, readable(wants));
  });
});

test("an overlay file replaces a role's own content, so that its services hear of it; others get a role of their own, right after base", () => {
  const overlays = {
    isu1: [
      { path: "/etc/nginx/nginx.conf", content: "mine\n", mode: "0644" as const },
      { path: "/etc/other", content: "x\n", mode: "0644" as const },
    ],
  };
  const laid = planFleet(spec, { stack: "practice", cores: 2, architecture: "amd64", overlays });
  const server = laid.servers[0]!;
  expect(rolesOf(server).slice(0, 2)).toEqual(["base", "files"]);
  const wants = expandRole(laid, server, "nginx", completeFacts(server.declared)!);
  expect(wants["file[/etc/nginx/nginx.conf]"]).toMatchObject({ content: "mine\n" });
  expect(Object.keys(expandRole(laid, server, "files", completeFacts(server.declared)!))).toEqual(["file[/etc/other]"]);
});
