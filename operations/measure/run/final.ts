// What a run that counts and `fleet finalize` switched off, with its way back: lines in one file on the server, the last one first.
import { type Command, lines, quote, raw } from "../../../provisioners/engine/shell-quote.ts";
import { dropWayBack, keepWayBack } from "../../../provisioners/engine/ways-back.ts";

/** Root's alone. */
export const finalFolder = "/var/lib/fleet/final";

/** What the lines may call. */
export const finalClient = `sql() { client=$(command -v mariadb || command -v mysql); if "$client" -e 'select 1' >/dev/null 2>&1; then "$client" -e "$1"; else "$client" --defaults-file=/etc/mysql/debian.cnf -e "$1"; fi; }
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

/** Says `nothing` where nothing was switched off here. */
export const undoFinal: Command = lines([raw(`[ -s ${finalFolder}/undo ] || echo nothing\n${goingBack}`), dropWayBack(wayBack.name)]);
