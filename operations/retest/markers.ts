// What must still be there after the reboot: a file in each place that keeps the application's data, a row in the database, a key in redis.
import { pathFunctions } from "../../provisioners/engine/prelude.ts";
import { type Command, lines, quote, raw } from "../../provisioners/engine/shell-quote.ts";
import { dropWayBack, keepWayBack } from "../../provisioners/engine/ways-back.ts";
import { redisClient } from "./redis-client.ts";

/** `3f9c0a…`: of one retest. */
export type Mark = string;

export const fileName = ".fleet-retest";
const database = (mark: Mark): string => `fleet_retest_${mark}`;

const client = `${pathFunctions}
sql() {
  client=$(command -v mariadb || command -v mysql) || return 1
  if "$client" -e 'select 1' >/dev/null 2>&1; then timeout 20 "$client" -N -B "$@"; else timeout 20 "$client" --defaults-file=/etc/mysql/debian.cnf -N -B "$@"; fi
}
${redisClient}`;

/** Where applications of the team work, and every file system of its own. Not what is read only, nor in memory: a rule tells of that. */
const places = `{ echo /var/lib
for file in /etc/systemd/system/*.service; do [ -f "$file" ] && sed -n 's/^WorkingDirectory=-*\\(\\/.*\\)/\\1/p' "$file"; done
findmnt -nr -t ext4,ext3,xfs,btrfs,f2fs,nfs,nfs4 -o TARGET | grep -vE '^/(boot|proc|sys|dev|run|snap|etc|var/lib/mysql|)(/|$)'
} | sort -u | while read -r place; do [ -d "$place" ] && [ -w "$place" ] && printf '%s\\n' "$place"; done`;

/**
 * Prints `kind`, a tab and the place, a line each. What an earlier retest left goes first. A replica gets no row: its source's comes over. A redis that
 * keeps nothing gets no key.
 */
export const plant = (mark: Mark): Command =>
  lines([
    raw(`${client}\n${removal}`),
    keepWayBack(wayBack, `${client}\n${removal}`),
    raw(`${places} | while read -r place; do
  printf '%s\\n' ${quote(mark)} | fleet_new "$place/${fileName}" && sync "$place/${fileName}" && printf 'file\\t%s\\n' "$place/${fileName}"; done
if pgrep -x 'mysqld|mariadbd' >/dev/null && [ "$(sql -e 'select @@global.read_only' 2>/dev/null)" = 0 ]; then
  sql -e ${quote(`create database ${database(mark)}; create table ${database(mark)}.mark (mark varchar(64) primary key) engine=InnoDB; insert into ${database(mark)}.mark values ('${mark}')`)} && printf 'row\\t%s\\n' ${database(mark)}
fi
if pgrep -x redis-server >/dev/null && { [ "$(redis_ config get appendonly | sed -n 2p)" = yes ] || [ -n "$(redis_ config get save | sed -n 2p)" ]; }; then
  [ "$(redis_ set fleet:retest ${quote(mark)})" = OK ] && printf 'key\\tfleet:retest\\n'
fi
:`),
  ]);

/** Prints the same lines for what is there and says the same. */
export const readBack = (mark: Mark, planted: readonly Planted[]): Command =>
  raw(`${client}
${planted
  .map(({ kind, place }) => {
    const said =
      kind === "file"
        ? `$(cat -- ${quote(place)})`
        : kind === "row"
          ? `$(sql -e ${quote(`select mark from ${place}.mark`)})`
          : `$(redis_ get ${quote(place)})`;
    return `[ "${said}" = ${quote(mark)} ] && printf '${kind}\\t%s\\n' ${quote(place)}`;
  })
  .join("\n")}
:`);

const wayBack = { name: "retest", title: "fleet retest" } as const;

const removal = `${places} | while read -r place; do fleet_remove "$place/${fileName}"; done
if pgrep -x 'mysqld|mariadbd' >/dev/null; then
  sql -e "select schema_name from information_schema.schemata where schema_name like 'fleet\\_retest\\_%'" 2>/dev/null | grep -xE 'fleet_retest_[0-9a-f]{12}' | while read -r each; do sql -e "drop database $each"; done
fi
if pgrep -x redis-server >/dev/null; then redis_ del fleet:retest >/dev/null || :; fi
:`;

/** Everything of a retest, this one's and earlier ones'. */
export const remove = (): Command => lines([raw(`${client}\n${removal}`), dropWayBack(wayBack.name)]);

export interface Planted {
  readonly kind: string;
  readonly place: string;
}

export const plantedIn = (stdout: string): readonly Planted[] =>
  stdout
    .split("\n")
    .map((line) => line.split("\t"))
    .flatMap(([kind = "", place]) => (["file", "row", "key"].includes(kind) && place !== undefined ? [{ kind, place }] : []));

const names: Readonly<Record<string, string>> = { file: "file", row: "row in database", key: "key in redis" };
export const markText = ({ kind, place }: Planted): string => `${names[kind] ?? kind} ${place}`;
