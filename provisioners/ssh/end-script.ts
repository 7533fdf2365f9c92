// Ends what a root shell runs, and leaves the shell: a script that was given up must not go on by itself.

/** Seconds between the polite signal and the other one. */
const patience = 2;

/**
 * POSIX sh for another shell on that server: all descendants of `pid`, whatever session or group they have made for themselves. What has a
 * parent of its own by now (a service) is none. Prints `answer` when all have been told; the second signal comes later by itself.
 */
export const endScript = (pid: number, answer: string): string => `(
found= last=${pid}
while [ -n "$last" ]; do
  next=
  for each in /proc/[0-9]*; do
    { read -r stat <"$each/stat"; } 2>/dev/null || continue
    set -- \${stat##*) }
    case " $last " in *" $2 "*) next="$next \${each#/proc/}" ;; esac
  done
  found="$found $next" last=$next
done
set -- $found
if [ "$#" -gt 0 ]; then
  kill -TERM "$@" 2>/dev/null
  (sleep ${patience}; kill -KILL "$@" 2>/dev/null) >/dev/null 2>&1 &
fi
echo ${answer}
) </dev/null
`;
