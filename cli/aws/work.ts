// What of a stack works beside its servers, for people: pools, pipelines and databases, and where they are.
import type { Work } from "../../components/aws/work.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { ask } from "../pulumi.ts";

/** Name and kind of each, from the stack file alone. */
export function workIn({ spec: { target } }: FleetPlan): readonly (readonly [string, string])[] {
  if (target.kind !== "aws") return [];
  return [
    ...Object.keys(target.pools).map((name) => [name, "pool"] as const),
    ...Object.keys(target.pipelines).map((name) => [name, "pipeline"] as const),
    ...Object.entries(target.databases).map(([name, { engine }]) => [name, engine] as const),
  ];
}

/** As `pulumi stack output --json` shows it: outputs are plain, secrets hidden. */
type Plain<T> = {
  readonly [Key in keyof T]: T[Key] extends object ? Readonly<Record<string, Readonly<Record<string, string | number>>>> : never;
};

/** A row each: name, and where work goes in and comes out. None for a stack without such things. */
export async function workRows(plan: FleetPlan): Promise<readonly (readonly string[])[]> {
  if (workIn(plan).length === 0) return [];
  const outputs = JSON.parse(await ask(plan, ["stack", "output", "--json", "--stack", plan.stack])) as { readonly aws?: Plain<Work> };
  return outputs.aws ? rowsOf(outputs.aws) : [];
}

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
