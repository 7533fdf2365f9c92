// What an up of a watch's is aimed at, and why it is not made: one that would do more than put back what the last one left is somebody's to type.

import type { Difference } from "../../provisioners/provider/as-remembered.ts";
import { planOf } from "../../provisioners/stack.ts";
import { isUserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { asLastUp } from "../as-last-up.ts";
import type { FleetUp } from "../fleet-up.ts";
import { aroundName, urnOf as urnAround } from "./around.ts";
import { healthRole } from "./health.ts";

type RoleOf = Pick<Difference, "server" | "role">;

/** What was seen around the servers; undefined where nobody looked. */
export interface AroundSeen {
  readonly look: { readonly differences: readonly Difference[] };
  readonly planned: readonly string[];
}

/** Why a role is left to people; undefined where an up puts back what was there. */
export type Refused = (role: RoleOf) => string | undefined;

/** By the stack file as it is now. */
export function refusals({ stack, servers }: FleetUp, around: AroundSeen | undefined): Refused {
  const open = `stacks/Pulumi.${stack}.yaml or its files want something else than the last up left; next: ${typed()} up ${stack}`;
  try {
    const plan = planOf(stack);
    return ({ server: name, role }) => {
      if (role === healthRole) return "no up puts that right";
      if (name === aroundName) return around?.planned.includes(role) ? open : undefined;
      const up = servers.find((each) => each.name === name);
      return up && asLastUp(plan, up, role) ? undefined : open;
    };
  } catch (error) {
    if (!isUserError(error)) throw error;
    return () => `the stack has problems (${error.message.split("\n")[0]}); next: ${typed()} check ${stack}`;
  }
}

/** The resources that put these roles right, by their URNs; all of the stack where it takes that; undefined where there are none. */
export function aimOf(
  fleet: FleetUp,
  roles: readonly RoleOf[],
  { around, refused }: { readonly around: AroundSeen | undefined; readonly refused: Refused },
): readonly string[] | "all" | undefined {
  const urns = roles.flatMap((role) => urnOf(fleet, role, around) ?? []);
  if (urns.length === 0) return undefined;
  return isAddressNew(urns) && isNothingOpen(fleet, refused) ? "all" : urns;
}

/** A server that was off comes back under another address, which all of it goes by; so where nothing else is open, all of the stack is put right. */
const isAddressNew = (urns: readonly string[]): boolean => urns.some((urn) => urn.includes("$fleet:index:InstancePower::"));
const isNothingOpen = ({ servers }: FleetUp, refused: Refused): boolean =>
  servers.every(({ name, roles }) => roles.every((role) => refused({ server: name, role }) === undefined));

function urnOf({ servers, around: known }: FleetUp, { server: name, role }: RoleOf, around: AroundSeen | undefined): string | undefined {
  if (name === aroundName) {
    const difference = around?.look.differences.find((each) => each.role === role);
    return difference && urnAround(`${difference.resource} ${role}`, known);
  }
  return servers.find((each) => each.name === name)?.remembered.find(({ inputs }) => inputs.role === role)?.urn;
}
