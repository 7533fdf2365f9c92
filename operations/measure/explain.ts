// How a database goes about its slowest queries, and the indexes that it has.
import type { Shell } from "../../provisioners/engine/shell.ts";
import type { FleetServer } from "../fleet-up.ts";
import { OpenServers } from "../on-servers.ts";
import type { ServerReport } from "./analyse.ts";
import { explain, indexes } from "./run/scripts.ts";
import type { QueryClass } from "./slow/digest.ts";

export interface Plan {
  /** pt-query-digest's id of the query. */
  readonly id: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Why there is none. */
  readonly problem?: string;
}

export interface Index {
  readonly table: string;
  readonly name: string;
  readonly columns: string;
  readonly values: string;
}

export interface Explained {
  readonly plans: readonly Plan[];
  readonly indexes: readonly Index[];
}

const most = 5;
/** EXPLAIN runs nothing of them. */
const explainable = ({ sample }: QueryClass): boolean =>
  /^\s*\(?\s*(?:select|update|delete|insert|replace|with)\b/i.test(sample) && !sample.includes("\0");

export function plansIn(text: string, asked: readonly QueryClass[]): readonly Plan[] {
  const parts = text.split(/^== (\d+) ==\n/m).slice(1);
  return asked.map(({ id }, index) => {
    const at = parts.indexOf(String(index));
    const lines = (at < 0 ? "" : (parts[at + 1] ?? "")).split("\n").filter((line) => line !== "");
    const [head = "", ...rows] = lines;
    if (!head.startsWith("id\t")) return { id, columns: [], rows: [], problem: head || "no answer" };
    return { id, columns: head.split("\t"), rows: rows.map((row) => row.split("\t")) };
  });
}

const indexesIn = (text: string): readonly Index[] =>
  text
    .split("\n")
    .filter((line) => line.includes("\t"))
    .map((line) => {
      const [table = "", name = "", columns = "", values = ""] = line.split("\t");
      return { table, name, columns, values };
    });

/** Of each server with a slow log. One that can't be asked has none: the run is told all the same. */
export async function explained(
  servers: readonly FleetServer[],
  reports: readonly ServerReport[],
): Promise<Readonly<Record<string, Explained>>> {
  const asked = new Map(reports.map(({ server, slow }) => [server, (slow?.classes ?? []).filter(explainable).slice(0, most)] as const));
  const those = servers.filter(({ name }) => (asked.get(name) ?? []).length > 0);
  const open = new OpenServers();
  try {
    const outcomes = await open.each(those, ({ name }, shell) => explainedBy(shell, asked.get(name)!));
    return Object.fromEntries(outcomes.flatMap((each) => ("value" in each ? [[each.server, each.value] as const] : [])));
  } finally {
    await open.close();
  }
}

async function explainedBy(shell: Shell, classes: readonly QueryClass[]): Promise<Explained> {
  const queries = classes.map(({ sample, database }) => ({ text: sample, ...(database !== undefined && { database }) }));
  const plans = plansIn((await shell.run(explain(queries))).stdout.toString("utf8"), classes);
  const databases = [...new Set(classes.flatMap(({ database }) => database ?? []))];
  const found = databases.length === 0 ? "" : (await shell.run(indexes(databases))).stdout.toString("utf8");
  return { plans, indexes: indexesIn(found) };
}
