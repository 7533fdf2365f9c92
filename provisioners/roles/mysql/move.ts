// How a database comes to another server: dumped into it over the network that its clients will use, while nobody writes; counted and
// summed on both; accounts with it, and one more of each that came by loopback for every server that comes from elsewhere now.
import { type Command, lines, quote, raw, Secret, sh, withInput } from "../../engine/shell-quote.ts";
import { runSql, sqlName, sqlText } from "../../resources/mysql.ts";
import type { DataMove, Guest, Holdings, Move, MoveContext } from "../move.ts";

const clientProgram = `"$(command -v mariadb || command -v mysql)"`;
const client = `${clientProgram} --batch --skip-column-names --raw --connect-timeout=5`;
const dumper = `"$(command -v mariadb-dump || command -v mysqldump)"`;

const own = "('mysql','sys','information_schema','performance_schema')";
/** Those of the server itself, and the one that copies. */
const copier = "fleet_split";
const ownUsers = `('root','mysql','mysql.sys','mysql.session','mysql.infoschema','mariadb.sys','debian-sys-maint','${copier}')`;

const lookText = `SELECT 'version', @@version;
SELECT 'item', s.schema_name, COALESCE(SUM(t.data_length + t.index_length), 0), CONCAT(COUNT(t.table_name), IF(COUNT(t.table_name) = 1, ' table', ' tables'), ', about ', COALESCE(SUM(t.table_rows), 0), ' rows') FROM information_schema.schemata s LEFT JOIN information_schema.tables t ON t.table_schema = s.schema_name AND t.table_type = 'BASE TABLE' WHERE s.schema_name NOT IN ${own} GROUP BY s.schema_name ORDER BY s.schema_name;
SELECT DISTINCT 'writer', SUBSTRING_INDEX(SUBSTRING(GRANTEE, 2), '''@', 1) AS who FROM information_schema.user_privileges WHERE privilege_type IN ('SUPER', 'READ_ONLY ADMIN') AND @@version LIKE '%MariaDB%' HAVING who NOT IN ${ownUsers};
SELECT DISTINCT 'writer', user FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID() AND @@version LIKE '%MariaDB%';
`;

const look = lines([
  withInput(raw(client), lookText),
  raw(`printf 'free\\t%s\\n' "$(df -Pk -- "$(printf 'SELECT @@datadir;\\n' | ${client})" | awk 'NR == 2 { print $4 * 1024 }')"`),
]);

/** What a dump needs to be the same everywhere; of an option that only one of the products has, the other is not told. */
const dumpAll = (names: readonly string[], login = ""): string =>
  `only=
for option in --set-gtid-purged=OFF --column-statistics=0; do
  if ${dumper} --help 2>/dev/null | grep -q -e "\${option%=*}"; then only="$only $option"; fi
done
${dumper} ${login} $only --single-transaction --quick --routines --events --triggers --hex-blob --default-character-set=utf8mb4 --add-drop-database --databases ${names.map(quote).join(" ")}`;

/** Shell text: the accounts that a condition of SQL holds for, a line each, as SQL names them. */
const accountNames = (where: string): string =>
  `printf '%s\\n' ${quote(`SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user WHERE user <> '' AND ${where};`)} | ${client}`;

/**
 * Shell text: SQL that makes accounts anew, whether they are there or not: those that a condition holds for, as far as a filter lets them through.
 * Under `set -e` it fails where they can't be read: none would be another answer.
 */
const accountsSql = (where: string, filter = ""): string => `{
  names=$(${accountNames(where)})
  hex=
  case $(printf 'SELECT @@version;\\n' | ${client}) in *MariaDB*) ;; *) hex='SET SESSION print_identified_with_as_hex = ON;' ;; esac
  printf '%s\\n' "$names" ${filter} | while IFS= read -r who; do
    [ -n "$who" ] || continue
    made=$(printf '%s\\n' "$hex SHOW CREATE USER $who;" | ${client})
    grants=$(printf '%s\\n' "SHOW GRANTS FOR $who;" | ${client})
    printf 'CREATE USER IF NOT EXISTS %s;\\nALTER USER %s;\\n' "\${made#CREATE USER }" "\${made#CREATE USER }"
    printf '%s\\n' "$grants" | sed 's/$/;/'
  done
}`;

const theirs = `user NOT IN ${ownUsers}`;

