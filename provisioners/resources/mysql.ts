// What the MySQL and MariaDB kinds share: one look for all of them, how SQL is quoted, and how it reaches the server.
// Root comes in over the local socket (or /root/.my.cnf), and SQL over standard input: nothing of it is in a process list.

import type { Look } from "../engine/probe.ts";
import { type Command, Secret, sh, withInput } from "../engine/shell-quote.ts";
import { type PlanContext, refusing, type Step } from "./kind.ts";

/** In batch mode a result is a line, its columns parted by tabs; `\\`, `\t`, `\n` stand for themselves escaped. */
const client = `"$(command -v mariadb || command -v mysql)" --batch --skip-column-names --connect-timeout=5`;

/** MariaDB keeps passwords elsewhere than MySQL in part of the accounts; `plugin` and `authentication_string` are in both. */
const everything = `SELECT 'database', SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA;
SELECT 'user', User, Host, plugin, HEX(authentication_string) FROM mysql.user;
SELECT 'grant', GRANTEE, TABLE_SCHEMA, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES;
SELECT 'grant', GRANTEE, '*', PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES;
SELECT DISTINCT 'grant', GRANTEE, TABLE_SCHEMA, 'GRANT OPTION' FROM information_schema.SCHEMA_PRIVILEGES WHERE IS_GRANTABLE = 'YES';
SELECT DISTINCT 'grant', GRANTEE, '*', 'GRANT OPTION' FROM information_schema.USER_PRIVILEGES WHERE IS_GRANTABLE = 'YES';
`;

const lookCommand = withInput({ text: `${client} 2>&1`, masked: "mysql" }, everything);

export interface MysqlSeen {
  /** `absent`: no server was ever set up. `silent`: one was, and does not answer, so that what is in it is not known. */
  readonly server: "answers" | "silent" | "absent";
  readonly rows: readonly (readonly string[])[];
  /** It runs, and does not let root in without a password. */
  readonly refused?: boolean;
}

/** What root's client logs in with. Where it lands in this run, what the look could not see is asked again by then. */
export const rootLogin = "/root/.my.cnf";

/** In place of steps that would all end with "access denied"; nothing where the login comes with this run. */
export function refusedRoot(
  { refused }: Pick<MysqlSeen, "refused">,
  { changed }: Pick<PlanContext, "changed">,
): readonly Step[] | undefined {
  if (!refused || changed.has(`file[${rootLogin}]`)) return undefined;
  const sentence = `the database server does not let root in without a password; give it as \`params.mysql.rootPassword\`, or have it in ${rootLogin} on the server`;
  return [{ change: `${refusing}${sentence}`, property: "name", run: sh`printf '%s\\n' ${sentence}\nexit 1` }];
}

/** The same question for every kind, and so one process for all of them. */
export function lookAtMysql(look: Look): () => MysqlSeen {
  const data = look.path("/var/lib/mysql/mysql");
  const answer = look.command(lookCommand);
  return () => {
    const { code, stdout } = answer();
    if (code !== 0 && /ERROR (1045|1698)\b/.test(stdout)) return { server: "silent", rows: [], refused: true };
    if (code !== 0) return { server: data().type === "directory" ? "silent" : "absent", rows: [] };
    return { server: "answers", rows: stdout.split("\n").map((line) => line.split("\t").map(unescapeColumn)) };
  };
}

const escapes: Readonly<Record<string, string>> = { "\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\" };
const unescapeColumn = (column: string): string => column.replace(/\\[nt0\\]/g, (escaped) => escapes[escaped] ?? escaped);

/** A string of SQL, for any text, under the SQL mode that `runSql` sets. */
export const sqlText = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
/** A name of SQL: a database, a column. */
export const sqlName = (name: string): string => `\`${name.replaceAll("`", "``")}\``;
export const account = (user: string, host: string): string => `${sqlText(user)}@${sqlText(host)}`;

/** Statements, each ended by a semicolon. The mask shows their size alone. */
export const runSql = (statements: string | Secret): Command => {
  const text = statements instanceof Secret ? statements.reveal() : statements;
  return withInput({ text: client, masked: "mysql" }, new Secret(`SET SESSION sql_mode = '';\n${text}\n`));
};

/** A question of its own, a line a row. Fails where the server gives no answer. */
export const queryLines = (question: string): Command => withInput({ text: client, masked: "mysql" }, `${question}\n`);

/** Statements one by one: what the server does not take is said, and the next is tried. */
export const runSqlLoosely = (statements: string): Command =>
  withInput({ text: `${client} --force || :`, masked: "mysql" }, new Secret(`${statements}\n`));

/** One value for one question, as shell text to stand in double quotes. */
export const askSql = (question: string): Command => sh`$(${withInput({ text: client, masked: "mysql" }, `${question}\n`)}\n)`;

/** An undo must not take for absent what it could not see. */
export const notSeen = "the server did not answer when the role came, so what was in it is not known";
