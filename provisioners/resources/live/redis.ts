// CONFIG GET against redis.conf: what somebody set live (CONFIG SET) goes with the next restart, and a file that was not read counts for nothing.
import { type Command, lines, sh } from "../../engine/shell-quote.ts";
import type { Reader, Values } from "./reader.ts";

const units: Readonly<Record<string, number>> = { k: 1e3, kb: 1024, m: 1e6, mb: 1024 ** 2, g: 1e9, gb: 1024 ** 3 };

function bytes(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+)([kmg]b?)?$/i.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (units[unit.toLowerCase()] ?? 1);
}

function same(name: string, wanted: string, live: string): boolean {
  if (wanted.toLowerCase() === live.toLowerCase()) return true;
  // Whether it goes into the background, and who supervises it, is its unit's business: Debian's says both on the command line.
  if (name === "daemonize" || name === "supervised") return true;
  // By letters, in whatever order.
  if (name === "notify-keyspace-events") return [...wanted].sort().join("") === [...live].sort().join("");
  // Where it is now: of `./` only its unit knows what that is.
  if (name === "dir" && (!wanted.startsWith("/") || wanted.replace(/\/+$/, "") === live)) return true;
  // Of each class; the file names some of them.
  if (name === "client-output-buffer-limit") return true;
  const [want, have] = [bytes(wanted), bytes(live)];
  if (want !== undefined && have !== undefined) return want === have;
  // A name of `bind` may be missing (`-::1`), a permission is octal.
  return wanted.replaceAll(/(^| )-/g, "$1") === live.replaceAll(/(^| )-/g, "$1") || wanted.replace(/^0+/, "") === live.replace(/^0+/, "");
}

const main = "/etc/redis/redis.conf";

/** A file that says nothing of how redis is reached is one that it reads beside its main one. */
const beside = (file: string): Command =>
  file === main ? sh`` : sh`grep -qE '^ *(port|unixsocket) ' "$1" || [ ! -r ${main} ] || set -- ${main} "$1"\n`;

/** How the file says that redis is reached. Its password travels in the environment. */
const reach = (file: string): Command => sh`set -- ${file}
${beside(file)}pick() { name=$1; shift; sed -n "s/^$name  *//p" -- "$@" | tail -n 1 | sed 's/^"\\(.*\\)"$/\\1/'; }
port=$(pick port "$@") socket=$(pick unixsocket "$@") REDISCLI_AUTH=$(pick requirepass "$@")
if [ -n "$REDISCLI_AUTH" ]; then export REDISCLI_AUTH; else unset REDISCLI_AUTH; fi
if [ "$port" = 0 ]; then set -- -s "$socket"; else set -- -p "\${port:-6379}"; fi`;

/**
 * Where commands are renamed CONFIG may be gone: nothing is asked; nor is of a sentinel's file, which is another program's. Passwords are no answer.
 * Another program at its port may never answer.
 */
export const redisReader: Reader = {
  ask: (file) => sh`if [ ! -r ${file} ] || grep -qiE '^ *(rename-command  *config|sentinel) ' ${file}; then exit 0; fi
${reach(file)}
said=$(timeout 5 redis-cli --raw --no-auth-warning "$@" CONFIG GET '*' 2>/dev/null) && [ -n "$said" ] || exit 1
printf '%s\\n' "$said" | awk 'NR % 2 { name = $0; next } name !~ /pass|auth|user/ { print "live\\t" name "\\t" $0 }'
awk 'NF > 1 && $1 !~ /^#|pass|auth|user|^include$|^loadmodule$|^rename-command$/ {
  name = tolower($1); value = $0
  sub(/^[ \\t]*[^ \\t]+[ \\t]+/, "", value); sub(/[ \\t]+$/, "", value); gsub(/"/, "", value)
  # Not in one assignment: mawk makes the element before it asks whether it is there.
  if (name == "save" && name in said && value != "") said[name] = said[name] " " value; else said[name] = value
} END { for (name in said) print "own\\t" name "\\t" said[name] }' ${file}`,
  same,
  // What it takes at its start alone it refuses: left.
  set: (values: Values, file) =>
    lines([
      reach(file),
      ...Object.entries(values).map(([name, value]) => sh`timeout 5 redis-cli --no-auth-warning "$@" CONFIG SET ${name} ${value} || :`),
    ]),
  hint: () => "a setting of somebody's by `CONFIG SET` is gone after a restart: write it into the stack file, or restart redis",
};
