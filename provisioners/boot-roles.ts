// What a pool's server makes of itself: its roles from a blank host, held against all that a push would be held against.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TargetPool } from "../components/targets/contract.ts";
import { refusal, UserError } from "../spec/problem.ts";
import { type BootRole, refuseSecrets } from "./boot-script.ts";
import { problemsIn } from "./engine/problems.ts";
import { completeFacts, expandRole, type FleetPlan, rolesOf } from "./expand.ts";
import { stacksFolder } from "./project.ts";

/** With their marks still in. Throws a UserError where a role can't be told what it needs, or wants what no role may have there. */
export function bootRoles(plan: FleetPlan, { name }: Pick<TargetPool, "name">): readonly BootRole[] {
  const pool = plan.pools.find((each) => each.name === name);
  if (!pool) throw new TypeError(`${name} is told no roles`);
  const facts = completeFacts(pool.declared);
  if (!facts)
    throw new UserError(
      `${pool.place}.image: expected an image by its name such as \`ubuntu-24.04\`, which tells roles the distribution, got another one; ` +
        "next: name one, or give `script` in place of `roles`",
    );
  const roles = rolesOf(pool).map((role) => ({ role, wants: expandRole(plan, pool, role, facts) }));
  refuseSecrets(pool.place, roles);
  const problems = roles.flatMap(({ role, wants }) =>
    problemsIn(wants, plan.guard).map(({ path, reason }) => ({
      at: `stacks/Pulumi.${plan.stack}.yaml`,
      path: `${pool.place} ${role} ${path}`,
      reason,
    })),
  );
  if (problems.length > 0) throw refusal(plan.stack, problems);
  return roles;
}

/** The text of a pool's script, which may lie in a file below stacks/. */
export function scriptOf(place: string, script: string): string {
  if (script.startsWith("#!")) return script;
  const file = join(stacksFolder, script);
  if (!existsSync(file)) throw new UserError(`${place}.script: expected a file, got no \`stacks/${script}\``);
  const text = readFileSync(file, "utf8");
  if (!text.startsWith("#!/bin/sh\n"))
    throw new UserError(`${place}.script: expected \`stacks/${script}\` to begin with \`#!/bin/sh\`, got something else`);
  return text;
}

/** Throws a UserError for a pool whose servers could not become what they are told. */
export function refusePool(plan: FleetPlan, { name, place, script, roles }: TargetPool): void {
  if (script !== undefined) scriptOf(place, script);
  if (roles !== undefined) bootRoles(plan, { name });
}
