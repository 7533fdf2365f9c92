// What a run that counts and `fleet finalize` switched off, with its way back: lines in one file on the server, the last one first.
import { pathFunctions } from "../../../provisioners/engine/prelude.ts";
import { type Command, lines, quote, raw } from "../../../provisioners/engine/shell-quote.ts";
import { unitLinks } from "../../../provisioners/engine/unit-links.ts";
import { dropWayBack, keepWayBack } from "../../../provisioners/engine/ways-back.ts";
import { redisClient } from "../../retest/redis-client.ts";

/** Root's alone. */
export const finalFolder = "/var/lib/fleet/final";

/**
 * Which start of the database this is. What was set in one that has started since is gone: it came up with its files, as they were for the
 * roles, or as they are now that the roles went back.
 */
export const databaseStart = `database() { for each in $(pgrep -x 'mysqld|mariadbd'); do printf '%s-%s' "$each" "$(cut -d ' ' -f 22 "/proc/$each/stat")"; return; done; printf none; }`;

/** Back on where the database still is the one that had it on, or where its files say so, ours being gone. */
const logBack = `log_back() {
  now=$(database)
  if [ "$now" = none ]; then return; fi
  if [ "$now" != "$2" ]; then
    program=$(command -v mariadbd || command -v mysqld)
    said=$("$program" --help --verbose 2>/dev/null | awk -v name="$(printf %s "$1" | tr _ -)" '$1 == name { print $2 }')
    case $said in TRUE | ON | 1) ;; *) return ;; esac
  fi
  sql "set global $1 = 1"
}`;

/**
 * `kept_file NAME PATH`, before the first change of a file: how it is. `file_back NAME PATH` bears to run again: a way back of which a later line failed
 * begins anew. In a `down` the roles went back before: what one of them had comes from before it, and what went with a package has no folder.
 */
const files = `kept_file() {
  if grep -sqF "file_back $1 " ${finalFolder}/undo; then return; fi
  if [ -e "$2" ] || [ -L "$2" ]; then fleet_copy "$2" "${finalFolder}/kept-$1" -T --remove-destination; fi
  printf "file_back %s '%s'\\n" "$1" "$2" >>${finalFolder}/undo
}
file_back() {
  if printf '%s\\n' "\${fleet_given:-}" | grep -qxF -- "$2" || [ ! -d "\${2%/*}" ]; then return; fi
  if [ -e "${finalFolder}/kept-$1" ] || [ -L "${finalFolder}/kept-$1" ]; then
    run=final
    fleet_back "${finalFolder}/kept-$1" "$2"
  else fleet_remove "$2"; fi
}`;

/** What the lines may call. */
export const finalClient = `${pathFunctions}
${databaseStart}
${logBack}
${files}
${unitLinks}
${redisClient}
known() { [ "$(systemctl show -p LoadState --value -- "$1")" != not-found ]; }
redis_log_off() { if pgrep -x redis-server >/dev/null; then redis_ config set appendonly no >/dev/null; fi; }
sql() { client=$(command -v mariadb || command -v mysql); if "$client" -e 'select 1' >/dev/null 2>&1; then "$client" -e "$1"; else "$client" --defaults-file=/etc/mysql/debian.cnf -e "$1"; fi; }
settings() { for each in /etc/mysql/mariadb.conf.d /etc/mysql/mysql.conf.d /etc/mysql/conf.d /etc/my.cnf.d; do if [ -d "$each" ]; then echo "$each"; return; fi; done; return 1; }`;

const wayBack = { name: "finalize", title: "fleet finalize" } as const;

/** Where a line of it fails, all of it stays. */
const goingBack = `${finalClient}
if [ -s ${finalFolder}/undo ]; then
  tac ${finalFolder}/undo >${finalFolder}/back
  set -e
  . ${finalFolder}/back
fi
rm -rf ${finalFolder}`;

/** Before the first line. */
export const keepFinal: Command = lines([keepWayBack(wayBack, goingBack), raw(`mkdir -p -m 700 ${finalFolder}`)]);

/** One line, before the step that it undoes. */
export const finalUndo = (line: string): Command => raw(`printf '%s\\n' ${quote(line)} >>${finalFolder}/undo`);

/** Before one of the database's logs is switched off. */
export const finalLogBack = (name: string): Command => raw(`printf 'log_back ${name} %s\\n' "$(database)" >>${finalFolder}/undo`);

/** Says `nothing` where nothing was switched off here. */
export const undoFinal: Command = lines([raw(`[ -s ${finalFolder}/undo ] || echo nothing\n${goingBack}`), dropWayBack(wayBack.name)]);
