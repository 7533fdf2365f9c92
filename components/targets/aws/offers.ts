import { typed } from "../../../spec/typed.ts";
// Whether AWS has a type in the zone where it is wanted: not every zone has every type, and an up finds out when the network is there.

/** A type in a zone, by its id. */
export interface Offer {
  readonly type: string;
  readonly zone: string;
}

export interface Place {
  readonly types: readonly string[];
  /** Where servers must be; undefined where any zone of the region will do. */
  readonly zoneId: string | undefined;
}

/** A sentence for each type that is not to be had there. Whether one is free at this hour AWS tells nobody before it is asked for one. */
export function notOffered({ types, zoneId }: Place, offers: readonly Offer[]): readonly string[] {
  return [...new Set(types)].flatMap((type) => {
    const zones = offers.filter((offer) => offer.type === type).map(({ zone }) => zone);
    if (zones.length === 0)
      return [`\`${type}\`: expected a type of this region, got none in any zone; next: ${typed()} types, or another region`];
    if (zoneId === undefined || zones.includes(zoneId)) return [];
    return [`\`${type}\`: expected it in the zone ${zoneId}, got it in ${zones.sort().join(", ")}; next: \`zoneId\`, or another type`];
  });
}
