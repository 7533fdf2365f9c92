// A server's size as templates count with it.
import type { Machine } from "../../templates/words.ts";
import type { RoleContext } from "./role.ts";

/** Roles that take no memory worth counting. */
const light = ["base", "nginx", "files"];

/** Shared where another role of the server wants memory too. `own` counts as one with the role: php-fpm and what runs in it. */
export function machineOf({ facts, self }: Pick<RoleContext<unknown>, "facts" | "self">, own: readonly string[]): Machine {
  const { memoryMiB, cores } = facts;
  return { memoryMiB, cores, shared: self.roles.some((role) => !light.includes(role) && !own.includes(role)) };
}
