// What of a stack on AWS goes with it beside its servers, and what stays of it.

import type { FleetOn, Going } from "../contract.ts";
import { settingsOf } from "./facts/servers.ts";
import type { AwsTarget } from "./settings/target.ts";

const workersIn = ({ pools, pipelines }: AwsTarget) => [
  ...Object.keys(pools).map((name) => [name, "pool"] as const),
  ...Object.keys(pipelines).map((name) => [name, "pipeline"] as const),
];

export function goingWith({ target, servers }: Pick<FleetOn<AwsTarget>, "target" | "servers">): readonly Going[] {
  const kept = (name: string, sizeGB: number, daily = false) =>
    [name, `volume of ${sizeGB} GB`, `deleted; a last snapshot of it stays${daily ? ", and the daily ones" : ""}`] as const;
  const volumes = Object.keys(servers).flatMap((server) =>
    (settingsOf(target, server).volumes ?? []).map(({ name, sizeGB, snapshots }) =>
      kept(`${server}-${name}`, sizeGB, snapshots !== undefined),
    ),
  );
  const workers = workersIn(target).map(([name, what]) => [name, what, "terminated with everything on it"] as const);
  const carried = Object.entries(target.pools).flatMap(([name, { single }]) =>
    single?.volume ? [kept(`${name}-data`, single.volume.sizeGB)] : [],
  );
  const databases = Object.entries(target.databases).map(
    ([name, { engine, finalSnapshot }]) => [name, engine, `deleted; ${finalSnapshot ? "a last" : "no"} snapshot of it stays`] as const,
  );
  const balancers = Object.keys(target.balancers).map((name) => [name, "balancer", "deleted; its name and addresses are gone"] as const);
  return [...balancers, ...volumes, ...workers, ...carried, ...databases];
}
