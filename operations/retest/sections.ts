// What the look before a reboot asks, by name: shell text that reads and changes nothing. Rows are tab-separated; what is not there says nothing.
import { runtimeFolders } from "../../provisioners/engine/runtime-folders.ts";
import { redisClient } from "./redis-client.ts";

/** What a system has on its own; a setting that no file says is measured against it. */
export const kernelDefaults: Readonly<Record<string, string>> = {
  "net.core.somaxconn": "4096",
  "net.core.netdev_max_backlog": "1000",
  "net.core.default_qdisc": "fq_codel|pfifo_fast",
  "net.ipv4.ip_local_port_range": "32768 60999",
  "net.ipv4.tcp_tw_reuse": "2|0",
  "net.ipv4.tcp_fin_timeout": "60",
  "net.ipv4.tcp_fastopen": "1",
  "net.ipv4.tcp_syncookies": "1",
  "net.ipv4.tcp_slow_start_after_idle": "1",
  "net.ipv4.tcp_keepalive_time": "7200",
  "net.ipv4.tcp_congestion_control": "cubic",
  "vm.swappiness": "60",
  "vm.overcommit_memory": "0",
  "vm.dirty_ratio": "20",
  "vm.dirty_background_ratio": "10",
};

const properties =
  "Id,LoadState,ActiveState,SubState,UnitFileState,FragmentPath,DropInPaths,Type,Restart,NeedDaemonReload,Requires,BindsTo,WantedBy,RequiredBy,TriggeredBy,RuntimeDirectory,ProtectHome,User,ConditionResult,ConditionTimestampMonotonic,MainPID,LimitNOFILE";

/** A path that somebody names, whether it is there, on which kind of file system, and where it leads to. */
const tell = `tell() { # of, key, path
  case $3 in *%*|*'$'*|*'*'*) return ;; esac
  real=$(readlink -m -- "$3"); at=$real
  until [ -e "$at" ]; do at=$(dirname -- "$at"); done
  if [ -e "$3" ]; then there=yes; else there=no; fi
  printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$1" "$2" "$3" "$there" "$(stat -f -c %T -- "$at")" "$real"
}`;

/** Of the team's own units; a dash before a path says that it may be missing. */
const paths = `${tell}
set -f
for file in $(find /etc/systemd/system -maxdepth 2 \\( -name '*.service' -o -path '*.service.d/*.conf' \\) \\( -type f -o -type l \\) 2>/dev/null); do
  [ -f "$file" ] || continue
  case $file in */*.service.d/*) unit=$(basename -- "$(dirname -- "$file")" .d) ;; */*.wants/*|*/*.requires/*) continue ;; *) unit=$(basename -- "$file") ;; esac
  sed -n 's/^\\(ExecStart\\|ExecStartPre\\|EnvironmentFile\\|WorkingDirectory\\|LoadCredential\\)=\\(.*\\)$/\\1 \\2/p' "$file" | while read -r key value; do
    first=yes
    for word in $(printf '%s' "$value" | tr "\\"'" '  '); do
      may=''
      if [ $first = yes ]; then case $key$word in EnvironmentFile-*|WorkingDirectory-*|Exec*-/*) may=' optional' ;; esac; word=$(printf '%s' "$word" | sed 's/^[-@:+!]*//'); fi
      case $word in /*) tell "$unit" "$key$([ $first = yes ] || echo ' argument')$may" "$word" ;; esac
      first=no
    done
  done
done
if systemctl is-active -q nginx.service; then
  nginx -T 2>/dev/null | sed -n 's/^# configuration file \\(\\/[^ ]*\\):$/configuration \\1/p; s/^[[:space:]]*root[[:space:]]\\{1,\\}\\(\\/[^;]*\\);.*/root \\1/p; s/^[[:space:]]*ssl_certificate\\(_key\\)\\{0,1\\}[[:space:]]\\{1,\\}\\(\\/[^;]*\\);.*/certificate \\2/p' | sort -u |
    while read -r key path; do tell nginx.service "$key" "$path"; done
fi
find /etc/mysql /etc/my.cnf -name '*.cnf' 2>/dev/null | while read -r path; do tell mysql "configuration" "$path"; done`;

const client = `client=$(command -v mariadb || command -v mysql) || exit 0
ask() { if "$client" -e 'select 1' >/dev/null 2>&1; then timeout 20 "$client" -N -B "$@"; else timeout 20 "$client" --defaults-file=/etc/mysql/debian.cnf -N -B "$@"; fi; }
pgrep -x 'mysqld|mariadbd' >/dev/null || exit 0`;

