// What a balancer is asked and told by. haproxy through its runtime socket; nginx by its files, checked before they count, and a reload.
import { createHash } from "node:crypto";
import { pathFunctions } from "../../provisioners/engine/prelude.ts";
import { type Command, lines, raw, sh, withInput } from "../../provisioners/engine/shell-quote.ts";
import type { HaproxyServerState } from "./haproxy.ts";
import { aroundFile, aroundServer } from "./way-back.ts";

/** Whatever of the three is there can speak to a socket: perl is part of every Debian and Ubuntu, python3 of Amazon Linux. */
const askSocket = raw(`ask() {
if command -v socat >/dev/null; then printf '%s\\n' "$2" | socat - "UNIX-CONNECT:$1"
elif command -v perl >/dev/null; then perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!\\n"; print $s "$ARGV[1]\\n"; $s->flush; print while <$s>' "$1" "$2"
else python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall((sys.argv[2] + "\\n").encode())
for part in iter(lambda: s.recv(65536), b""): sys.stdout.buffer.write(part)' "$1" "$2"
fi; }
socket=$(sed -n 's/^[[:space:]]*stats[[:space:]]\\{1,\\}socket[[:space:]]\\{1,\\}\\([^[:space:]]*\\).*level admin.*/\\1/p' /etc/haproxy/haproxy.cfg 2>/dev/null | head -n 1)`);

/** Each part begins with a line of `mark`. */
export const lookScript = (mark: string): Command =>
  lines([
    askSocket,
    sh`if [ -n "$socket" ] && [ -S "$socket" ]; then
echo ${`${mark} state`}; ask "$socket" ${"show servers state"}
echo ${`${mark} stat`}; ask "$socket" ${"show stat"}
fi
if command -v nginx >/dev/null && systemctl -q is-active nginx; then 
if nginx -t -q 2>/dev/null; then echo ${`${mark} nginx`}; nginx -T 2>/dev/null
echo ${`${mark} real`}; nginx -T 2>/dev/null | sed -n ${"s/^# configuration file \\(.*\\):$/\\1/p"} | while read -r f; do r=$(readlink -f -- "$f"); [ "$r" = "$f" ] || printf ${"%s\\t%s\\n"} "$f" "$r"; done; else echo ${`${mark} broken`}; nginx -t -q 2>&1 | tail -n 2; fi; fi
exit 0`,
  ]);

/** Text by the name of its part. */
export function partsIn(mark: string, text: string): Readonly<Record<string, string>> {
  const parts = text.split(new RegExp(`^${mark} (\\w+)\\n`, "m")).slice(1);
  return Object.fromEntries(parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1] ?? ""]] : [])));
}

/** Of one server, what it is to hear. */
export interface HaproxyOrder {
  readonly server: HaproxyServerState;
  readonly commands: readonly string[];
}

/** haproxy answers nothing where it did what it was told. */
export function tellScript(orders: readonly HaproxyOrder[]): Command {
  const around = orders.map(({ server, commands }) => aroundServer(server, commands, askSocket));
  return lines([
    askSocket,
    ...around.map(({ before }) => before),
    ...orders
      .flatMap(({ commands }) => commands)
      .map(
        (each) => sh`said=$(ask "$socket" ${each}) || exit 1
case $said in *[![:space:]]*) echo "$said" >&2; exit 1 ;; esac`,
      ),
    ...around.map(({ after }) => after),
  ]);
}

export interface FileChange {
  readonly path: string;
  /** As it was looked at: what is another text by now, or no text, is left alone. */
  readonly was: string;
  readonly content: string;
}

/**
 * All files or none: where nginx refuses one, each is as it was. Written into, so that owner, mode and links stay, in the folder that was entered:
 * a link of root's may lead into a user's. A reload is over when each worker
 * from before takes no connection any more: until then it may send a request to where it was sent before.
 */
export function nginxScript(changes: readonly FileChange[]): Command {
  const around = changes.map(({ path, content }) => aroundFile(path, content));
  return lines([
    raw(pathFunctions),
    sh`set -e
keep=$(mktemp -d)
back() { rc=$?; n=0; [ "$rc" = 0 ] || while read -r f; do n=$((n+1)); [ ! -e "$keep/$n" ] || fleet_into "$f" <"$keep/$n"; done <"$keep/list"; rm -rf "$keep"; exit "$rc"; }
: >"$keep/list"
trap back EXIT`,
    ...changes.flatMap(({ path, was, content }, index) => [
      sh`f=$(readlink -f -- ${path}); fleet_read "$f" >"$keep/new"
printf ${"%s  %s\\n"} ${createHash("sha256").update(was).digest("hex")} "$keep/new" | sha256sum --check --status ||
{ printf ${"%s: expected it as it was looked at, got another text, or one that is no UTF-8\\n"} "$f" >&2; exit 1; }
mv -- "$keep/new" "$keep/"${String(index + 1)}; printf ${"%s\\n"} "$f" >>"$keep/list"`,
      around[index]!.before,
      withInput(sh`fleet_into "$f"`, content),
    ]),
    sh`nginx -t 2>"$keep/said" || { cat "$keep/said" >&2; exit 1; }
old=$(pgrep -P "$(systemctl show -p MainPID --value nginx)" || :)
systemctl reload nginx
tries=0
for each in $old; do
  while [ -e "/proc/$each" ] && ! grep -aqs ${"is shutting down"} "/proc/$each/cmdline"; do
    tries=$((tries+1)); [ "$tries" -lt 300 ] || { echo ${"nginx goes on with its old workers"} >&2; exit 1; }
    sleep 0.1
  done
done`,
    ...around.map(({ after }) => after),
  ]);
}

/**
 * Two numbers: connections from this server to those addresses, and nginx' workers from before a reload. Such a one reads on what its clients have
 * begun to send, and asks whom its own files say, which is seconds later where a body comes slowly.
 */
export const leftScript = (peers: readonly { readonly host: string; readonly port: number }[]): Command => {
  const filters = peers.map(({ host, port }) => `( dst ${host.includes(":") ? `[${host}]` : host} and dport = :${port} )`);
  return lines([
    filters.length === 0 ? sh`echo 0` : sh`ss -Htn state established ${filters.join(" or ")} | wc -l`,
    sh`pgrep -f -c ${"^nginx: worker process is shutting down"} || :`,
  ]);
};
