// What a look at a server asks, by name: shell text that reads and changes nothing. Each part's answer is parsed by itself.
import { shortLength } from "../../provisioners/resources/git.ts";

/** Files that are read where they are there, each tree with all below it. Whose contents are for everybody alone: a secret stays where it is. */
const roots = [
  ...["nginx", "mysql", "my.cnf", "redis", "memcached.conf", "postgresql", "php", "haproxy", "varnish", "envoy", "powerdns", "apache2"],
  ...["supervisor", "systemd/system", "systemd/journald.conf", "systemd/journald.conf.d", "systemd/system.conf", "systemd/system.conf.d"],
  ...["sysctl.conf", "sysctl.d", "security/limits.conf", "security/limits.d", "tmpfiles.d", "modules-load.d", "logrotate.d"],
  ...["cron.d", "crontab", "hosts", "environment", "ssh/sshd_config", "ssh/sshd_config.d", "fstab", "nftables.conf"],
].map((path) => `/etc/${path}`);

/** Whether a look tells of a file at this path, where there is one. */
export const isLooked = (path: string): boolean => roots.some((root) => path === root || path.startsWith(`${root}/`));

const environmentFiles = `systemctl show -p EnvironmentFiles --value -- $(cd /etc/systemd/system && ls -- *.service) | sed -n 's| (ignore_errors=.*||; /^\\/[^*?|]*$/p' | sort -u | tr '\\n' '\\0'`;

/** `all`: also what not everybody may read, since its values become secrets here. */
const print = (all: "yes" | "no") => `xargs -0 -r sh -c 'for file; do
  seen=$(stat -c "%F|%a|%U|%G|%s|%n" -- "$file") || continue
  printf "%s\\n" "$seen"
  if [ -L "$file" ]; then readlink -- "$file"; continue; fi
  IFS="|" read -r kind mode owner group size path <<END
$seen
END
  case ${all}$mode in yes*|*[4567]) if [ "$size" -le 1048576 ]; then base64 -w0 < "$file"; fi ;; esac
  echo
done' sh`;

const files = `find -H ${roots.join(" ")} -xdev \\( -name .git -prune \\) -o \\( -type f -o -type l \\) ! -name '*.dpkg-*' ! -name '*.ucf-*' ! -name '*~' ! -path '*[[:cntrl:]|]*' -print0 | ${print("no")}
${environmentFiles} | ${print("yes")}`;

/** Of everything that a person may have started: not of what only systemd runs for itself. */
const units = `systemctl show -p Id,Type,LoadState,ActiveState,SubState,UnitFileState,FragmentPath,User,Group,WorkingDirectory,EnvironmentFiles,ExecStart,MainPID,ControlGroup,Requires,NRestarts,NeedDaemonReload -- $(
  { systemctl list-units --all --plain --no-legend --type=service,socket,timer
    systemctl list-unit-files --no-legend --type=service,socket,timer
  } | while read -r unit rest; do case $unit in *@.*|systemd-*|*.device) ;; *.service|*.socket|*.timer) printf '%s\\n' "$unit" ;; esac; done | sort -u)`;

const queries = `SELECT 'version', @@version, @@version_comment;
SHOW GLOBAL VARIABLES WHERE variable_name IN ('bind_address','port','datadir','innodb_buffer_pool_size','innodb_flush_log_at_trx_commit','max_connections','slow_query_log','long_query_time','log_bin','sync_binlog');
SELECT 'database', schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name NOT IN ('mysql','sys','information_schema','performance_schema');
SELECT 'table', table_schema, table_name, COALESCE(table_rows,0), COALESCE(data_length+index_length,0) FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('mysql','sys','information_schema','performance_schema');
SELECT 'index', table_schema, table_name, index_name FROM information_schema.statistics WHERE seq_in_index = 1 AND table_schema NOT IN ('mysql','sys','information_schema','performance_schema');
SELECT 'user', user, host FROM mysql.user WHERE user NOT IN ('mysql.sys','mysql.session','mysql.infoschema','mariadb.sys','debian-sys-maint');
`;

/** As root by the socket, with the password that root's own file has. */
const mysql = `pgrep -x 'mysqld|mariadbd' >/dev/null || exit 0
client=$(command -v mariadb || command -v mysql) || { echo 'no client'; exit 0; }
echo asked
timeout 20 "$client" -N -B --connect-timeout=5 <<'END' 2>&1
${queries}END`;

const postgres = `pgrep -x postgres >/dev/null || exit 0
echo asked
timeout 20 runuser -u postgres -- psql -AtX -F '	' -c "SELECT 'version', current_setting('server_version'), current_setting('listen_addresses'), current_setting('port')" -c "SELECT 'database', datname, pg_database_size(datname) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'" 2>&1`;

