// What runs on a server before and after a measured run: POSIX sh, as root.

import { pathFunctions } from "../../../provisioners/engine/prelude.ts";
import { type Command, lines, quote, raw, sh, withInput } from "../../../provisioners/engine/shell-quote.ts";
import { dropWayBack, keepWayBack } from "../../../provisioners/engine/ways-back.ts";
import { shortLength } from "../../../provisioners/resources/git.ts";
import type { Profile } from "../../../spec/bench.ts";
import { logFields, logHead } from "../../../templates/nginx/log.ts";
import { collectProfiles, profilers, profilesOf } from "../profiles/profilers.ts";
import { type Pool, poolFiles, portMark, statusSampler, statusServer } from "../samples/web-status.ts";
import { databaseStart, finalLogBack, finalUndo, keepFinal } from "./final.ts";
import { standsAt, writtenSince } from "./since.ts";

/** Root's alone. What a killed run left in it is put back by the next one, or by the server itself once the time is up. */
export const folder = "/var/lib/fleet/measure";
export const snippet = "/etc/nginx/conf.d/zz-fleet-measure.conf";
export const runLog = "/var/log/nginx/fleet-access.log";

/** Marks the beginnings of what a survey prints. */
export const parts = { nginx: "== nginx ==", mysql: "== mysql ==", pools: "== pools ==", rest: "== rest ==" } as const;

/** What we ask ourselves is not to be in a slow log. */
export const unlogged = "--init-command='set session long_query_time = 31536000'";

/** The database as its own root, through the socket; Debian's maintenance account where root has a password. */
const client = `${databaseStart}
mysql_() {
  if [ -z "\${mysql_how:-}" ]; then
    if mysql ${unlogged} -N -B -e 'select 1' >/dev/null 2>&1; then mysql_how=root; else mysql_how=debian; fi
  fi
  if [ "$mysql_how" = root ]; then mysql ${unlogged} "$@"; else mysql --defaults-file=/etc/mysql/debian.cnf ${unlogged} "$@"; fi
}`;

/** Looks at what logs there are, and changes nothing. */
export const survey = raw(`${client}
echo '${parts.nginx}'
if pidof nginx >/dev/null 2>&1; then nginx -T 2>/dev/null; fi
echo '${parts.mysql}'
if pidof mysqld mariadbd >/dev/null 2>&1; then
  mysql_ -N -B -e "select @@global.slow_query_log, @@global.long_query_time, @@global.slow_query_log_file, @@global.log_output, @@datadir, (select count(*) from information_schema.processlist where command = 'Sleep')" 2>&1 || true
fi
echo '${parts.pools}'
if pgrep -f '^php-fpm: master' >/dev/null 2>&1; then cat ${poolFiles} 2>/dev/null; fi
echo '${parts.rest}'
`);

/** Ends the samples (their process leads a group of its own, the database client in it) and puts back what a run changed; safe to run twice. */
export const putBack = raw(`if [ -s ${folder}/sampler.pid ]; then kill -- "-$(cat ${folder}/sampler.pid)" 2>/dev/null || true; fi
rm -f ${folder}/sampler.pid
if [ -s ${folder}/undo ]; then sh ${folder}/undo; fi; rm -f ${folder}/undo`);

const wayBack = { name: "bench", title: "fleet bench" } as const;

/** Of a run's own: also what the server's logrotate made of it meanwhile. */
const withRotated = (file: string): string => `${quote(file)} ${quote(file)}[.-][0-9]*`;

/** Its own log and the folder, with what was gathered in it. */
const leavesNothing = ({ mysql }: Pick<Place, "mysql">): string =>
  `rm -rf ${folder} ${withRotated(runLog)}${mysql ? ` ${withRotated(slowLogOf(mysql))}` : ""}`;

/** Of a run that came to nothing: what it gathered goes, too. */
export const discard = (place: Place): Command => lines([putBack, raw(leavesNothing(place)), dropWayBack(wayBack.name)]);

const format = `log_format fleet_measure_${logHead("ltsv")} ${logFields("ltsv").join("\n  ")}
access_log ${runLog} fleet_measure_ltsv buffer=64k flush=1s;
`;
const silence = "access_log off;\n";

/** A setting that nginx refuses must not stay, whatever it is. */
const settle = `nginx -t -q || { rm -f ${snippet}; exit 45; }
nginx -s reload 2>&1`;

