# What packages.sh asks of apt. POSIX sh, Debian and its kin.
export DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
fleet_apt() {
  apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
# Runs a command again while somebody else holds a lock that apt itself does not wait for.
fleet_unlocked() {
  waited=0
  while :; do
    code=0
    said=$("$@" 2>&1) || code=$?
    printf '%s\n' "$said"
    if [ "$code" = 0 ] || [ "$waited" -ge 600 ]; then return "$code"; fi
    case $said in *'Could not get lock'*|*'Unable to lock'*|*'locked by another process'*) ;; *) return "$code" ;; esac
    sleep 5
    waited=$((waited + 5))
  done
}
fleet_installed() { dpkg-query -W -f '${db:Status-Abbrev}|${Package}\n' | sed -n 's/^.[^nc].|//p' | sort -u; }
fleet_versions() { dpkg-query -W -f '${db:Status-Abbrev}|${binary:Package} ${Version}\n' | sed -n 's/^.[^nc].|//p' | sort; }
# An interrupted run of dpkg stands in the way of every other one.
fleet_repair() {
  # apt refuses where dpkg left its journal behind, though no package is half done.
  if [ -n "$(dpkg --audit)" ] || [ -n "$(ls -A /var/lib/dpkg/updates 2> /dev/null)" ]; then fleet_unlocked dpkg --force-confdef --force-confold --configure -a; fi
}
fleet_known() {
  for spec; do
    case $spec in /*) continue ;; esac # a .deb
    apt-cache show --no-all-versions "$spec" > /dev/null 2>&1 || return 1
  done
}
# Installed, or provided by what is; and in this version where one is named.
fleet_there() {
  case $(dpkg-query -W -f '${db:Status-Abbrev}=${Version}' "${1%%=*}" 2> /dev/null) in
    ?i*=*) [ "$1" = "${1%%=*}" ] || dpkg-query -W -f '${Version}' "${1%%=*}" | grep -qxF -e "${1#*=}" ;;
    *) fleet_providers "$1" | grep -q . ;;
  esac
}
# Of the alternatives that came along: one that leads nowhere any more. What a service of the package offered (php-fpm, each of its sockets) its
# script does not know.
fleet_end_alternatives() {
  sed -n 's,^path /etc/alternatives/,,p' "$added.made" | while read -r name; do
    # It lists none that is gone: the one that is in use still says where it led.
    path=$(update-alternatives --query "$name" 2> /dev/null | sed -n 's/^Value: //p')
    case $path in
      /*) [ -e "$path" ] || update-alternatives --quiet --remove "$name" "$path" < /dev/null 2> /dev/null || : ;;
    esac
  done
}
fleet_going() { apt-get -s purge --allow-change-held-packages -- "$@" | sed -n -e 's/^Purg \([^ ]*\).*/\1/p' -e 's/^Remv \([^ ]*\).*/\1/p' | sort -u; }
# Installed packages that provide one of these names: what a virtual package (libz-dev) stands for.
fleet_providers() {
  awk -v wanted=" $* " 'BEGIN { RS = "" }
/\nStatus: [a-z]+ ok installed/ && match($0, /\nProvides: [^\n]*/) {
  count = split(substr($0, RSTART + 11, RLENGTH - 11), each, /, */)
  for (at = 1; at <= count; at++) { split(each[at], word, " "); if (index(wanted, " " word[1] " ")) { split($0, line, "\n"); sub(/^Package: /, "", line[1]); print line[1] } }
}' /var/lib/dpkg/status
}
# A repaired dpkg, and lists that are fresh.
fleet_ready() {
  # What somebody's package does not end is not ours to end.
  fleet_repair || printf 'going on without: dpkg can not end what it began\n'
  # Where apt last wrote, and where it last looked for news: a day is old.
  if [ -z "$(find /var/lib/apt/lists /var/lib/apt/lists/partial -maxdepth 0 -mmin -1440)" ] || ! fleet_known "$@"; then
    # Of what nobody knows the install says so itself, of each by its name.
    fleet_unlocked fleet_apt update || ! fleet_known "$@" || printf 'the package lists could not be fetched: going on with the old ones\n'
  fi
}
# RECOMMENDS (lean, full) SPEC…
fleet_bring() {
  case $1 in full) weak=--install-recommends ;; *) weak=--no-install-recommends ;; esac
  shift
  fleet_apt install --allow-downgrades "$weak" -- "$@" || {
    came=$?
    # An apt that was killed leaves a dpkg that goes on to its packages' end, and owes their triggers.
    fleet_repair || :
    return "$came"
  }
}
# apt configures first what somebody's failed installation left; dpkg alone does not.
fleet_take_away() { fleet_apt purge --allow-change-held-packages -- "$@" || dpkg --purge -- "$@"; }
fleet_along() { apt-mark showauto | sort; }
fleet_mark_along() { xargs -r apt-mark -q auto > /dev/null; }
fleet_held() { apt-mark showhold "$@"; }
fleet_owned() { dpkg-query -S "$1" > /dev/null 2>&1; }
fleet_downgrade() { printf 'apt-get install --allow-downgrades %s=%s' "$1" "$2"; }
