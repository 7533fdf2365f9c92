// SHOW GLOBAL VARIABLES against my.cnf. A server lowers what it has no room for (max_connections by its open files) and takes what it
// does not understand for OFF, with a line in its log that nobody reads.
import { unaliased } from "../../../templates/mysql/charset.ts";
import { bytes } from "../../../templates/mysql/translations.ts";
import { type Command, lines, sh } from "../../engine/shell-quote.ts";
import { queryLines, runSqlLoosely, sqlText } from "../mysql.ts";
import type { Reader, Values } from "./reader.ts";

const [on, off] = [/^(1|on|true|yes)$/i, /^(0|off|false|no)$/i];

const chunk = 128 * 1024 ** 2;

/** Sizes are rounded to blocks, and the buffer pool up to whole chunks in each instance; counts are what was asked for. */
function sameNumber(name: string, wanted: number, live: number, { innodb_buffer_pool_instances: instances = "1" }: Values): boolean {
  if (wanted === live) return true;
  if (name === "innodb_buffer_pool_size") return live > wanted && live - wanted < chunk * Number(instances);
  // Its unit may give it more than it asks for.
  if (name === "open_files_limit") return live > wanted;
  return /_(size|packet|stack|length)$/.test(name) && Math.abs(wanted - live) < Math.max(4096, wanted / 64);
}

function same(name: string, wanted: string, live: string, all: Values = {}): boolean {
  if (wanted.toLowerCase() === live.toLowerCase()) return true;
  // The option names files, the variable says whether there are any.
  if (name === "log_bin") return on.test(live);
  // Of many switches it names some.
  if (name === "optimizer_switch") return wanted.split(",").every((each) => live.split(",").includes(each.trim()));
  if (on.test(live) && on.test(wanted)) return true;
  if (off.test(live) && off.test(wanted)) return true;
  const [want, have] = [bytes(wanted) ?? Number(wanted), bytes(live) ?? Number(live)];
  if (wanted !== "" && live !== "" && Number.isFinite(want) && Number.isFinite(have)) return sameNumber(name, want, have, all);
  if (/^(character_set|collation)_/.test(name)) return unaliased(wanted) === unaliased(live);
  if (name === "sql_mode") return wanted.split(",").every((mode) => live.split(",").includes(mode.trim().toUpperCase()));
  return wanted.replace(/\/$/, "") === live.replace(/\/$/, "");
}

const assignment = ([name, value]: readonly [string, string]): string => {
  const number = bytes(value) ?? Number(value);
  return `SET GLOBAL ${name} = ${Number.isFinite(number) && value !== "" ? number : sqlText(value)};`;
};

const groups = "mysqld server mariadb mariadbd";

/** `my_print_defaults` reads files as the server does, in its order: the last line of an option counts. */
const saidBy = (word: string, options: Command): Command => sh`my_print_defaults ${options} ${groups.split(" ")} 2>/dev/null |
  sed -n 's/^--\\([A-Za-z0-9_-]*\\)=/\\1=/p' | while IFS='=' read -r name value; do
    printf '%s\\t%s\\t%s\\n' ${word} "$(printf '%s' "$name" | tr - _)" "$value"
  done`;

export const mysqlReader: Reader = {
  ask: (file) =>
    lines([
      sh`said=$( ${queryLines("SHOW GLOBAL VARIABLES;")}\n) || exit 1`,
      sh`printf '%s\\n' "$said" | sed 's/^/live\\t/'`,
      saidBy("own", sh`--defaults-file=${file}`),
      saidBy("file", sh``),
    ]),
  same,
  set: (values: Values) => sh`${runSqlLoosely(Object.entries(values).map(assignment).join("\n"))}`,
  hint: () => "the server's log (`journalctl -u mariadb` or `-u mysql`) says why; a value that it takes at start alone needs a restart",
};
