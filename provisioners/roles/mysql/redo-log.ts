// Whether the disk has room for the redo log: asked before a restart, since the server makes all of it at its start, and dies where it can't.
import type { MyCnf } from "../../../templates/mysql/my-cnf.ts";
import { sh } from "../../engine/shell-quote.ts";

const units: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes; undefined for what is no size. */
function bytesIn(value: string | undefined): number | undefined {
  const [, digits, unit = ""] = /^(\d+)([KMGT]?)$/i.exec(value ?? "") ?? [];
  return digits === undefined ? undefined : Number(digits) * units[unit.toUpperCase()]!;
}

/** MiB of all its files. */
export function redoLogIn({ innodb_redo_log_capacity: whole, ...settings }: MyCnf["settings"], files: number): number | undefined {
  const one = bytesIn(settings.innodb_log_file_size);
  const all = bytesIn(whole) ?? (one === undefined ? undefined : one * Number(settings.innodb_log_files_in_group ?? files));
  return all === undefined ? undefined : Math.ceil(all / 2 ** 20);
}

/** Beside it, MiB for what else the server writes at its start. */
const spare = 64;

/** Shell text. What is there of the log already counts as room. */
export function redoLogCheck(settings: MyCnf["settings"], files: number): string | undefined {
  const wanted = redoLogIn(settings, files);
  if (wanted === undefined) return undefined;
  return sh`data=${settings.datadir ?? "/var/lib/mysql"}
while [ ! -d "$data" ]; do data=$(dirname -- "$data"); done
has=$(du -cm -- "$data"/ib_logfile* "$data"/'#innodb_redo' 2>/dev/null | tail -n 1 | cut -f 1)
free=$(df -P -m -- "$data" | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\\([0-9]*\\) .*/\\1/p')
if [ $((${wanted} - \${has:-0})) -gt 0 ] && [ $((${wanted} - \${has:-0} + ${spare})) -gt "\${free:-0}" ]; then
  printf 'expected %s MiB on the disk of %s for a redo log of %s MiB, got %s MiB free; make room, or set a smaller innodb_log_file_size in mysql.settings\\n' $((${wanted} - \${has:-0} + ${spare})) "$data" ${wanted} "\${free:-0}"
  exit 1
fi`.text;
}
