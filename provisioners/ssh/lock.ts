// One operator at a time on a server: flock held by the persistent shell, so that it ends with it, and a note of who it is.

import { quote } from "../engine/shell-quote.ts";
import { lockFd } from "./framing.ts";
import { clean } from "./output.ts";

/** Seconds without a heartbeat after which a holder counts as gone (a client behind a broken network): it may be ended. */
export const staleAfter = 60;

/** Milliseconds between heartbeats; the first comes after as long, so a short run needs no second channel. */
export const heartbeatEvery = 15_000;

/** Exit code of lockScript where another one holds the lock (EX_TEMPFAIL). */
export const lockedCode = 75;
/** Exit code of lockScript where another session of the same run holds it: the server is this run's already. */
export const sharedCode = 76;

export interface Holder {
  readonly who: string;
  readonly what: string;
  /** UTC, by the server's clock. */
  readonly since: string;
  /** Seconds that the server has heard nothing of the holder. */
  readonly silent: number;
}

/**
 * `DIR/lock` is what flock holds, `DIR/heard` the uptime (no clock that can be set) of the last heartbeat, `DIR/holder` the note.
 * A breaker reads the note before the heartbeat and a new holder writes them the other way round, so that no breaker takes a
 * fresh holder for a stale one. It ends the holder's whole process group (sshd gives each channel its own), after a look at the
 * lock file in the holder's hand: a process id alone may be another's by now. A run may come to one server by two ways (a server that was
 * renamed, a password that changed): `run` is its own word, and what holds the lock for it is not another operator. Runs in the persistent
 * shell itself.
 */
export function lockScript(
  directory: string,
  { who, what, run }: { readonly who: string; readonly what: string; readonly run: string },
): string {
  const line = (text: string) => quote(clean(text.replaceAll("\n", " ")).slice(0, 200) || "?");
  return String.raw`
fleet_dir=${quote(directory)} fleet_state=failed
fleet_up() { read -r fleet_now fleet_rest </proc/uptime; fleet_now=${"$"}{fleet_now%%.*}; }
fleet_group() { read -r fleet_stat <"/proc/$1/stat"; set -- ${"$"}{fleet_stat##*) }; [ "$3" = "$4" ] && fleet_target=-$3; }
fleet_break() {
  fleet_target=$fleet_pid
  fleet_group "$fleet_pid"
  for fleet_signal in TERM KILL; do
    [ "/proc/$fleet_pid/fd/${lockFd}" -ef "$fleet_dir/lock" ] && kill -s "$fleet_signal" -- "$fleet_target"
    flock -w 3 ${lockFd} && return 0
  done
  return 1
}
fleet_take() {
  flock -n ${lockFd} && return 0
  fleet_pid= fleet_heard= fleet_who= fleet_what= fleet_since= fleet_run=
  { read -r fleet_pid; read -r fleet_since; read -r fleet_who; read -r fleet_what; read -r fleet_run; } <"$fleet_dir/holder"
  [ "$fleet_run" = ${line(run)} ] && fleet_state=shared && return 1
  read -r fleet_heard <"$fleet_dir/heard"
  fleet_up
  fleet_silent=$((fleet_now - ${"$"}{fleet_heard:-fleet_now}))
  [ -n "$fleet_pid" ] && [ "$fleet_silent" -gt ${staleAfter} ] && fleet_break
}
if (umask 077 && { [ -d "$fleet_dir" ] || mkdir -p -- "$fleet_dir"; } && : >>"$fleet_dir/lock" && : >>"$fleet_dir/holder" && : >>"$fleet_dir/heard"); then
  exec ${lockFd}>>"$fleet_dir/lock"
  if fleet_take 2>/dev/null; then
    fleet_state=taken
    fleet_up
    echo "$fleet_now" >"$fleet_dir/heard"
    printf '%s\n' "$$" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" ${line(who)} ${line(what)} ${line(run)} >"$fleet_dir/holder"
  else
    exec ${lockFd}>&-
    [ "$fleet_state" = shared ] || fleet_state=held
    printf '%s\n' "$fleet_silent" "$fleet_since" "$fleet_who" "$fleet_what"
  fi
fi
(case $fleet_state in taken) exit 0 ;; shared) exit ${sharedCode} ;; held) exit ${lockedCode} ;; *) exit 1 ;; esac)`.trim();
}

/** What lockScript printed before it ended with `lockedCode`. */
export function parseHolder(stdout: string): Holder {
  const [silent = "0", since = "", who = "", what = ""] = stdout.split("\n").map(clean);
  return { silent: Number(silent) || 0, since: since || "just now", who: who || "somebody", what: what || "?" };
}

export const unlockScript = (directory: string): string => `rm -f -- ${quote(`${directory}/holder`)}
exec ${lockFd}>&-`;

/** Built-ins alone. */
export const heartbeatScript = (directory: string): string =>
  `read -r fleet_now fleet_rest </proc/uptime; echo "\${fleet_now%%.*}" >${quote(`${directory}/heard`)}\n`;
