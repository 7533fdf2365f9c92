// One process a server that copies the kernel's counters once a second, and reads none of them: that is for here.
import type { Command } from "../../../provisioners/engine/shell-quote.ts";
import { folder, unlogged } from "../run/scripts.ts";

const files =
  "/proc/stat /proc/loadavg /proc/meminfo /proc/vmstat /proc/diskstats /proc/net/dev /proc/net/sockstat /proc/net/snmp /proc/net/netstat";

/** Status words of MySQL whose course says something. */
const words = [
  "Threads_connected",
  "Threads_running",
  "Questions",
  "Slow_queries",
  "Innodb_buffer_pool_reads",
  "Innodb_buffer_pool_read_requests",
  "Innodb_row_lock_waits",
  "Created_tmp_disk_tables",
  "Max_used_connections",
  "Connection_errors_max_connections",
  "Aborted_connects",
];

/**
 * Ends by itself after `limit` seconds and puts back what the run changed, whoever has gone away by then. A database is asked by one client
 * that stays connected.
 */
export function sampler(limit: number, { mysql = false } = {}): Command {
  const query = `SHOW GLOBAL STATUS WHERE Variable_name IN (${words.map((word) => `'${word}'`).join(",")});`;
  const text = `date +%s >${folder}/began
cat >${folder}/sampler <<'FLEET_SAMPLER'
cd /
${
  mysql
    ? `( while :; do date "+select '@ %s.%N';"; echo "${query}"; sleep 1; done ) | mysql ${unlogged} -N -B --unbuffered >${folder}/status 2>/dev/null &
`
    : ""
}if [ -s ${folder}/profilers ]; then sh ${folder}/profilers >/dev/null 2>&1 & fi
if [ -s ${folder}/web-sampler ]; then bash ${folder}/web-sampler >${folder}/web 2>/dev/null & fi
i=0
while [ $i -lt ${limit} ]; do
  i=$((i + 1))
  { date '+@ %s.%N'; cat ${files} /proc/[0-9]*/stat 2>/dev/null; } >>${folder}/samples
  sleep 1
done
if [ -s ${folder}/undo ]; then sh ${folder}/undo; fi
rm -f ${folder}/undo
kill 0
FLEET_SAMPLER
rm -f ${folder}/samples ${folder}/status ${folder}/web
setsid sh ${folder}/sampler </dev/null >/dev/null 2>&1 &
echo $! >${folder}/sampler.pid`;
  return { text, masked: text };
}
