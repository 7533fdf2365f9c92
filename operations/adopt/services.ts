// Units that a team switches: the application's, and the servers beside it. What they do now and at a boot is said as it is.
import type { Guards } from "../../spec/guards.ts";
import { UnitName } from "../../spec/scalars.ts";
import type { ServerFacts, Unit } from "./facts.ts";
import { isGuardedUnit } from "./guarded.ts";

export type Switch = "on" | "off" | "masked";

const known =
  /^(?:nginx|apache2|httpd|caddy|h2o|envoy|haproxy|varnish|mysql|mysqld|mariadb|postgresql|redis|redis-server|valkey-server|memcached|pdns|docker|supervisor|php[0-9.]*-fpm)\.service$/;
const folder = "/etc/systemd/system/";

/** Somebody's own, or a server program that teams move about. */
export const isTeams = (unit: Unit, guards: Guards): boolean =>
  !isGuardedUnit(guards, unit) &&
  UnitName.safeParse(unit.name).success &&
  (known.test(unit.name) || (unit.path.startsWith(folder) && /\.(?:service|timer)$/.test(unit.name)));

/** `undefined` where now and at a boot are not the same, or systemd alone decides: that is for the page, not for a switch. */
export function switchOf({ load, active, enabled }: Unit): Switch | undefined {
  if (load === "masked") return active === "inactive" ? "masked" : undefined;
  if (load !== "loaded") return undefined;
  if (active === "active" && enabled === "enabled") return "on";
  return ["inactive", "failed"].includes(active) && enabled === "disabled" ? "off" : undefined;
}

export const switchesOf = ({ units }: ServerFacts, guards: Guards): Readonly<Record<string, Switch>> =>
  Object.fromEntries(
    units
      .filter((unit) => isTeams(unit, guards))
      .map((unit) => [unit.name, switchOf(unit)] as const)
      .filter((each): each is readonly [string, Switch] => each[1] !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