function dataOf({ from, to, seen, clients, folder, back, secret }: MoveContext): DataMove {
  const names = seen.from.items.map(({ name }) => name);
  const there = seen.to.items.map(({ name }) => name).filter((name) => names.includes(name));
  const enter = `set -e\numask 077\nmkdir -p ${quote(folder)}\ncd ${quote(folder)}`;
  // Whoever its clients reach now, or will, is reached for the copy too: the old one pushes, and on the way back pulls.
  const [host, guest] = back === undefined ? (["to", "from"] as const) : (["from", "to"] as const);
  const place = { from, to };
  const account = `'${copier}'@${sqlText(place[guest].address)}`;
  const open = runSql(
    new Secret(
      `DROP USER IF EXISTS ${account}; CREATE USER ${account} IDENTIFIED BY ${sqlText(secret.reveal())}; GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION;`,
    ),
  );
  const shut = runSql(`DROP USER IF EXISTS ${account};`);
  const login = lines([
    withInput(
      sh`umask 077
mkdir -p ${folder}
cat > ${`${folder}/login`}`,
      new Secret(
        `[client]\nuser = ${copier}\npassword = "${secret.reveal()}"\nhost = ${place[host].address}\nport = ${place[host].port}\nprotocol = tcp\n`,
      ),
    ),
    // Of a certificate that a server has made for itself nobody knows the maker.
    raw(
      `case $(${clientProgram} --version) in *MariaDB*) echo loose-skip-ssl-verify-server-cert ;; *) echo get-server-public-key ;; esac >> ${quote(`${folder}/login`)}`,
    ),
  ]);
  const byLogin = "--defaults-extra-file=login";
  const remote = `${clientProgram} ${byLogin} --connect-timeout=10 --default-character-set=utf8mb4`;
  const dumped =
    back === undefined
      ? `{ {\n${dumpAll(names)}\n} || echo 'the dump failed;'; } | ${remote}`
      : `{ {\n${dumpAll(names, byLogin)}\n} || echo 'the dump failed;'; } | ${client}`;
  const accounts = back === undefined ? accountsAcross(clients.filter((address) => address !== to.address)) : newAccounts(back);
  const copies = { at: guest, what: `copies ${names.join(", ")} to ${to.name}`, run: raw(`${enter}\n${dumped}`) };
  return {
    keep: raw(`${enter}
${accountsSql(theirs)} > accounts.sql
: > before.sql
${there.length === 0 ? "" : `{ ${dumpAll(there)}\n} > before.sql\n`}touch kept`),
    putBack: raw(`cd ${quote(folder)} 2>/dev/null && [ -e kept ] || exit 0
set -e
printf '%s\\n' ${quote(names.map((name) => `DROP DATABASE IF EXISTS ${sqlName(name)};`).join("\n"))} | ${client}
${client} < before.sql
${accountNames(theirs)} | sed 's/.*/DROP USER &;/' | ${client}
${client} < accounts.sql`),
    before: [
      { at: host, what: `lets ${place[guest].name} in for the copy`, run: open, undo: shut },
      {
        at: guest,
        what: `reaches the database of ${place[host].name}`,
        run: lines([login, raw(`${enter}\nprintf 'SELECT 1;\\n' | ${remote} > /dev/null`)]),
        undo: sh`rm -f ${`${folder}/login`}`,
      },
    ],
    ...(seen.from.writers.length === 0 && { stop: stopText, go: goText, hold: stopText, release: goText }),
    copy: [
      ...(names.length === 0 ? [] : [copies]),
      {
        at: "from",
        what: back === undefined ? `copies the accounts to ${to.name}` : `copies accounts that are new since to ${to.name}`,
        run: raw(accounts),
        pass: (sql) => withInput(raw(client), new Secret(sql === "" ? "\n" : sql)),
      },
    ],
    digest: digestOf(names, seen),
    after: [
      { at: host, what: `lets ${place[guest].name} in no more`, run: shut },
      { at: guest, what: "forgets the way in", run: sh`rm -f ${`${folder}/login`}` },
      ...(back === undefined
        ? [{ at: "to", what: "remembers which accounts came", run: raw(`${enter}\n${accountNames(theirs)} > came`) } as const]
        : []),
    ],
  };
}

/** And for each server that comes from elsewhere now, one of each that came by loopback. */
const accountsAcross = (others: readonly string[]): string => `set -e
${accountsSql(theirs)}
for address in ${others.map(quote).join(" ")}; do
  ${accountsSql(`${theirs} AND host IN ('localhost', '127.0.0.1', '::1')`)} | sed 's/@\`[^\`]*\`/@\`'"$address"'\`/'
done`;

