// Whose a file of the team's tree is: the role's that writes it itself, that runs its unit, or in whose territory it lies. Else nobody's.
import type { OverlayEntry } from "../../spec/overlay.ts";
import type { Facts } from "../engine/facts.ts";
import { isBelow } from "../resources/address-path.ts";
import { kindOf } from "../resources/kinds.ts";
import type { Declared } from "../resources/want.ts";
import type { ByFacts, Territory } from "../roles/role.ts";
import { type UnitPlace, unitPlace } from "./unit-place.ts";

/** A role of the server, with what it wants there by itself. */
export interface Neighbour {
  readonly role: string;
  readonly own: readonly Declared[];
  readonly territory: readonly Territory[];
}

export const pathsOf = ({ address, want }: Declared): readonly string[] => kindOf(address).kind.touches(want).paths ?? [];

export const byFacts = <T>(value: ByFacts<T> | undefined, facts: Facts): T | undefined =>
  typeof value === "function" ? (value as (facts: Facts) => T | undefined)(facts) : value;

/** The role's name; `undefined` for what nobody owns. */
export function ownerOf({ path }: OverlayEntry, roles: readonly Neighbour[], facts: Facts): string | undefined {
  const writer = roles.find(({ own }) => own.some((each) => pathsOf(each).includes(path)));
  if (writer) return writer.role;
  const unit = unitPlace(path);
  const runner = unit && roles.find((each) => runs(each, unit, facts));
  return runner?.role ?? longest(path, roles);
}

const runs = ({ own, territory }: Neighbour, { name }: UnitPlace, facts: Facts): boolean =>
  own.some(({ address }) => address === `service[${name}]`) || territory.some(({ unit }) => byFacts(unit, facts) === name);

/** Territories may lie in each other: the longest path counts. */
function longest(path: string, roles: readonly Neighbour[]): string | undefined {
  const all = roles.flatMap(({ role, territory }) => territory.flatMap(({ paths }) => paths.map((of) => ({ role, of }))));
  const here = all.filter(({ of }) => isBelow(path, of)).sort((a, b) => b.of.length - a.of.length);
  return here[0]?.role;
}
