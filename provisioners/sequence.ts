// In which order a team's roles are done: on each server as the stack file has them, and after what they need of other servers.
import type { ServerPlan } from "./expand.ts";
import { candidates, needsOf } from "./roles/contract.ts";
import type { TeamEndpoint } from "./roles/role.ts";

export interface RoleStep {
  readonly server: string;
  readonly role: string;
  /** On whichever server, beside the role before it on its own. */
  readonly needs: readonly string[];
}

export const stepName = (server: string, role: string): string => `${server} ${role}`;

type Plans = readonly Pick<ServerPlan, "name" | "spec">[];

/** Every role once, what it needs before it. A circle is given back instead: `a b → c d → a b`. */
export function sequenceOf(servers: Plans, rolesOf: (server: Plans[number]) => readonly string[], endpoints: readonly TeamEndpoint[]) {
  const steps = new Map<string, RoleStep & { readonly before: readonly string[] }>();
  for (const each of servers) {
    const roles = rolesOf(each);
    for (const [at, role] of roles.entries()) {
      const needs = each.spec.roles.includes(role) ? needed(role, each.spec.params[role], endpoints) : [];
      const before = at === 0 ? needs : [stepName(each.name, roles[at - 1]!), ...needs];
      steps.set(stepName(each.name, role), { server: each.name, role, needs, before });
    }
  }
  const order: RoleStep[] = [];
  const state = new Map<string, "open" | "done">();
  const place = (name: string, path: readonly string[]): string | undefined => {
    if (state.get(name) === "done") return undefined;
    if (state.get(name) === "open") return [...path.slice(path.indexOf(name)), name].join(" → ");
    state.set(name, "open");
    const { before, ...step } = steps.get(name)!;
    for (const each of before) {
      const circle = place(each, [...path, name]);
      if (circle) return circle;
    }
    state.set(name, "done");
    order.push(step);
    return undefined;
  };
  const circle = [...steps.keys()].map((name) => place(name, [])).find(Boolean);
  return circle === undefined ? { order } : { circle };
}

const needed = (role: string, params: unknown, endpoints: readonly TeamEndpoint[]): readonly string[] =>
  needsOf(role, params).flatMap((need) => candidates(need, endpoints, role).map((each) => stepName(each.server, each.role)));
