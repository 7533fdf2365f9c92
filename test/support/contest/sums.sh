# A server, whole: what two looks must agree on where nothing of a fleet is left. Left out is what programs write by themselves:
# nginx' counts of requests, `*-` (the last state but one, which shadow keeps of its files), ld.so.cache (by the libraries' order on disk), .cache.
# Paths that systemd watches for passwords fail where this computer, whose root's watches all machines share, has no more of them.
cd /
# A busy computer may leave systemd no time to answer: half an answer is none.
units() { for try in 1 2 3 4 5 6; do if said=$(systemctl "$@" --no-legend --no-pager --plain 2> /dev/null); then printf '%s\n' "$said"; return; fi; done; echo "no answer to $*"; }
{
find etc home root opt srv usr/local var/spool/cron var/www var/lib/fleet -xdev ! -path '*/.cache*' ! -path 'etc/*-' ! -path etc/ld.so.cache -printf 'path /%p %y %u:%g %m %l\n' 2> /dev/null | sort
find etc home root opt srv usr/local var/spool/cron var/www var/lib/fleet -xdev -type f ! -path '*/.cache*' ! -path 'etc/*-' ! -path etc/ld.so.cache -exec sha256sum {} + 2> /dev/null | sed 's#^\([0-9a-f]*\)  #\1 /#' | awk '{ print "content " $2 " " $1 }' | sort
find var/lib var/log var/cache -xdev -mindepth 1 -maxdepth 1 -type d -printf 'path /%p %y %u:%g %m\n' | sort
units list-units --type=service --state=running | awk '{ print "runs " $1 }' | grep -v -e user@ -e user-runtime -e session- -e run-
units list-unit-files | awk '{ print "unit " $1 " " $2 }' | sort
units list-units --state=failed | awk '$1 != "" && $1 !~ /^systemd-ask-password-.*\.path$/ { print "failed " $1 }'
dpkg-query -W -f 'package ${Package} ${Version} ${Status}\n'
apt-mark showhold | sed 's/^/hold /'
sysctl -a --pattern '^(net\.core\.(somaxconn|netdev|rmem|wmem)|net\.ipv4\.(tcp_(fin|max_|sync|tw|rmem|wmem|keep)|ip_local))' 2> /dev/null | sed 's/^/sysctl /'
getent passwd | sed 's/^/account /'; getent group | sed 's/^/group /'; cut -d : -f 1,2 etc/shadow | sed 's/^/shadow /'
hostname | sed 's/^/hostname /'
findmnt -rn -o TARGET,FSTYPE | grep -v -e ^/proc -e ^/sys -e ^/run/user -e ^/dev | sort | sed 's/^/mount /'
mariadb -N -e "SELECT 'user', user, host, authentication_string FROM mysql.global_priv JOIN mysql.user USING (user, host) ORDER BY 2, 3; SELECT 'database', schema_name FROM information_schema.schemata; SELECT 'rows', count(*) FROM notes.note; SELECT 'set', variable_name, variable_value FROM information_schema.global_variables WHERE variable_name IN ('max_connections', 'long_query_time', 'innodb_flush_log_at_trx_commit', 'max_allowed_packet', 'bind_address', 'slow_query_log') ORDER BY 2" 2>&1 | sed 's/^/mariadb /'
nginx -T 2> /dev/null | sha256sum | sed 's/^/nginx /'
for url in http://127.0.0.1/ http://127.0.0.1/api/x http://127.0.0.1:8081/ http://127.0.0.1:8088/nginx_status; do printf 'answers %s %s\n' "$url" "$(curl -s -m 5 "$url" | case $url in */nginx_status) tr -d 0-9 ;; *) cat ;; esac | sha256sum | cut -c 1-12)"; done
grep -h -e '^Max open files' "/proc/$(systemctl show -P MainPID notes-python)/limits" | sed 's/^/limit /'
tr '\0' '\n' < "/proc/$(systemctl show -P MainPID notes-python)/environ" | grep -e ^CONTEST -e ^TEAM | sort | sed 's/^/environment /'
} 2>&1
