// An account of MySQL or MariaDB with its password. What the server keeps of the password is compared here: none travels for a look.
import { z } from "zod";
import { type Command, Secret, sh } from "../engine/shell-quote.ts";
import { common, defineKind, missing } from "./kind.ts";
import { account, askSql, lookAtMysql, type MysqlSeen, notSeen, refusedRoot, runSql, sqlText } from "./mysql.ts";
import { nativeHash, passwordFits } from "./mysql-password.ts";

export const MysqlUserName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, { error: "expected a user name of MySQL, such as `app`" });
/** A pattern: `%` is any host, `192.168.0.%` a network. */
export const MysqlHost = z
  .string()
  .regex(/^[A-Za-z0-9%][A-Za-z0-9.%:/_-]{0,254}$/, { error: "expected a host of MySQL's, such as `localhost` or `192.168.0.%`" });

/** As a stack file names one: `192.168.0.%`, or by its mask, `192.168.0.0/255.255.255.0`. */
export const MysqlNetwork = z.string().regex(/^(?:\d{1,3}\.){1,3}%$|^\d{1,3}(?:\.\d{1,3}){3}\/\d{1,3}(?:\.\d{1,3}){3}$/, {
  error: "expected a network of MySQL's, such as `192.168.0.%` or `192.168.0.0/255.255.255.0`",
});

export const MysqlUserWant = z.strictObject({
  ...common,
  name: MysqlUserName,
  host: MysqlHost.default("localhost"),
  password: z.string().min(1).max(200),
});
export type MysqlUserWant = z.infer<typeof MysqlUserWant>;

export interface MysqlUserHave {
  readonly server: MysqlSeen["server"];
  readonly refused?: boolean;
  /** `mysql_native_password` …; `missing` where there is no such account. */
  readonly plugin: string;
  /** What the server keeps, as hex. */
  readonly stored: string;
}

const fits = ({ password }: MysqlUserWant, { plugin, stored }: MysqlUserHave): boolean =>
  passwordFits(password, plugin, Buffer.from(stored, "hex"));

/**
 * MariaDB writes a statement into its logs as it came, and takes the hash instead; MySQL masks the password in its logs, and wants to
 * make its own hash.
 */
function setPassword({ name, host, password }: MysqlUserWant): Command {
  const who = account(name, host);
  const both = (how: string) =>
    runSql(new Secret(`CREATE USER IF NOT EXISTS ${who} IDENTIFIED ${how};\nALTER USER ${who} IDENTIFIED ${how};`));
  return sh`case "${askSql("SELECT VERSION();")}" in
*MariaDB*) ${both(`BY PASSWORD ${sqlText(nativeHash(password))}`)}
;;
*) ${both(`BY ${sqlText(password)}`)}
;;
esac`;
}

export const mysqlUser = defineKind<MysqlUserWant, MysqlUserHave, "password">({
  kind: "mysql-user",
  rank: 200,
  schema: MysqlUserWant,
  address: ({ name, host }) => `mysql-user[${name}@${host}]`,
  touches: () => ({}),
  leans: () => ({ services: true }),
  sensitive: () => ["password"],
  read({ name, host }, look) {
    const seen = lookAtMysql(look);
    return () => {
      const { server, rows, refused } = seen();
      const [, , , plugin = missing, stored = ""] =
        rows.find(([word, user, from]) => word === "user" && user === name && from === host) ?? [];
      return { server, ...(refused && { refused }), plugin, stored };
    };
  },
  plan(want, have, context) {
    const refused = refusedRoot(have, context);
    if (refused) return refused;
    if (have.plugin === missing)
      return [{ change: `create the account \`${want.name}@${want.host}\``, property: "name", run: setPassword(want) }];
    return fits(want, have)
      ? []
      : [{ change: `set the password of \`${want.name}@${want.host}\``, property: "password", run: setPassword(want) }];
  },
  seen(want, have) {
    if (have.plugin === missing) return undefined;
    return fits(want, have) ? want : { ...want, password: `(another one, kept by ${have.plugin})` };
  },
  undo({ name, host }, original, have) {
    if (original.server === "silent") return notSeen;
    if (have.plugin === missing) return [];
    if (original.plugin === missing)
      return [{ change: `drop the account \`${name}@${host}\``, run: runSql(`DROP USER IF EXISTS ${account(name, host)};`) }];
    if (original.stored === have.stored && original.plugin === have.plugin) return [];
    return [{ change: `give \`${name}@${host}\` the password back that it had`, run: restore(account(name, host), original) }];
  },
});

/** By the hash that was there; the two servers have words of their own for it. */
function restore(who: string, { plugin, stored }: MysqlUserHave): Command {
  const hash = Buffer.from(stored, "hex").toString("latin1");
  return sh`case "${askSql("SELECT VERSION();")}" in
*MariaDB*) ${runSql(`ALTER USER ${who} IDENTIFIED VIA ${plugin}${stored ? ` USING ${sqlText(hash)}` : ""};`)}
;;
*) ${runSql(`ALTER USER ${who} IDENTIFIED WITH ${plugin}${stored ? ` AS 0x${stored}` : ""};`)}
;;
esac`;
}
