// What a pool's server runs at its first boot: its roles from a blank host as one script, the sample worker, or the team's own text.
import * as pulumi from "@pulumi/pulumi";
import { bootRoles, scriptOf } from "../../../provisioners/boot-roles.ts";
import { bootScript } from "../../../provisioners/boot-script.ts";
import { latesIn, resolvePlaceholders } from "../../../provisioners/engine/placeholders.ts";
import type { FleetPlan } from "../../../provisioners/expand.ts";
import type { LateSource } from "../supplier.ts";
import type { AskedPool } from "./facts/pools.ts";
import { thumbnailPlan } from "./thumbnails.ts";

/** An output where it waits for what only an `up` knows: the keys of members and servers. */
export function planOfPool(plan: FleetPlan, asked: AskedPool, late: LateSource): string | pulumi.Output<string> {
  const { place, pool } = asked;
  if ("worker" in pool && pool.worker === "thumbnails") return thumbnailPlan();
  if (pool.script !== undefined) return scriptOf(place, pool.script);
  const roles = bootRoles(plan, asked);
  const names = [...new Set(roles.flatMap(({ wants }) => latesIn(wants)))];
  const script = (known: Readonly<Record<string, string>>) =>
    bootScript(roles.map(({ role, wants }) => ({ role, wants: resolvePlaceholders(wants, known) })));
  return names.length === 0 ? script({}) : pulumi.output(late(names)).apply(script);
}
