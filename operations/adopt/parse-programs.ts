// What databases, caches and checkouts said.
import type { CodeFolder, Mysql, Postgres, Table } from "./facts.ts";

const rowsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));

/** Undefined where none runs. */
export function mysqlIn(text: string): Mysql | undefined {
  const [head, ...rows] = rowsOf(text);
  if (!head) return undefined;
  const of = (kind: string) => rows.filter(([first]) => first === kind).map((row) => row.slice(1));
  const [version = "", comment = ""] = of("version")[0] ?? [];
  const kinds = ["version", "database", "table", "index", "user"];
  const refused = version === "" ? (rows.map((row) => row.join(" ")).find((line) => line.includes("ERROR")) ?? head[0]!) : undefined;
  const indexes = of("index");
  return {
    ...(refused !== undefined && { refused }),
    version,
    product: /mariadb/i.test(`${version} ${comment}`) ? "MariaDB" : "MySQL",
    variables: Object.fromEntries(
      rows.flatMap(([name = "", value]) => (kinds.includes(name) || value === undefined ? [] : [[name, value]])),
    ),
    databases: of("database").map(([name = "", charset = "", collation = ""]) => ({ name, charset, collation })),
    tables: of("table").map(
      ([database = "", name = "", count, bytes]): Table => ({
        ...{ database, name, rows: Number(count), bytes: Number(bytes) },
        indexes: indexes.flatMap(([inDatabase, table, index = ""]) => (inDatabase === database && table === name ? [index] : [])),
      }),
    ),
    users: of("user").map(([name = "", host = ""]) => ({ name, host })),
  };
}

/** Undefined where none runs. */
export function postgresIn(text: string): Postgres | undefined {
  const [head, ...rows] = rowsOf(text);
  if (!head) return undefined;
  const [, version = "", listen = "", port] = rows.find(([kind]) => kind === "version") ?? [];
  return {
    ...{ version, listen, port: Number(port ?? 5432) },
    databases: rows.flatMap(([kind, name = "", bytes]) => (kind === "database" ? [{ name, bytes: Number(bytes) }] : [])),
  };
}

export const redisIn = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split("\n")
      .filter((line) => line.includes(":"))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );

export function codeIn(text: string): readonly CodeFolder[] {
  const folders: { path: string; marks: string[]; git?: CodeFolder["git"] }[] = [];
  for (const [kind, first = "", ...rest] of rowsOf(text)) {
    const last = folders.at(-1);
    if (kind === "folder") folders.push({ path: first, marks: [] });
    else if (kind === "mark") last?.marks.push(first);
    else if (kind === "git" && last) {
      const [commit = "", branch = "", changed, remote = ""] = rest;
      last.git = { top: first, commit, branch, changed: Number(changed), remote };
    }
  }
  return folders as readonly CodeFolder[];
}
