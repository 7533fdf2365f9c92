// What a lab puts onto a server, and takes away again: POSIX sh, as root. Each step's way back is written down before the step.
import { type Command, lines, quote, raw } from "../../provisioners/engine/shell-quote.ts";
import { dropWayBack, keepWayBack } from "../../provisioners/engine/ways-back.ts";

/** Root's alone; gone when nothing of a lab is left. */
export const folder = "/var/lib/fleet/lab";

/** A line of shell text, to be run when the lab ends: the last one first. */
export const undo = (line: string): string => `printf '%s\\n' ${quote(line)} >>${folder}/undo`;

/**
 * Ends what runs, then takes each line of `undo` back. A line that fails is kept for the next time, and told; with nothing left the folder goes.
 */
const endScript = `cd /
if command -v flock >/dev/null 2>&1; then exec 9</var/lib/fleet; flock 9; fi
[ -e ${folder} ] || exit 0
guard=$(cat ${folder}/guard.pid 2>/dev/null)
if grep -q ${folder}/guard "/proc/\${guard:-none}/cmdline" 2>/dev/null; then kill "$guard"; fi
for pid in $(cat ${folder}/running 2>/dev/null); do kill -- "-$pid" 2>/dev/null; done
rm -f ${folder}/running
left=
if [ -s ${folder}/undo ]; then
  tac ${folder}/undo >${folder}/back
  while IFS= read -r line; do
    sh -c "$line" </dev/null >${folder}/said 2>&1 || { printf '%s\\n' "$line" >>${folder}/kept; left=yes; echo "not taken back: $line: $(tail -n 1 ${folder}/said)"; }
  done <${folder}/back
fi
if [ -n "$left" ]; then tac ${folder}/kept >${folder}/undo; rm -f ${folder}/kept ${folder}/back; exit 46; fi
rm -rf ${folder}
${dropWayBack("lab").text}`;

/** Takes back what this lab, or one that was killed, left; says `not taken back: …` for what stays. Safe where there is nothing. */
export const end: Command = raw(`if [ -e ${folder} ]; then
(
${endScript}
)
fi`);

/**
 * Root's MySQL client, as a program: undo lines have no function of ours. What a lab asks is in no slow log.
 */
export const mysqlProgram = `${folder}/mysql`;
const mysqlText = `#!/bin/sh
client=$(command -v mariadb || command -v mysql)
set -- --init-command='set session long_query_time = 31536000' -N -B "$@"
if "$client" -e 'select 1' >/dev/null 2>&1; then exec "$client" "$@"; else exec "$client" --defaults-file=/etc/mysql/debian.cnf "$@"; fi`;

/**
 * Watches the connection that the lab came by: with that gone, however (kill -9, a laptop that was closed), the server takes all back by itself.
 * After `limit` seconds it does so whatever happens.
 */
const guard = (limit: number): string => `pid=$$ sshd=
while [ "\${pid:-1}" -gt 1 ]; do
  case $(cat /proc/$pid/comm 2>/dev/null) in sshd*) sshd=$pid; break ;; esac
  pid=$(sed 's/.*) . \\([0-9]*\\) .*/\\1/' /proc/$pid/stat 2>/dev/null)
done
cat >${folder}/end <<'FLEET_LAB'
${endScript}
FLEET_LAB
cat >${folder}/guard <<'FLEET_LAB'
until [ ! -e ${folder}/undo ] || [ -e ${folder}/stop ] || [ "$(cut -d . -f 1 /proc/uptime)" -gt "$2" ] || { [ -n "$1" ] && ! kill -0 "$1" 2>/dev/null; }; do sleep 2; done
if [ -e ${folder}/undo ]; then sh ${folder}/end; fi
FLEET_LAB
setsid sh ${folder}/guard "$sshd" "$(($(cut -d . -f 1 /proc/uptime) + ${limit}))" </dev/null >/dev/null 2>&1 &
echo $! >${folder}/guard.pid`;