/** What was set at run time, by the server's own account of where each value comes from; then what its files say. */
const mysql = `${client}
ask -e "select 'set', lower(variable_name), global_value, coalesce(default_value, '') from information_schema.system_variables where global_value_origin = 'SQL'" 2>/dev/null ||
  ask -e "select 'set', i.variable_name, g.variable_value, coalesce(p.variable_value, '') from performance_schema.variables_info i join performance_schema.global_variables g on g.variable_name = i.variable_name left join performance_schema.persisted_variables p on p.variable_name = i.variable_name where i.variable_source = 'DYNAMIC'" 2>/dev/null
ask -e "show global variables where variable_name in ('slow_query_log', 'long_query_time', 'general_log', 'datadir', 'tmpdir', 'log_output')" | sed 's/^/live\t/'
my_print_defaults mysqld server mariadb mariadbd 2>/dev/null | sed -n 's/^--\\([A-Za-z0-9_-]*\\)=/\\1=/p' | while IFS='=' read -r name value; do
  printf 'file\\t%s\\t%s\\n' "$(printf '%s' "$name" | tr - _)" "$value"; done
ask -e "select 'memory', table_schema, table_name, coalesce(table_rows, 0) from information_schema.tables where engine = 'MEMORY' and table_schema not in ('mysql', 'sys', 'information_schema', 'performance_schema')"
data=$(ask -e 'select @@datadir'); [ -z "$data" ] || printf 'data\\t%s\\t%s\\n' "$data" "$(stat -f -c %T -- "$data")"`;

const sysctl = `{ /lib/systemd/systemd-sysctl --cat-config || /usr/lib/systemd/systemd-sysctl --cat-config; } 2>/dev/null | sed 's/^[[:space:]]*-*//' | awk -F= '/^[a-z]/ && NF > 1 && $1 !~ /[*]/ {
  key = $1; gsub(/[ \\t]/, "", key); gsub(/\\//, ".", key); value = substr($0, index($0, "=") + 1); gsub(/^[ \\t]+|[ \\t]+$/, "", value); gsub(/[ \\t]+/, " ", value); said[key] = value
} END { for (key in said) print key "\\t" said[key] }' | while IFS='	' read -r key value; do
  live=$(sysctl -n -- "$key" 2>/dev/null | tr '\\t' ' ') && [ -n "$live" ] && printf 'file\\t%s\\t%s\\t%s\\n' "$key" "$value" "$live"; done
for key in ${Object.keys(kernelDefaults).join(" ")}; do live=$(sysctl -n -- "$key" 2>/dev/null | tr '\\t' ' ') && [ -n "$live" ] && printf 'live\\t%s\\t%s\\n' "$key" "$live"; done`;

/** Mounts of file systems that hold data; what a container's own host put there is its host's. */
const mounts = `findmnt -nr -o TARGET,SOURCE,FSTYPE,OPTIONS | while read -r target source type options; do
  case $type:$target in *:/proc*|*:/sys*|*:/dev*|*:/run/host*|*:/run/credentials*|*:/run/user/*|*:/snap/*|squashfs:*|autofs:*|overlay:/var/lib/docker*|tmpfs:/run|tmpfs:/run/*|tmpfs:/tmp|nsfs:*) continue ;; esac
  [ -d "$target" ] || continue
  unit=$(systemd-escape -p --suffix=mount -- "$(printf '%b' "$target")")
  printf 'mounted\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$target" "$source" "$type" "$options" "$(systemctl show -p FragmentPath --value -- "$unit" 2>/dev/null)"
done
grep -vE '^[[:space:]]*(#|$)' /etc/fstab 2>/dev/null | while read -r source target type options rest; do
  device=yes
  case $source in
    UUID=*) [ -e "/dev/disk/by-uuid/$(printf '%s' "\${source#UUID=}" | tr -d '"')" ] || device=no ;;
    LABEL=*) [ -e "/dev/disk/by-label/$(printf '%s' "\${source#LABEL=}" | tr -d '"')" ] || device=no ;;
    /dev/*) [ -e "$source" ] || device=no ;;
  esac
  printf 'fstab\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$target" "$source" "$type" "$options" "$device"
done
systemd-detect-virt -cq || sed 1d /proc/swaps | while read -r place rest; do printf 'swap\\t%s\\t%s\\n' "$place" "$(systemctl show -p FragmentPath --value -- "$(systemd-escape -p --suffix=swap -- "$place")")"; done`;

/** Links of configurations that lead into homes, or nowhere. */
const links = `find -H /etc/nginx /etc/mysql /etc/systemd/system /etc/redis /etc/php /etc/cron.d /etc/sysctl.d -xdev -type l -print 2>/dev/null | while read -r path; do
  real=$(readlink -m -- "$path")
  case $real in /home/*|/root/*) of=home ;; /dev/null) continue ;; *) if [ -e "$path" ]; then continue; fi; of=other ;; esac
  if [ -e "$path" ]; then there=yes; else there=no; fi
  printf '%s\\t%s\\t%s\\t%s\\n' "$path" "$real" "$there" "$(findmnt -n -o TARGET --target "$real" 2>/dev/null)"
done`;

