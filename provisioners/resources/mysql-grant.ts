// What an account of MySQL or MariaDB may do in one database, or (`*`) on the whole server: exactly that.
import { z } from "zod";
import { Identifier } from "../../spec/scalars.ts";
import { common, defineKind } from "./kind.ts";
import { account, lookAtMysql, type MysqlSeen, notSeen, refusedRoot, runSql, sqlName } from "./mysql.ts";
import { MysqlHost, MysqlUserName } from "./mysql-user.ts";

const Privilege = z.string().regex(/^[A-Z]+(?: [A-Z]+){0,3}$/, { error: "expected a privilege in capitals, such as `SELECT`, or `ALL`" });

/** Handing its own rights on: a privilege to the look, and words of their own (`WITH GRANT OPTION`) to the server. */
const handOn = "GRANT OPTION";

export const Privileges = z
  .array(Privilege)
  .min(1)
  .readonly()
  .refine((all) => !all.includes("ALL") || all.every((each) => each === "ALL" || each === handOn), {
    error: "expected `ALL` alone or with `GRANT OPTION`, or single privileges",
  });

export const MysqlGrantWant = z.strictObject({
  ...common,
  user: MysqlUserName,
  host: MysqlHost.default("localhost"),
  /** `*` stands for the whole server. */
  database: z.union([Identifier, z.literal("*")]),
  /** `ALL`, or a list; `GRANT OPTION` beside either. */
  privileges: Privileges.default(["ALL"]),
});
export type MysqlGrantWant = z.infer<typeof MysqlGrantWant>;

export interface MysqlGrantHave {
  readonly server: MysqlSeen["server"];
  readonly refused?: boolean;
  /** Sorted. */
  readonly privileges: readonly string[];
}

/** Of one database, in every version: who has these has `ALL`. MariaDB's `DELETE HISTORY` comes and goes with it. */
const all = [
  ...["ALTER", "ALTER ROUTINE", "CREATE", "CREATE ROUTINE", "CREATE TEMPORARY TABLES", "CREATE VIEW", "DELETE", "DROP", "EVENT", "EXECUTE"],
  ...["INDEX", "INSERT", "LOCK TABLES", "REFERENCES", "SELECT", "SHOW VIEW", "TRIGGER", "UPDATE"],
];
/** `ALL` of the whole server holds these too. */
const serverWide = [...all, "CREATE USER", "PROCESS", "RELOAD", "SHUTDOWN"];

/** `_` in a name would stand for any letter. */
const pattern = (database: string): string => database.replaceAll("_", "\\_");
const scope = ({ database }: MysqlGrantWant): string => (database === "*" ? "*.*" : `${sqlName(pattern(database))}.*`);

const wantsAll = ({ privileges }: MysqlGrantWant): boolean => privileges.includes("ALL");
const lacks = (want: MysqlGrantWant, { privileges }: MysqlGrantHave): readonly string[] => {
  const held = (each: string): boolean =>
    each === "ALL" ? (want.database === "*" ? serverWide : all).every((one) => privileges.includes(one)) : privileges.includes(each);
  return want.privileges.filter((each) => !held(each));
};
const exceeds = (want: MysqlGrantWant, { privileges }: MysqlGrantHave): readonly string[] =>
  wantsAll(want) ? [] : privileges.filter((each) => !want.privileges.includes(each));

const grant = (privileges: readonly string[], want: MysqlGrantWant): string => {
  const rights = privileges.filter((each) => each !== handOn).join(", ") || "USAGE";
  return `GRANT ${rights} ON ${scope(want)} TO ${account(want.user, want.host)}${privileges.includes(handOn) ? ` WITH ${handOn}` : ""};`;
};
const revoke = (privileges: readonly string[], want: MysqlGrantWant): string =>
  `REVOKE ${privileges.join(", ")} ON ${scope(want)} FROM ${account(want.user, want.host)};`;

export const mysqlGrant = defineKind<MysqlGrantWant, MysqlGrantHave>({
  kind: "mysql-grant",
  rank: 210,
  schema: MysqlGrantWant,
  address: ({ user, host, database }) => `mysql-grant[${user}@${host}:${database}]`,
  touches: () => ({}),
  leans: () => ({ services: true }),
  read({ user, host, database }, look) {
    const seen = lookAtMysql(look);
    const mine = ([word, grantee, of]: readonly string[]): boolean =>
      word === "grant" && grantee === `'${user}'@'${host}'` && (of === database || of === pattern(database));
    return () => {
      const { server, rows, refused } = seen();
      // USAGE is the name of no privilege at all.
      const privileges = rows.filter(mine).flatMap(([, , , privilege = ""]) => (privilege === "USAGE" ? [] : [privilege]));
      return { server, ...(refused && { refused }), privileges: privileges.sort() };
    };
  },
  plan(want, have, context) {
    const refused = refusedRoot(have, context);
    if (refused) return refused;
    const [more, less] = [lacks(want, have), exceeds(want, have)];
    return [
      ...(more.length > 0
        ? [{ change: `grant ${more.join(", ")} on \`${want.database}\``, property: "privileges", run: runSql(grant(more, want)) }]
        : []),
      ...(less.length > 0
        ? [{ change: `revoke ${less.join(", ")} on \`${want.database}\``, property: "privileges", run: runSql(revoke(less, want)) }]
        : []),
    ];
  },
  seen(want, have) {
    if (have.privileges.length === 0) return undefined;
    return lacks(want, have).length + exceeds(want, have).length === 0 ? want : { ...want, privileges: have.privileges };
  },
  undo(want, original, have) {
    if (original.server === "silent") return notSeen;
    const was = { ...want, privileges: original.privileges };
    const [more, less] = [lacks(was, have), exceeds(was, have)];
    if (more.length + less.length === 0) return [];
    const sql = [...(more.length > 0 ? [grant(more, want)] : []), ...(less.length > 0 ? [revoke(less, want)] : [])];
    return [{ change: `rights on \`${want.database}\` as they were`, run: runSql(sql.join("\n")) }];
  },
});