/** Of each account that comes by a known address, one more; one that is there already keeps what it may. */
function welcome({ address, known, folder }: Guest): ReturnType<NonNullable<Move["welcome"]>> {
  const guests = accountNames(`${theirs} AND host = ${sqlText(address)}`);
  const hosts = known.map(sqlText).join(", ");
  const host = sqlText(address);
  const missing = `${theirs} AND host IN (${hosts}) AND user NOT IN (SELECT user FROM mysql.user WHERE host = ${host})`;
  return {
    run: raw(`set -e
umask 077
mkdir -p ${quote(folder)}
cd ${quote(folder)}
[ -e guests-before ] || { ${guests} > guests-before.new; mv guests-before.new guests-before; }
sql=$(${accountsSql(missing)})
printf '%s\\n' "$sql" | sed 's/@\`[^\`]*\`/@\`${address}\`/' | ${client}`),
    undo: raw(`cd ${quote(folder)} 2>/dev/null && [ -e guests-before ] || exit 0
set -e
now=$(${guests})
printf '%s\\n' "$now" | { grep -vxF -f guests-before || :; } | sed '/^$/d; s/.*/DROP USER IF EXISTS &;/' | ${client}
rm -f guests-before
rmdir ${quote(folder)} 2>/dev/null || :`),
  };
}

/** What either server had of its own stays as it is there. */
const newAccounts = (back: string): string => `set -e
came=${quote(`${back}/came`)}
[ -e "$came" ] || came=/dev/null
${accountsSql(theirs, '| { grep -vxF -f "$came" || :; }')}`;

/** Waits for what is being written; whoever reads goes on. */
const stopText = raw(`printf '%s\\n' 'SET SESSION lock_wait_timeout = 20; SET GLOBAL read_only = ON;' | ${client} || exit 1
case $(printf 'SELECT @@version;\\n' | ${client}) in *MariaDB*) ;; *) printf 'SET GLOBAL super_read_only = ON;\\n' | ${client} ;; esac`);

const goText = raw(`printf 'SELECT 1;\\n' | ${client} >/dev/null 2>&1 || exit 0
case $(printf 'SELECT @@version;\\n' | ${client}) in *MariaDB*) ;; *) printf 'SET GLOBAL super_read_only = OFF;\\n' | ${client} ;; esac
printf 'SET GLOBAL read_only = OFF;\\n' | ${client}`);

/** Sums are of one version's own reckoning: of two versions the rows are counted. */
function digestOf(names: readonly string[], { from, to }: { readonly from: Holdings; readonly to: Holdings }): Command {
  const list = names.map(sqlText).join(", ") || "''";
  const alike = from.version === to.version;
  const each = alike
    ? "CONCAT('CHECKSUM TABLE ', id, ' EXTENDED;')"
    : "CONCAT('SELECT ''', REPLACE(name, '''', ''''''), ''', COUNT(*) FROM ', id, ';')";
  const ids = `SELECT ${each} FROM (SELECT CONCAT(table_schema, '.', table_name) AS name, CONCAT('\`', REPLACE(table_schema, '\`', '\`\`'), '\`.\`', REPLACE(table_name, '\`', '\`\`'), '\`') AS id FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema IN (${list})) AS tables_of ORDER BY name;`;
  const beside = ["views:table_schema", "routines:routine_schema", "triggers:trigger_schema", "events:event_schema"].map((pair) => {
    const [table, column] = pair.split(":");
    return `SELECT '${table}', COUNT(*) FROM information_schema.${table} WHERE ${column} IN (${list});`;
  });
  return raw(`set -e
printf '%s\\n' ${quote(ids)} | ${client} > /dev/null
printf '%s\\n' ${quote(ids)} | ${client} | ${client}
printf '%s\\n' ${quote(beside.join("\n"))} | ${client}`);
}

const loopback = /^(?:127\.[\d.]+|localhost|::1)$/;

/** A list of addresses, which MariaDB takes from 10.11 and MySQL from 8.0.13 on. */
function listen({ path, text }: { readonly path: string; readonly text: string }, address: string): string {
  if (!path.startsWith("/etc/mysql/")) return text;
  return text
    .replace(/^([ \t]*bind[-_]address[ \t]*=[ \t]*)([^\n#]*?)([ \t]*(?:#.*)?)$/gim, (line, key: string, value: string, rest: string) => {
      const all = value.split(",").map((each) => each.trim());
      return all.every((each) => loopback.test(each)) ? `${key}${[...all, address].join(",")}${rest}` : line;
    })
    .replace(/^([ \t]*)(skip[-_]networking)([ \t]*(?:=[ \t]*(?:1|on|true))?[ \t]*)$/gim, "$1# $2$3");
}

export const mysqlMove = ({ port }: { readonly port: number }): Move => ({
  clients: {
    ports: [port],
    words: ["DB", "DATABASE", "MYSQL", "MARIADB", "SQL"],
    schemes: ["mysql", "mysql2", "mariadb", "jdbc:mysql", "jdbc:mariadb"],
  },
  units: ["mariadb.service", "mysql.service", "mysqld.service"],
  listen,
  look,
  data: dataOf,
  welcome,
});
