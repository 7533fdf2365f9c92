// What is not well with a server though no resource differs: a disk that is nearly full, a unit of anybody's that failed. Pure.

import type { Difference } from "../../provisioners/provider/as-remembered.ts";
import { typed } from "../../spec/typed.ts";
import type { Found } from "../look/found.ts";

/** Stands where a role does; nothing of it is an up's to put right. */
export const healthRole = "health";

/** Of a disk. */
const full = 0.95;

/** @param seen a look at the server */
export function unwell(server: string, { disks, broken, services }: Pick<Found, "disks" | "broken" | "services">): readonly Difference[] {
  const of = { server, role: healthRole };
  const wanted = new Set(services.map(({ unit }) => unit));
  return [
    // Told once, not with each per cent.
    ...disks
      .filter(({ used }) => used >= full)
      .map(({ place, sizeGB }) => ({
        ...of,
        resource: `disk[${place}]`,
        what: `${Math.round(full * 100)} % or more of ${sizeGB} GB are used; next: ${typed()} run ${server} --sudo -- du -xhd3 ${place} | sort -h | tail`,
      })),
    ...broken
      .filter((unit) => !wanted.has(unit))
      .map((unit) => ({ ...of, resource: `unit[${unit}]`, what: `has failed; next: ${typed()} logs ${server} --unit ${unit}` })),
  ];
}