/**
 * `access_log off;` silences all that stand beside it: out of the way for the run, and put back as it was unless somebody wrote the file. Written
 * into, so that owner, mode and links stay; its way back is there before.
 */
const unsilenced = (file: string, index: number): Command => {
  const [kept, ours] = [`${folder}/kept-${index}`, `${folder}/changed-${index}`];
  const back = `f=$(readlink -f -- ${quote(file)}); if cmp -s -- "$f" ${ours}; then fleet_into "$f" <${kept}; fi; rm -f -- ${kept} ${ours}`;
  return raw(`${pathFunctions}
f=$(readlink -f -- ${quote(file)})
fleet_read "$f" >${kept}
sed 's/^\\([[:space:]]*\\)access_log[[:space:]]\\{1,\\}off;/\\1# fleet bench: access_log off;/' ${kept} >${ours}
printf '%s\\n' ${quote(`${pathFunctions}\n${back}`)} >>${folder}/undo
fleet_into "$f" <${ours}`);
};

/** Without a port that is free, without bash, or where nginx knows no status, there are logs alone. */
const withStatus = (pools: readonly Pool[]): readonly Command[] => [
  raw(`port=
if command -v bash >/dev/null 2>&1 && command -v ss >/dev/null 2>&1; then
  for each in 18091 18092 18093 18094 28091 28092; do if [ -z "$(ss -Hltn "sport = :$each" 2>/dev/null)" ]; then port=$each; break; fi; done
fi
if [ -n "$port" ]; then
  cp ${snippet} ${folder}/plain`),
  withInput(raw(`sed "s/${portMark}/$port/" >>${snippet}`), statusServer(pools)),
  withInput(raw(`sed "s/${portMark}/$port/" >${folder}/web-sampler`), statusSampler(pools, portMark)),
  raw(`  nginx -t -q 2>/dev/null || { cat ${folder}/plain >${snippet}; rm -f ${folder}/web-sampler; }
  rm -f ${folder}/plain
fi`),
];

const nginxOn = ({ silencedBy }: NonNullable<Place["nginx"]>, pools: readonly Pool[]): Command =>
  lines([
    raw(`echo 'rm -f ${snippet}' >>${folder}/undo`),
    ...silencedBy.map(unsilenced),
    raw(`echo 'nginx -t -q && nginx -s reload; sleep 1' >>${folder}/undo`),
    raw(`rm -f ${withRotated(runLog)}`),
    withInput(raw(`cat >${snippet}`), format),
    ...withStatus(pools),
    raw(settle),
  ]);

export interface MysqlState {
  readonly on: boolean;
  readonly longQueryTime: string;
  readonly file: string;
  readonly output: string;
  readonly dataFolder: string;
  /** Connections that were open before: they keep the threshold that they began with. */
  readonly sleeping: number;
}

const sql = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
const set = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `set global ${name} = ${value};`)
    .join(" ");

/** Beside the server's own slow log, where it may write; that one is left as it is. */
export const slowLogOf = ({ file, dataFolder }: MysqlState): string =>
  file.startsWith("/") ? file.replace(/[^/]*$/, "fleet-slow.log") : `${dataFolder.replace(/\/$/, "")}/fleet-slow.log`;

function mysqlOn(state: MysqlState): Command {
  const ours = slowLogOf(state);
  const back = set({
    slow_query_log: state.on ? "1" : "0",
    long_query_time: state.longQueryTime,
    slow_query_log_file: sql(state.file),
    log_output: sql(state.output),
  });
  const now = set({ slow_query_log: "0", slow_query_log_file: sql(ours), log_output: "'FILE'", long_query_time: "0" });
  return lines([
    raw(`printf 'began=%s\\n' "$(database)" >>${folder}/undo`),
    // One that has started since came up with its files.
    withInput(raw(`cat >>${folder}/undo`), `${client}\nif [ "$(database)" = "$began" ]; then mysql_ -e ${quote(back)}; fi\n`),
    raw(`rm -f ${withRotated(ours)}`),
    raw(`mysql_ -e ${quote(`${now} set global slow_query_log = 1;`)}`),
  ]);
}

