// Ends what a root shell runs, and leaves the shell: a script that was given up must not go on by itself.

/** Seconds between the polite signal and the other one. */
const patience = 2;

/**
 * POSIX sh for another shell on that server: all descendants of `pid`, whatever session or group they have made for themselves. What has a
 * parent of its own by now (a service) is none. They are stopped as they are found, and looked for until there are no more: what is stopped can
 * start nothing that the look has already passed. Prints `answer` when all have been told; the second signal comes later by itself.
 */
export const endScript = (pid: number, answer: string): string => `(
found=
while :; do
  new=
  for each in /proc/[0-9]*; do
    { read -r stat <"$each/stat"; } 2>/dev/null || continue
    set -- \${stat##*) }
    each=\${each#/proc/}
    case " ${pid}$found " in *" $2 "*) case "$found " in *" $each "*) ;; *) new="$new $each" ;; esac ;; esac
  done
  [ -n "$new" ] || break
  kill -STOP $new 2>/dev/null
  found="$found$new"
done
if [ -n "$found" ]; then
  kill -TERM $found 2>/dev/null
  kill -CONT $found 2>/dev/null
  (sleep ${patience}; kill -KILL $found 2>/dev/null) >/dev/null 2>&1 &
fi
echo ${answer}
) </dev/null
`;
