// Profilers that are there, around a measured run: POSIX sh, as root. They end with the sampler's group, whatever ended it.
import { pathFunctions } from "../../../provisioners/engine/prelude.ts";
import { type Command, quote, raw } from "../../../provisioners/engine/shell-quote.ts";
import type { Profile } from "../../../spec/bench.ts";

/** Below the folder of a run's own on the server. */
export const profilesOf = (folder: string): string => `${folder}/profiles`;

/** Seconds of a slice: Go answers when one is over, and what came of the last is lost. */
const slice = 5;
/** Samples a second: little enough to change nothing, and no divisor of a hundred, at which other things happen. */
const rate = 49;
/** Of one language. */
const most = 3;

/** Where Go's own package answers as a rule. */
const usualPprof = "http://127.0.0.1:6060";

/** Roots of a language's process trees: workers go with who started them. What belongs to the system is not measured. */
const roots = `roots() { # pattern of a program
  for pid in $(pgrep -f . 2>/dev/null); do
    exe=$(readlink "/proc/$pid/exe" 2>/dev/null) || continue
    basename -- "$exe" | grep -qE "^$1\\$" || continue
    parent=$(basename -- "$(readlink "/proc/$(sed 's/.*) . \\([0-9]*\\) .*/\\1/' "/proc/$pid/stat" 2>/dev/null)/exe" 2>/dev/null)")
    printf '%s' "$parent" | grep -qE "^$1\\$" && continue
    tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -qE 'networkd-dispatcher|unattended-upgrade|firewalld|fail2ban|cloud-init|supervisord' && continue
    echo "$pid"
  done | head -n ${most}
}`;

const programs = `if command -v py-spy >/dev/null 2>&1; then
  for pid in $(roots 'python[0-9.]*'); do start py-spy record -f raw -F -s -r ${rate} -p "$pid" -o "python-$pid.folded"; done
fi
if command -v rbspy >/dev/null 2>&1; then
  for pid in $(roots 'ruby[0-9.]*'); do start rbspy record --silent --format collapsed --subprocesses --rate ${rate} --pid "$pid" --file "ruby-$pid.folded"; done
fi
if command -v perf >/dev/null 2>&1; then start perf record -q -F ${rate} -a -g -e cpu-clock -o perf.data; fi`;

const pprof = (url: string, index: number): string => `if curl -fsS -m 3 -o /dev/null ${quote(`${url}/debug/pprof/`)} 2>/dev/null; then
  { i=0; while :; do i=$((i + 1)); curl -fsS -m ${slice + 30} -o "pprof-${index}-$i.part" ${quote(`${url}/debug/pprof/profile?seconds=${slice}`)} && mv "pprof-${index}-$i.part" "pprof-${index}-$i.pb" || sleep 1; done; } 2>/dev/null &
fi`;

/** Text of a script of its own, which the sampler starts. */
export function profilers(folder: string, { pprof: urls, programs: wanted }: Profile): string {
  const asked = urls.length > 0 ? urls : [usualPprof];
  return `cd ${profilesOf(folder)} || exit
start() { "$@" >>said 2>&1 & echo $! >>pids; }
${roots}
${wanted ? programs : ""}
if command -v curl >/dev/null 2>&1; then
${asked.map((url, index) => pprof(url.replace(/\/$/, ""), index)).join("\n")}
fi
wait
`;
}

/** perf's samples, a line a stack: `nginx;main;epoll_wait 12`. */
export const collapse = `/^[^ \\t]/ { sub(/ +$/, ""); comm = $0; n = 0; next }
/^[ \\t]/ { sub(/^[ \\t]*[0-9a-f]+ /, ""); sub(/\\+0x[0-9a-f]+.*$/, ""); gsub(/;/, ":"); frame[++n] = $0; next }
/^$/ { if (n) { line = comm; for (i = n; i > 0; i--) line = line ";" frame[i]; count[line]++ } n = 0 }
END { for (line in count) print line " " count[line] }`;

/** Before the sampler's group is ended: profilers write what they have when they are asked to stop. */
export const collectProfiles = (folder: string, { files }: Profile): Command =>
  raw(`${pathFunctions}
if [ -d ${profilesOf(folder)} ]; then
  for pid in $(cat ${profilesOf(folder)}/pids 2>/dev/null); do kill -INT "$pid" 2>/dev/null || true; done
  i=0; for pid in $(cat ${profilesOf(folder)}/pids 2>/dev/null); do while kill -0 "$pid" 2>/dev/null && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.1; done; kill -KILL "$pid" 2>/dev/null || true; done
  ( cd ${profilesOf(folder)}
  if [ -s perf.data ]; then perf script -i perf.data -F comm,ip,sym 2>/dev/null | awk ${quote(collapse)} >perf.folded || true; fi
${files
  .map(
    (pattern, index) =>
      `  for each in ${pattern}; do if [ -f "$each" ] && [ "$(stat -c %Y "$each")" -ge "$(cat ${folder}/began)" ]; then fleet_read "$each" > "own-${index}-$(basename -- "$each")"; fi; done`,
  )
  .join("\n")}
  mkdir -p ${folder}/out/profiles
  if [ -s pids ] && ! ls ./*.folded >/dev/null 2>&1; then tail -n 20 said >${folder}/out/profiles/said; fi
  find . -maxdepth 1 -type f \\( -name '*.folded' -o -name '*.pb' -o -name '*.cpuprofile' \\) -size +0 -size -50000k -exec cp {} ${folder}/out/profiles/ \\; )
  rm -rf ${profilesOf(folder)}
fi`);
