// Whether the stack file says what the last up did.
import { completeFacts, type Facts } from "../provisioners/engine/facts.ts";
import { expandRole, type FleetPlan, rolesOf } from "../provisioners/expand.ts";
import { same } from "../provisioners/provider/difference.ts";
import type { FleetServer } from "./fleet-up.ts";

/** Of one role of a server; a server that has left the stack file wants nothing any more. */
export function asLastUp(plan: FleetPlan, { name, facts, wants }: Pick<FleetServer, "name" | "facts" | "wants">, role: string): boolean {
  const server = plan.servers.find((each) => each.name === name);
  const known = completeFacts((facts ?? {}) as Partial<Facts>);
  return same(server && known && rolesOf(server).includes(role) ? expandRole(plan, server, role, known) : undefined, wants[role]);
}
