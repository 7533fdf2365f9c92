// A database of MySQL or MariaDB, with its character set, and once, when it is made, the content of a dump.
import { z } from "zod";
import { AbsolutePath, Identifier } from "../../spec/scalars.ts";
import { unaliased } from "../../templates/mysql/charset.ts";
import { type Command, lines, sh } from "../engine/shell-quote.ts";
import { common, defineKind, type Step } from "./kind.ts";
import { askSql, lookAtMysql, type MysqlSeen, notSeen, refusedRoot, runSql, sqlName, sqlText } from "./mysql.ts";

export const MysqlDatabaseWant = z.strictObject({
  ...common,
  name: Identifier.max(50),
  charset: Identifier.default("utf8mb4"),
  /** @default the server's own for the character set */
  collation: Identifier.optional(),
  /** A file on the server, SQL as mysqldump writes it, plain or as .gz: loaded where the database is not there. */
  dump: AbsolutePath.optional(),
  /** Undoing the role drops the database with all that is in it. @default false: it stays, and the report says so */
  dropOnUndo: z.boolean().default(false),
});
export type MysqlDatabaseWant = z.infer<typeof MysqlDatabaseWant>;

export interface MysqlDatabaseHave {
  readonly server: MysqlSeen["server"];
  readonly refused?: boolean;
  readonly there: boolean;
  /** The loading of a dump began and did not end. */
  readonly halfLoaded: boolean;
  readonly charset: string;
  readonly collation: string;
}

/** An empty database that is there while a dump loads: a run that is killed meanwhile leaves it, and the next begins anew. */
const loadingMark = (name: string): string => `${name}__loading`;

const definition = ({ name, charset, collation }: MysqlDatabaseWant): string =>
  `DATABASE ${sqlName(name)} CHARACTER SET ${charset}${collation ? ` COLLATE ${collation}` : ""};`;

function createStep(want: MysqlDatabaseWant, { halfLoaded }: MysqlDatabaseHave): Step {
  const like = `create with character set \`${want.charset}\``;
  const change = `${like}${want.dump ? `, and load \`${want.dump}\`${halfLoaded ? " anew: the last loading was cut short" : ""}` : ""}`;
  return {
    change,
    property: "name",
    run: want.dump ? load(want, want.dump) : runSql(`CREATE ${definition(want).replace("DATABASE", "DATABASE IF NOT EXISTS")}`),
  };
}

/** The server may have been down at the look: what it holds is asked again, so that a dump never runs over a database that is there. */
function load(want: MysqlDatabaseWant, dump: string): Command {
  const [name, mark] = [want.name, loadingMark(want.name)];
  const held = (database: string) => askSql(`SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${sqlText(database)};`);
  const client = sh`"$(command -v mariadb || command -v mysql)" --batch ${name}`;
  return lines([
    sh`if [ ! -r ${dump} ]; then printf 'expected a dump, got nothing to read at %s\n' ${dump}; exit 1; fi`,
    ...(dump.endsWith(".gz") ? [sh`gzip -t -- ${dump}`] : []),
    sh`if [ "${held(name)}" = 1 ] && [ "${held(mark)}" = 0 ]; then exit 0; fi`,
    runSql(`CREATE DATABASE IF NOT EXISTS ${sqlName(mark)};\nDROP DATABASE IF EXISTS ${sqlName(name)};\nCREATE ${definition(want)}`),
    dump.endsWith(".gz") ? sh`gzip -dc -- ${dump} | ${client}` : sh`${client} < ${dump}`,
    runSql(`DROP DATABASE ${sqlName(mark)};`),
  ]);
}

/** `utf8` is an alias that the server never shows. */
const same = (wanted: string, seen: string): boolean => unaliased(wanted) === unaliased(seen);
const isRight = (want: MysqlDatabaseWant, have: MysqlDatabaseHave): boolean =>
  same(want.charset, have.charset) && (want.collation === undefined || same(want.collation, have.collation));

export const mysqlDatabase = defineKind<MysqlDatabaseWant, MysqlDatabaseHave>({
  kind: "mysql-database",
  rank: 190,
  schema: MysqlDatabaseWant,
  address: ({ name }) => `mysql-database[${name}]`,
  touches: () => ({}),
  leans: () => ({ services: true }),
  read(want, look) {
    const seen = lookAtMysql(look);
    return () => {
      const { server, rows, refused } = seen();
      const row = (name: string) => rows.find(([word, database]) => word === "database" && database === name);
      const [, , charset = "", collation = ""] = row(want.name) ?? [];
      return {
        server,
        ...(refused && { refused }),
        there: row(want.name) !== undefined,
        halfLoaded: row(loadingMark(want.name)) !== undefined,
        charset,
        collation,
      };
    };
  },
  plan(want, have, context) {
    const refused = refusedRoot(have, context);
    if (refused) return refused;
    if (!have.there || have.halfLoaded) return [createStep(want, have)];
    if (isRight(want, have)) return [];
    const next = [want.charset, want.collation].filter(Boolean).join(" ");
    const change = `character set of new tables \`${want.collation ? `${have.charset} ${have.collation}` : have.charset}\` → \`${next}\``;
    return [{ change, property: same(want.charset, have.charset) ? "collation" : "charset", run: runSql(`ALTER ${definition(want)}`) }];
  },
  seen(want, have) {
    if (!have.there || have.halfLoaded) return undefined;
    const shown = (wanted: string, seen: string) => (same(wanted, seen) ? wanted : seen);
    const collation = want.collation !== undefined && { collation: shown(want.collation, have.collation) };
    return { ...want, charset: shown(want.charset, have.charset), ...collation };
  },
  purge(want, original, have) {
    if (original.server === "silent" || original.there || !have.there || want.dropOnUndo) return undefined;
    const change = `drop the database \`${want.name}\` with all that is in it`;
    return { step: { change, run: runSql(`DROP DATABASE IF EXISTS ${sqlName(want.name)};`) } };
  },
  undo(want, original, have) {
    if (original.server === "silent") return notSeen;
    if (!have.there) return [];
    if (original.there) {
      if (original.charset === have.charset && original.collation === have.collation) return [];
      const back = { ...want, charset: original.charset, collation: original.collation };
      return [
        {
          change: `character set of new tables back to \`${original.charset} ${original.collation}\``,
          run: runSql(`ALTER ${definition(back)}`),
        },
      ];
    }
    if (!want.dropOnUndo)
      return `its data may be wanted, and stays; \`DROP DATABASE ${want.name}\` on the server drops it, or \`fleet down --purge\``;
    return [{ change: "drop it with all that is in it", run: runSql(`DROP DATABASE IF EXISTS ${sqlName(want.name)};`) }];
  },
});
