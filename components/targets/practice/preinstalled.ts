// What the roles of a practice machine will want of the package manager, known before the machine is: a layer of it makes the first `up`
// quick.
import { completeFacts, expandRole, type FleetPlan, rolesOf, type ServerPlan } from "../../../provisioners/expand.ts";
import type { PackageWant } from "../../../provisioners/resources/package.ts";
import { fleetOn } from "../contract.ts";
import { practice } from "./target.ts";

const isPackage = (address: string): boolean => address.startsWith("package[");
const isRepository = (address: string): boolean => address.startsWith("repository[");

/**
 * Names, sorted. Left to the roles: a version that is not the archive's newest, what is merely recommended, and all of a role that brings a
 * package repository, which may be where its packages come from.
 */
export function preinstalled(plan: FleetPlan, server: ServerPlan): readonly string[] {
  const target = fleetOn(practice, plan.spec)?.target;
  if (target?.driver !== "nspawn" || target.image === "plain") return [];
  const facts = completeFacts(server.declared);
  if (!facts) return [];
  const names = rolesOf(server).flatMap((role) => {
    const wants = Object.entries(expandRole(plan, server, role, facts));
    if (wants.some(([address]) => isRepository(address))) return [];
    const packages = wants.filter(([address]) => isPackage(address)).map(([, want]) => want as PackageWant);
    return packages.filter(({ version, recommends }) => version === undefined && !recommends).map(({ name }) => name);
  });
  return [...new Set(names)].sort();
}