const hosts = `grep -hE '^[[:space:]]*manage_etc_hosts' /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/*.cfg /var/lib/cloud/instance/cloud-config.txt 2>/dev/null | tail -n 1 | sed 's/.*:[[:space:]]*/manage\t/'
if [ -e /etc/cloud/cloud-init.disabled ] || ! command -v cloud-init >/dev/null; then echo 'cloud\toff'; else echo 'cloud\ton'; fi
sed 's/#.*//' /etc/cloud/templates/hosts.debian.tmpl 2>/dev/null | awk 'NF > 1 { $1 = $1; print "template\\t" $0 }'
sed 's/#.*//' /etc/hosts | awk 'NF > 1 { $1 = $1; print "host\\t" $0 }'
printf 'hostname\\t%s\\t%s\\n' "$(cat /proc/sys/kernel/hostname)" "$(cat /etc/hostname 2>/dev/null)"`;

const cron = `for file in /var/spool/cron/crontabs/* /etc/crontab /etc/cron.d/*; do [ -f "$file" ] && grep -E '^[[:space:]]*@reboot' "$file" | sed "s|^[[:space:]]*@reboot[[:space:]]*|$file\t|"; done
for unit in cron crond cronie; do [ "$(systemctl is-enabled $unit.service 2>/dev/null)" = enabled ] && echo 'cron\tenabled'; done`;

/** Who listens, and what has lost its parent, each with the group that systemd has it in. */
const processes = `ss -Hltunp | awk '{ port = $5; sub(/.*:/, "", port); name = $7; sub(/^[^"]*"/, "", name); sub(/".*/, "", name); pid = $7; sub(/^[^=]*pid=/, "", pid); sub(/,.*/, "", pid)
  if (pid != "") print $1, port, name, pid }' | sort -u | while read -r protocol port name pid; do
  printf 'port\\t%s\\t%s\\t%s\\t%s\\n' "$protocol" "$port" "$name" "$(sed -n 's/^0:://p; s/^[0-9]*:name=systemd://p' /proc/$pid/cgroup 2>/dev/null | head -n 1)"; done
ps -eo ppid=,pid=,comm= | while read -r parent pid name; do [ "$parent" = 1 ] && group=$(sed -n 's/^0:://p; s/^[0-9]*:name=systemd://p' /proc/$pid/cgroup 2>/dev/null | head -n 1) && case $group:$name in *:sshd*) ;; */session-*.scope:*|*/ssh.service:*|*/sshd.service:*|*/sshd@*:*|*/ssh@*:*) printf 'loose\\t%s\\t%s\\n' "$name" "$(tr '\\0' ' ' </proc/$pid/cmdline 2>/dev/null | cut -c1-120)" ;; esac; done
ls /var/lib/systemd/linger 2>/dev/null | sed 's/^/linger\t/'
command -v docker >/dev/null && timeout 10 docker ps -q 2>/dev/null | xargs -r docker inspect --format '{{"container\t"}}{{.Name}}{{"\t"}}{{.HostConfig.RestartPolicy.Name}}' 2>/dev/null
ps -eo comm= | grep -xE 'perf|strace|tcpdump|py-spy|rbspy|bpftrace|netdata|dstat|pidstat|iotop|mpstat|vmstat|sar|sadc|pprof|pprotein|pprotein-agent|alp' | sort -u | sed 's/^/measures\t/'`;

const redis = `command -v redis-cli >/dev/null && pgrep -x redis-server >/dev/null || exit 0
${redisClient}
conf=$(redis_conf)
redis_ config get save | paste -s -d'\t' -; redis_ config get appendonly | paste -s -d'\t' -
printf 'keys\\t%s\\n' "$(redis_ dbsize)"
for name in maxmemory maxmemory-policy maxclients timeout; do printf 'live\\t%s\\t%s\\n' "$name" "$(redis_ config get $name | sed -n 2p)"; printf 'file\\t%s\\t%s\\n' "$name" "$(sed -n "s/^ *$name  *//p" "\${conf:-/dev/null}" | tail -n 1)"; done`;

const runtime = `find /run -mindepth 1 -maxdepth 1 -type d ! -user root -printf 'folder\t%p\t%u\n' 2>/dev/null
systemd-tmpfiles --cat-config 2>/dev/null | awk '$1 ~ /^[dDvqQ]/ && $2 ~ /^\\/(run|var\\/run)\\// { sub(/^\\/var/, "", $2); print "made\\t" $2 }'
grep -rhoE '(mkdir|install) [^;|&]*' /etc/systemd/system 2>/dev/null | tr ' ' '\\n' | sed -n 's#^\\(/var\\)\\{0,1\\}\\(/run/[^/;]*\\).*#made\t\\2#p'
for script in /etc/init.d/*; do grep -hoE '/run/[a-z0-9_-]+' "$script" 2>/dev/null; done | sort -u | sed 's/^/made\t/'`;

