// What of a stack works beside its servers, for people: pools, pipelines and databases, and where they are.
import type { Work } from "../../components/targets/aws/workloads.ts";

/** As `pulumi stack output --json` shows it: outputs are plain. */
export type Plain<T> = {
  readonly [Key in keyof T]: T[Key] extends object ? Readonly<Record<string, Readonly<Record<string, string | number>>>> : never;
};

/** A row each: name, and where work goes in and comes out. */
export function rowsOf({ pools, pipelines, databases, balancers = {} }: Plain<Work>): readonly (readonly string[])[] {
  const first = (name: string, rows: readonly (readonly [string, string])[]) =>
    rows.map(([what, where], at) => [at === 0 ? name : "", what, where]);
  return [
    ...Object.entries(balancers).flatMap(([name, { url }]) => first(name, [["way in", String(url)]])),
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