const redis = `command -v redis-cli >/dev/null && pgrep -x redis-server >/dev/null || exit 0
timeout 5 redis-cli info 2>&1 | tr -d '\\r' | grep -E '^(redis_version|used_memory_human|maxmemory_human|aof_enabled|db[0-9]+|NOAUTH.*)[:=]?'`;

/** Only where it runs: it has its logs open then, and makes none. */
const nginx = "systemctl is-active -q nginx.service && nginx -T 2>/dev/null";

/** Where the team's own units work. Git does not even write its index. */
const code = `for dir in $(systemctl show -p WorkingDirectory --value -- $(cd /etc/systemd/system && ls -- *.service) | sed 's/^!//' | sort -u); do
  case $dir in /|/*[!A-Za-z0-9_./@+-]*) continue ;; /*) ;; *) continue ;; esac
  [ -d "$dir" ] || continue
  printf 'folder\\t%s\\n' "$dir"
  for mark in go.mod package.json Gemfile requirements.txt pyproject.toml composer.json cpanfile Cargo.toml Makefile; do
    if [ -e "$dir/$mark" ]; then printf 'mark\\t%s\\n' "$mark"; fi
  done
  git() { GIT_OPTIONAL_LOCKS=0 timeout 10 command git -c safe.directory='*' -C "$dir" "$@"; }
  if top=$(git rev-parse --show-toplevel); then
    printf 'git\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$top" "$(git rev-parse --short=${shortLength} HEAD)" "$(git rev-parse --abbrev-ref HEAD)" "$(git status --porcelain | wc -l)" "$(git config --get remote.origin.url | sed 's|//[^/@]*@|//|')"
  fi
done`;

/** A name, and the text that asks. */
export const sections = {
  system: `. /etc/os-release; printf '%s\\n' "$ID" "$VERSION_ID" "$(uname -r)" "$(uname -m)" "$(nproc)" "$(sed -n 's/^MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo)" "$(cat /proc/sys/kernel/hostname)" "$(cut -d. -f1 /proc/uptime)" "$(date +%s)" "$(readlink /etc/localtime)" "$(sed -n '2,$p' /proc/swaps | wc -l)" "$([ -e /run/systemd/timesync/synchronized ] && echo yes)"`,
  addresses: "ip -o -4 addr show scope global",
  disks: "df -PTk -x tmpfs -x devtmpfs -x efivarfs -x squashfs; echo inodes; df -PTi -x tmpfs -x devtmpfs -x efivarfs -x squashfs",
  units,
  sockets: "ss -Hlntup",
  connections: "ss -Hntp state established",
  processes: "ps -ww -eo pid=,user:32=,rss=,args=",
  groups: "grep -sH '^0::' /proc/[0-9]*/cgroup",
  conffiles: "dpkg-query -W -f '${Conffiles}\\n' | grep -E '^ /etc/'",
  files,
  nginx,
  certificates: `${nginx} | sed -n 's/^[[:space:]]*ssl_certificate[[:space:]]\\{1,\\}\\([^;$]*\\);.*/\\1/p' | sort -u | while read -r file; do
  case $file in /*) ;; *) file=/etc/nginx/$file ;; esac
  ends=$(openssl x509 -noout -enddate -in "$file") && printf '%s\\t%s\\n' "$file" "\${ends#notAfter=}"; done`,
  mysql,
  postgres,
  redis,
  code,
  cron: 'for file in /var/spool/cron/crontabs/*; do [ -f "$file" ] && grep -vE \'^[[:space:]]*(#|$)\' "$file" | sed "s|^|${file##*/}\t|"; done',
  people: `while IFS=: read -r name rest uid gid gecos home shell; do
  [ "$uid" -ge 1000 ] && [ "$uid" -lt 60000 ] && printf '%s\\t%s\\t%s\\n' "$name" "$home" "$shell"; done < /etc/passwd`,
  sudo: "grep -hsE '^[[:space:]]*[^#D[:space:]].*NOPASSWD' /etc/sudoers /etc/sudoers.d/*",
  organiser: "ls -d /opt/isucon-env-checker /opt/*envcheck* /opt/*env-checker* /home/isuadmin /etc/sudoers.d/isuadmin 2>/dev/null",
  packages:
    "apt-mark showhold | sed 's/^/held\t/'; dpkg --audit | sed -n 's/^ \\([a-z0-9.+-]*\\) .*/broken\t\\1/p'; if [ -e /run/reboot-required ]; then echo 'reboot\tneeded'; fi",
  fleet: "ls -d /var/lib/fleet /etc/sudoers.d/zz-fleet 2>/dev/null",
} as const satisfies Readonly<Record<string, string>>;

export type SectionName = keyof typeof sections;