/** Programs that would refuse what lies in their files now; those that run have read something else. */
const configurations = `${runtimeFolders}
try() { if said=$("$@" 2>&1 </dev/null); then :; else printf '%s\\t%s\\n' "$of" "$(printf '%s' "$said" | grep -iE 'emerg|error|unknown|line|missing' | head -n 1 | cut -c1-200 | tr '\\t' ' ')"; fi; }
if pidof nginx >/dev/null 2>&1; then of=nginx; try nginx -t -q; fi
if pidof sshd >/dev/null 2>&1; then of=sshd; fleet_runtime ssh.service; try sshd -t; fi
if pidof mariadbd >/dev/null 2>&1; then of=mariadb; try mariadbd --help; elif pidof mysqld >/dev/null 2>&1; then of=mysql; try mysqld --validate-config; fi
for version in $(ls /etc/php 2>/dev/null); do if pgrep -x "php-fpm$version" >/dev/null; then of=php$version-fpm; try php-fpm$version -t; fi; done`;

const measuring = `for file in /etc/nginx/conf.d/zz-fleet-measure.conf; do [ -f "$file" ] && ! grep -q 'access_log off' "$file" && printf 'nginx\\t%s\\n' "$file"; done
if pidof nginx >/dev/null 2>&1; then nginx -T 2>/dev/null | sed 's/#.*//' | grep -oE '(^|[[:space:]])access_log[[:space:]]+[^;]*' | sed 's/^[[:space:]]*access_log[[:space:]]*/access\t/' | sort -u; fi
pid=$(cat /var/lib/fleet/measure/sampler.pid 2>/dev/null) && kill -0 "$pid" 2>/dev/null && printf 'sampler\\t%s\\n' "$pid"
:`;

/** Open files that a running service may have, beside what its unit says. */
const limits = `for unit in $(systemctl list-units --plain --no-legend --type=service --state=running | cut -d' ' -f1); do
  pid=$(systemctl show -p MainPID --value -- "$unit"); [ "\${pid:-0}" != 0 ] || continue
  printf '%s\\t%s\\t%s\\n' "$unit" "$(systemctl show -p LimitNOFILE --value -- "$unit")" "$(sed -n 's/^Max open files  *[^ ]*  *\\([^ ]*\\).*/\\1/p' "/proc/$pid/limits")"; done`;

const firewall = `command -v nft >/dev/null && nft list ruleset 2>/dev/null | sed -n 's/^table /table\t/p' | tr -d '{'
for unit in nftables netfilter-persistent ufw firewalld docker fail2ban; do [ "$(systemctl is-enabled $unit.service 2>/dev/null)" = enabled ] && printf 'loader\\t%s\\n' $unit; done
sed -n 's/^[[:space:]]*table[[:space:]]*\\([a-z0-9]*[[:space:]]*[^ {]*\\).*/file\t\\1/p' /etc/nftables.conf 2>/dev/null`;

export const sections = {
  system: `printf '%s\\t%s\\t%s\\n' "$(systemctl get-default)" "$(systemd-detect-virt -c 2>/dev/null)" "$([ -e /run/reboot-required ] && echo yes)"`,
  // Also those that are enabled and were never loaded.
  units: `systemctl show -p ${properties} -- $({ systemctl list-units --all --plain --no-legend --type=service,socket,timer; systemctl list-unit-files --no-legend --type=service,socket,timer --state=enabled,bad; } |
  while read -r unit rest; do case $unit in *@.*) ;; *.service|*.socket|*.timer) printf '%s\\n' "$unit" ;; esac; done | sort -u)`,
  // What generators link at each boot is no person's.
  masked: `systemctl list-unit-files --no-legend --plain --state=masked,masked-runtime,enabled-runtime,linked-runtime | while read -r unit state rest; do
  case $state in *-runtime) [ -n "$(find /run/systemd/system /run/systemd/transient -name "$unit" 2>/dev/null)" ] || continue ;; esac
  printf '%s\\t%s\\n' "$unit" "$state"; done`,
  paths,
  mysql,
  sysctl,
  mounts,
  links,
  hosts,
  cron,
  processes,
  redis,
  runtime,
  configurations,
  measuring,
  limits,
  firewall,
  memcached: `pgrep -x memcached >/dev/null && printf 'stats\\nquit\\n' | timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.0.1/11211; cat >&3; cat <&3' 2>/dev/null | tr -d '\\r' | sed -n 's/^STAT curr_items /items\t/p'`,
} as const satisfies Readonly<Record<string, string>>;

export type SectionName = keyof typeof sections;