export interface Place {
  /** Undefined where there is no nginx. `own`: logs that are read as they are; `add`: whether one can be added for the rest. */
  readonly nginx?: { readonly add: boolean; readonly own: readonly string[]; readonly silencedBy: readonly string[] };
  readonly mysql?: MysqlState;
  /** Of php-fpm: those that tell their status. */
  readonly pools?: readonly Pool[];
}

const begin = `set -e
umask 077
mkdir -p ${folder}
rm -rf ${folder}/out ${folder}/offsets ${folder}/web-sampler
: >>${folder}/undo
${client}`;

/** Where the logs of the team's own stand, so that what follows is the run's. */
const remember = (files: readonly string[]): Command => raw(files.map((file) => standsAt(file, `${folder}/offsets`)).join("\n"));

/** Units that are not there are other servers'. */
const restarted = (units: readonly string[]): Command =>
  raw(units.map((unit) => `if systemctl is-enabled -q ${quote(unit)} 2>/dev/null; then systemctl restart ${quote(unit)}; fi`).join("\n"));

export interface Meanwhile {
  readonly sampler: Command;
  readonly profile: Profile;
}

/** Switches the logs on. Ends with 45 where nginx refuses them; nothing of them is left then. */
export function prepare({ nginx, mysql, pools = [] }: Place, restart: readonly string[], { sampler, profile }: Meanwhile): Command {
  return lines([
    putBack,
    keepWayBack(wayBack, `${putBack.text}\n${leavesNothing({ ...(mysql && { mysql }) })}`),
    raw(begin),
    ...(nginx?.add ? [nginxOn(nginx, pools)] : []),
    ...(mysql ? [mysqlOn(mysql)] : []),
    restarted(restart),
    ...(nginx ? [remember(nginx.own)] : []),
    raw(`rm -rf ${profilesOf(folder)}; mkdir ${profilesOf(folder)}`),
    withInput(raw(`cat >${folder}/profilers`), profilers(folder, profile)),
    sampler,
  ]);
}

/** Switches off what costs score, and leaves it off. */
export function silent({ nginx, mysql }: Place, restart: readonly string[]): Command {
  const unheard = finalUndo(`rm -f ${snippet}; if nginx -t -q; then nginx -s reload; fi`);
  return lines([
    putBack,
    keepWayBack(wayBack, `${putBack.text}\n${leavesNothing({ ...(mysql && { mysql }) })}`),
    keepFinal,
    raw(begin),
    raw(`date +%s >${folder}/began`),
    ...(nginx?.add ? [sh`if [ ! -e ${snippet} ]; then ${unheard}; fi`] : []),
    ...(mysql?.on ? [finalLogBack("slow_query_log")] : []),
    ...(nginx?.add ? [withInput(raw(`cat >${snippet}`), silence), raw(settle)] : []),
    ...(mysql ? [raw(`mysql_ -e ${quote("set global slow_query_log = 0;")}`)] : []),
    restarted(restart),
  ]);
}

const gathered = (file: string, as: string): string => `written 0 0 ${quote(file)} | gzip -1 -c >${as}
if [ -z "$(gzip -dc ${as} | head -c 1)" ]; then rm -f ${as}; fi
rm -f ${withRotated(file)}`;

/** From where the file stood when the run began. */
const ownLogs = `if [ -s ${folder}/offsets ]; then
  n=0
  while read -r inode size file; do
    n=$((n + 1))
    written "$inode" "$size" "$file" | gzip -1 -c >access-$n.log.gz
    printf '%s %s\n' "$n" "$file" >>access-files
  done <${folder}/offsets
fi`;

