// Servers on EC2, made by the fleet, and what works beside them: pools, pipelines, databases.

import { isMap } from "../../../spec/path.ts";
import { defineTarget, type FleetOn } from "../contract.ts";
import { billOf, costLines } from "./cost.ts";
import { endText } from "./expiry.ts";
import { poolFacts, poolsIn } from "./facts/pools.ts";
import { declaredOnAws, plannedAddress, settingsOf, unheardTypes } from "./facts/servers.ts";
import { shrinksIn } from "./facts/shrinks.ts";
import { goingWith } from "./going.ts";
import { flowTable } from "./network-rules.ts";
import { priceOf } from "./resource-price.ts";
import { checkWork, hasWork, holdersIn } from "./settings/checks.ts";
import { type AwsTarget, awsTargetWith } from "./settings/target.ts";
import { costed, type FleetShape, othersOf, shapeOf } from "./shape.ts";

export const aws = defineTarget<AwsTarget>({
  kind: "aws",
  schema: awsTargetWith,
  lent: false,
  keepsTeamName: true,
  plainSecrets: false,
  withoutDisks: () => ({ got: "target `aws`", next: "remove it" }),
  worksAlone: hasWork,
  holders: holdersIn,
  problems: checkWork,
  // AWS has limits of its own.
  engine: { providers: ["aws"], policed: true, refreshed: true, allAtOnce: false },
  declared: ({ target }, name) => declaredOnAws(target, name),
  privateAddress: ({ target, servers }, name) => plannedAddress(target, servers, name),
  volumes: ({ target }, name) =>
    (settingsOf(target, name).volumes ?? []).flatMap(({ name: volume, mountPoint, filesystem, blank }) =>
      mountPoint ? [{ name: volume, mountPoint, filesystem, ...(blank && { blank }) }] : [],
    ),
  pools: ({ target }) =>
    poolsIn(target).map(({ name, place, pool }) => ({
      name,
      place,
      roles: pool.roles,
      params: pool.params,
      script: pool.script,
      declared: poolFacts(target, pool),
    })),
  refuse: (fleet, stack) => void fleetShape(fleet, stack),
  unheard: ({ target, servers }) => unheardTypes(target, Object.keys(servers)),
  against: ({ target, team, servers }, made) => shrinksIn({ target, team, servers: Object.keys(servers) }, made),
  admit: async ({ target }) => (await import("./account.ts")).refuseOtherAccount(target),
  there: async (fleet) => (await import("./baked-there.ts")).refuseMissing(fleet),
  // AWS gives addresses, for no longer than till the next stop unless they are elastic.
  reached: () => ({ by: "state", ports: "all" }),
  preview: {
    price({ team, ...fleet }, stack) {
      const lines = costLines(team, fleet.target.region, costed(fleetShape({ team, ...fleet }, stack)));
      const { perHour, unknown } = billOf(team, lines);
      return unknown.length > 0 ? null : perHour;
    },
    priceOf({ target }, resources) {
      const { perHour, unknown } = priceOf(resources, target.region);
      return unknown.length > 0 ? null : perHour;
    },
    ends({ target }, resources) {
      const tagged = resources.flatMap(({ inputs: { tags } }) => (isMap(tags) && typeof tags.expiry === "string" ? tags.expiry : []));
      return endText(tagged[0] ?? target.expiresAt);
    },
    flows(fleet, stack) {
      const shape = fleetShape(fleet, stack);
      return flowTable([...shape.flows, ...othersOf(shape)]);
    },
  },
  fate: "terminated with everything on it",
  going: goingWith,
});

/** Throws a UserError for what the account or the contest would refuse. */
export const fleetShape = ({ team, target, servers }: FleetOn<AwsTarget>, stack: string): FleetShape =>
  shapeOf({ team, stack, target, servers });
