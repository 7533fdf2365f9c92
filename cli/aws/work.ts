// What of a stack works beside its servers, for people: pools, pipelines and databases, and where they are.
import type { Work } from "../../components/targets/aws/workloads.ts";
import { settingsOf } from "../../provisioners/aws/servers.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import type { AwsTarget } from "../../spec/aws/target.ts";

const workersIn = ({ pools, pipelines }: AwsTarget) => [
  ...Object.keys(pools).map((name) => [name, "pool"] as const),
  ...Object.keys(pipelines).map((name) => [name, "pipeline"] as const),
];

/** What of a stack dies with it beside its servers and what is on them: name, what it is, and what stays of it. */
export function dyingIn(plan: FleetPlan): readonly (readonly [string, string, string])[] {
  const { target, servers } = plan.spec;
  if (target.kind !== "aws") return [];
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
  return [...volumes, ...workers, ...carried, ...databases];
}

/** As `pulumi stack output --json` shows it: outputs are plain. */
export type Plain<T> = {
  readonly [Key in keyof T]: T[Key] extends object ? Readonly<Record<string, Readonly<Record<string, string | number>>>> : never;
};

/** A row each: name, and where work goes in and comes out. */
export function rowsOf({ pools, pipelines, databases }: Plain<Work>): readonly (readonly string[])[] {
  const first = (name: string, rows: readonly (readonly [string, string])[]) =>
    rows.map(([what, where], at) => [at === 0 ? name : "", what, where]);
  return [
    ...Object.entries(pools).flatMap(([name, { group, address }]) =>
      first(name, [["group", String(group)], ...(address === undefined ? [] : [["address", String(address)] as const])]),
    ),
    ...Object.entries(pipelines).flatMap(([name, { inputBucket, outputBucket, queueUrl, deadLetterUrl, group }]) =>
      first(name, [
        ["in", `s3://${inputBucket}`],
        ["out", `s3://${outputBucket}`],
        ["queue", String(queueUrl)],
        ["dead letters", String(deadLetterUrl)],
        ["group", String(group)],
      ]),
    ),
    ...Object.entries(databases).flatMap(([name, { address, port, database, user, secretArn }]) =>
      first(name, [
        ["database", `${user}@${address}:${port}/${database}`],
        ...(secretArn === undefined ? [] : [["password", `aws secretsmanager get-secret-value --secret-id ${secretArn}`] as const]),
      ]),
    ),
  ];
}