/** Effective values: what runs, not what a file says; and what is deployed, by commit and files. Nothing of an environment: it holds passwords. */
const configuration = `mkdir config
for unit in /etc/systemd/system/*.service; do
  if [ ! -f "$unit" ] || [ -L "$unit" ]; then continue; fi
  place=$(sed -n 's/^WorkingDirectory=-*//p' "$unit" | tail -n 1)
  program=$(sed -n 's/^ExecStart=[-@:+!]*//p' "$unit" | head -n 1 | cut -d' ' -f1)
  commit=$(git -c safe.directory='*' -C "$place" rev-parse --short=${shortLength} HEAD 2>/dev/null || echo none)
  code=$({ stat -L -c '%s %Y' "$program"; if [ -d "$place" ]; then find "$place" -maxdepth 4 -type f -size -1024k ! -path '*/.*' ! -path '*/node_modules/*' ! -name '*.log' -printf '%s %T@ %P\\n' | sort; fi; } 2>/dev/null | cksum | tr ' ' -)
  printf '%s = commit %s, files %s\\n' "\${unit##*/}" "$commit" "$code"
done >config/deployed 2>/dev/null || true
if pidof nginx >/dev/null 2>&1; then nginx -T >config/nginx 2>/dev/null || true; fi
if pidof mysqld mariadbd >/dev/null 2>&1; then
  mysql_ -N -B -e "show global variables" 2>/dev/null | grep -v -E '^(timestamp|pseudo_thread_id|rand_seed|gtid_|server_uuid|report_password|hostname)' >config/mysql || true
fi
sysctl -a 2>/dev/null | grep -E '^(vm\\.(swappiness|dirty_|overcommit)|fs\\.(file-max|nr_open)|net\\.core\\.(somaxconn|.mem_|netdev_max)|net\\.ipv4\\.(tcp_|ip_local_port_range)|net\\.netfilter\\.nf_conntrack_max)' | grep -v -E 'tcp_(fastopen_key|available)|metrics' >config/sysctl || true
{
  echo "cores = $(nproc)"
  awk '/^MemTotal/ { print "memory = " $2 }' /proc/meminfo
  cat /sys/class/net/*/speed 2>/dev/null | sort -n | tail -n 1 | sed 's/^/line = /'
  echo "kernel = $(uname -r)"
} >config/hardware
systemctl list-unit-files --type=service --state=enabled --no-legend --plain 2>/dev/null | cut -d' ' -f1 >config/enabled || true`;

/** nginx's times are the server's own, and sort as text. */
const errors = `began=$(date -d "@$(cat ${folder}/began)" '+%Y/%m/%d %H:%M:%S' 2>/dev/null) && [ -f /var/log/nginx/error.log ] &&
  tail -c 4000000 /var/log/nginx/error.log | awk -v began="$began" 'substr($0, 1, 19) >= began && /^[0-9/]+ [0-9:]+ \\[(warn|error|crit|alert|emerg)\\]/' | tail -n 200 | sed 's/^/error.log: /' >journal
journalctl -p 4 --since "@$(cat ${folder}/began)" --no-pager -o short-iso -n 500 >>journal 2>/dev/null || true`;

/** Puts everything back, and hands all that was gathered over as a tar on standard output. */
export function collect({ mysql }: Place, profile: Profile): Command {
  return raw(`set -e
umask 077
${client}
${writtenSince(`${folder}/began`)}
rm -rf ${folder}/out
mkdir -p ${folder}/out
cd ${folder}/out
{
${collectProfiles(folder, profile).text}
${putBack.text}
${gathered(runLog, "access.log.gz")}
${mysql ? gathered(slowLogOf(mysql), "slow.log.gz") : ""}
${ownLogs}
if [ -s ${folder}/samples ]; then gzip -1 -c ${folder}/samples >samples.gz; fi
if [ -s ${folder}/status ]; then gzip -1 -c ${folder}/status >status.gz; fi
if [ -s ${folder}/web ]; then gzip -1 -c ${folder}/web >web.gz; fi
${errors}
${configuration}
} >&2
tar -cf - .
cd /
rm -rf ${folder}
${dropWayBack(wayBack.name).text}`);
}

/** Plans of queries, each in the database that it was asked in, and the indexes of that database. Text a database has as a parameter. */
export const explain = (queries: readonly { readonly database?: string; readonly text: string }[]): Command =>
  lines([
    raw(client),
    ...queries.map(({ database, text }, index) =>
      lines([
        raw(`echo '== ${index} =='`),
        withInput(raw(`mysql_ ${database === undefined ? "" : `-D ${quote(database)}`} --force -B 2>&1 || true`), `EXPLAIN ${text};\n`),
      ]),
    ),
  ]);

export const indexes = (databases: readonly string[]): Command =>
  sh`${raw(client)}
mysql_ -N -B -e ${`select table_name, index_name, group_concat(column_name order by seq_in_index), max(cardinality) from information_schema.statistics where table_schema in (${databases.map(sql).join(", ")}) group by table_name, index_name order by table_name, index_name`}`;
