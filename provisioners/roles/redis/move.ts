// How redis comes to another server: the new one follows the old one while writes go on, and is let go once nobody writes and it has all.
import { type Command, lines, quote, raw, Secret, sh } from "../../engine/shell-quote.ts";
import type { DataMove, Move, MoveContext } from "../move.ts";

/** Shell text before all else: the client of this server, with the password that its own file has. */
const client = (
  port: number,
): string => `password=$(sed -n 's/^requirepass[ \\t]*//p' /etc/redis/redis.conf | tail -n 1 | sed 's/^"\\(.*\\)"$/\\1/')
cli() { if [ -n "$password" ]; then REDISCLI_AUTH=$password redis-cli -p ${port} --no-auth-warning "$@"; else redis-cli -p ${port} "$@"; fi; }
told() { cli info "$1" | tr -d '\\r' | sed -n "s/^$2://p"; }
value() { cli config get "$1" | tail -n 1; }
set_to() { [ "$(cli config set "$1" "$2")" = OK ] || { echo "redis did not take $1" >&2; exit 1; }; }`;

const lookText = `keys=$(told keyspace 'db[0-9]*' | sed 's/^keys=\\([0-9]*\\).*/\\1/' | awk '{ sum += $1 } END { print sum + 0 }')
printf 'version\\t%s\\n' "$(told server redis_version)"
[ "$keys" = 0 ] || printf 'item\\tredis\\t%s\\t%s keys\\n' "$(told memory used_memory)" "$keys"
printf 'free\\t%s\\n' "$(df -Pk -- "$(value dir)" | awk 'NR == 2 { print $4 * 1024 }')"
[ -z "$password" ] || echo password`;

/** Milliseconds: it ends by itself, should nobody be left to end it. */
const pause = 120_000;
/** On loopback, for as long as what was kept comes back. */
const spare = 16399;

function dataOf({ from, to, folder }: MoveContext): DataMove {
  const start = (port: number) => `set -e\numask 077\n${client(port)}\nmkdir -p ${quote(folder)}`;
  const follow = (host: string, port: number) => `[ "$(cli replicaof ${quote(host)} ${port})" = OK ]
tries=0
until [ "$(told replication master_link_status)" = up ] && [ "$(told replication master_sync_in_progress)" = 0 ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 1200 ] || { echo "it does not follow ${host}:${port}: $(told replication master_link_status)" >&2; exit 1; }
  sleep 0.5
done`;
  const alone = `cli replicaof no one > /dev/null\ncli config set masterauth '' > /dev/null`;
  // What its file says of strangers goes for the copy alone, and is not written.
  const open = `${start(from.port)}
cd ${quote(folder)}
bind=$(value bind)
case " $bind " in *' ${from.address} '* | *' 0.0.0.0 '* | *' * '* | '  ') ;; *) printf '%s' "$bind" > bind; set_to bind "$bind ${from.address}" ;; esac
if [ -z "$password" ] && [ "$(value protected-mode)" = yes ]; then touch protected; set_to protected-mode no; fi`;
  const shut = `${client(from.port)}
cd ${quote(folder)} 2>/dev/null || exit 0
[ "$(cli ping 2>/dev/null)" = PONG ] || exit 0
if [ -e bind ]; then cli config set bind "$(cat bind)" > /dev/null; rm -f bind; fi
if [ -e protected ]; then cli config set protected-mode yes > /dev/null; rm -f protected; fi`;
  return {
    keep: raw(`${start(to.port)}
cd ${quote(folder)}
rm -f before.rdb
if [ -n "$(told keyspace 'db[0-9]*')" ]; then
  [ "$(cli save)" = OK ]
  cp -- "$(value dir)/$(value dbfilename)" before.rdb
fi
touch kept`),
    putBack: raw(`[ -e ${quote(`${folder}/kept`)} ] || exit 0
${start(to.port)}
cd ${quote(folder)}
${alone}
cli flushall > /dev/null
if [ -e before.rdb ]; then
  redis-server --port ${spare} --bind 127.0.0.1 --dir ${quote(folder)} --dbfilename before.rdb --save '' --appendonly no --daemonize yes --pidfile ${quote(`${folder}/pid`)} --logfile ${quote(`${folder}/log`)} > /dev/null
  ${follow("127.0.0.1", spare)}
  ${alone}
  redis-cli -p ${spare} shutdown nosave > /dev/null 2>&1 || :
fi`),
    before: [
      { at: "from", what: `lets ${to.name} in for the copy`, run: raw(open), undo: raw(shut) },
      {
        at: "from",
        what: `is followed by ${to.name}`,
        run: raw(`${client(from.port)}\nprintf '%s' "$password"`),
        pass: (password) => lines([raw(start(to.port)), masterauth(password), raw(follow(from.address, from.port))]),
      },
    ],
    stop: raw(`${client(from.port)}\n[ "$(cli client pause ${pause} write)" = OK ]`),
    go: raw(`${client(from.port)}\ncli client unpause > /dev/null 2>&1 || :`),
    copy: [
      {
        at: "from",
        what: `waits until ${to.name} has all`,
        run: raw(`${client(from.port)}\ntold replication master_repl_offset`),
        pass: (offset) =>
          raw(`${start(to.port)}
tries=0
until [ "$(told replication slave_repl_offset)" -ge ${Number(offset.trim()) || 0} ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || { echo "it did not come to ${Number(offset.trim()) || 0} within 60 s" >&2; exit 1; }
  sleep 0.2
done`),
      },
    ],
    digest: raw(`${client(from.port)}\ncli info keyspace | tr -d '\\r' | sed -n 's/^\\(db[0-9]*:keys=[0-9]*\\).*/\\1/p'`),
    finish: [{ at: "to", what: `follows ${from.name} no more`, run: raw(`${start(to.port)}\n${alone}`) }],
    after: [{ at: "from", what: `lets ${to.name} in no more`, run: raw(shut) }],
  };
}

/** Over standard input: it is in no process list. */
const masterauth = (password: string): Command =>
  password === ""
    ? raw(":")
    : lines([sh`theirs=${new Secret(password)}`, raw(`[ "$(printf '%s' "$theirs" | cli -x config set masterauth)" = OK ]`)]);

const loopback = /^-?(?:127\.[\d.]+|::1|localhost)$/;

function listen({ path, text }: { readonly path: string; readonly text: string }, address: string): string {
  if (!path.startsWith("/etc/redis/")) return text;
  const locked = /^requirepass\s/m.test(text);
  const bound = text.replace(/^(bind[ \t]+)(.*)$/gm, (line, key: string, list: string) =>
    list
      .trim()
      .split(/\s+/)
      .every((each) => loopback.test(each))
      ? `${key}${list.trim()} ${address}`
      : line,
  );
  return locked ? bound : bound.replace(/^(protected-mode[ \t]+)yes\b/gm, "$1no");
}

export const redisMove = ({ port, password }: { readonly port: number; readonly password?: Secret | string | undefined }): Move => ({
  clients: { ports: port > 0 ? [port] : [], words: ["REDIS", "VALKEY"], schemes: ["redis", "rediss"] },
  units: ["redis-server.service", "redis.service"],
  listen,
  look: raw(`${client(port)}\n${lookText}`),
  data: dataOf,
  refuse: ({ said, adopted }) => {
    if (port === 0) return "it listens on its unix socket alone, which no other server reaches; next: give it a port";
    if (adopted && password === undefined && said.split("\n").includes("password"))
      return "it has a password of its own, which the stack does not know; next: params.redis.password";
    return undefined;
  },
});
