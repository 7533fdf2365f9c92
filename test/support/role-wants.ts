// What a role wants on a machine of a test, late values filled in.
import type { Facts } from "../../provisioners/engine/facts.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import { latesIn, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import type { Role } from "../../provisioners/roles/role.ts";
import { wantsOf } from "./kind-contract.ts";

export function wantsFor(role: Pick<Role, "params" | "resources">, params: unknown, facts: Facts, roles: readonly string[]): Wants {
  const self = { name: "isu1", privateAddress: "127.0.0.1", account: "isucon", roles, ports: [] };
  const team = { name: "switches", servers: [self], members: [], endpoints: [] };
  const wants = wantsOf(role.resources({ params: role.params.parse(params), facts, shared: true, self, team }));
  return resolvePlaceholders(
    wants,
    Object.fromEntries(latesIn(wants).map((name) => [name, `value-of-${name.replaceAll(/[^a-z]/g, "-")}`])),
  );
}