/**
 * Leaves it to the server's own guard, which no end of a connection ends, and waits a little: packages may take longer than somebody who
 * typed Ctrl-C.
 */
export const leave = (seconds: number): Command =>
  raw(`if [ -e ${folder}/undo ]; then
  : >${folder}/stop
  i=0; while [ -e ${folder}/undo ] && [ $i -lt ${seconds} ]; do i=$((i + 1)); sleep 1; done
fi`);

/** First of all: what a killed one left goes, and the way back begins. */
export const begin = (limit: number): Command =>
  lines([
    raw("set -e\numask 077"),
    raw(`if [ -e ${folder} ]; then (\n${endScript}\n) >&2; fi`),
    // A reboot ends the guard: what is left then goes with a down.
    keepWayBack({ name: "lab", title: "fleet lab" }, `set +e\n${end.text}`),
    raw(`mkdir -p ${folder}\n: >${folder}/undo`),
    raw(`cat >${mysqlProgram} <<'FLEET_LAB'\n${mysqlText}\nFLEET_LAB\nchmod 700 ${mysqlProgram}`),
    raw(guard(limit)),
  ]);

/**
 * An installation that was cut off goes on for a while: its end waits for it, and mends what it left half-done. A program that is not there comes by its package, from lists and a cache of its own, and goes with all that came along. What is there stays.
 * Ends with 47 where it can't be had without changing what is installed.
 */
export function installed(program: string): Command {
  const apt = `apt-get -q -o Dir::State::lists=${folder}/lists -o Dir::Cache=${folder}/cache`;
  return raw(`if ! command -v ${program} >/dev/null 2>&1; then
  if command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    mkdir -p ${folder}/lists/partial ${folder}/cache/archives/partial
    chmod 755 ${folder} ${folder}/lists ${folder}/cache; chown -R _apt ${folder}/lists/partial ${folder}/cache/archives/partial 2>/dev/null || :
    ${apt} update >&2
    plan=$(${apt} -s install --no-install-recommends ${program} 2>&1) || { printf '%s\\n' "$plan" | grep '^E:' >&2; exit 47; }
    if printf '%s\\n' "$plan" | grep -q -e '^Remv ' -e '^Inst [^ ]* \\['; then echo '${program} would change packages that are installed' >&2; exit 47; fi
    new=$(printf '%s\\n' "$plan" | sed -n 's/^Inst \\([^ ]*\\) .*/\\1/p' | tr '\\n' ' ')
    printf '%s\\n' "export DEBIAN_FRONTEND=noninteractive; apt-get -q -y -o DPkg::Lock::Timeout=600 purge $new || { dpkg --configure -a && apt-get -q -y purge $new; }" >>${folder}/undo
    ${apt} -y install --no-install-recommends ${program} >&2 || exit 47
    rm -rf ${folder}/cache ${folder}/lists
  elif command -v dnf >/dev/null 2>&1; then
    names() { rpm -qa --qf '%{NAME}\\n' | sort; }
    names >${folder}/packages
    ${undo(`if [ -e ${folder}/came ]; then cat ${folder}/came; else rpm -qa --qf '%{NAME}\\n' | sort | comm -13 ${folder}/packages -; fi | xargs -r dnf -q -y remove --noautoremove`)}
    dnf -q -y install --setopt=install_weak_deps=False ${program} >&2 || exit 47
    # What somebody installs from here on is none of ours.
    names | comm -13 ${folder}/packages - >${folder}/came.new && mv ${folder}/came.new ${folder}/came
  else
    echo 'no package manager that is known' >&2; exit 47
  fi
fi`);
}

/** Runs in a group of its own, so that an end reaches it and all that it started. */
export const running = (command: string): string => `setsid ${command} </dev/null & echo $! >${folder}/running
wait $!
code=$?
rm -f ${folder}/running`;
