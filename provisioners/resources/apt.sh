# Shell functions for apt.ts, run under `set -e` around a step. POSIX sh, Debian.
export DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
before="$state/originals/packages.before" added="$state/originals/packages.added"
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
fleet_etc() { find /etc -xdev ! -type d | sort; }
# What packages' scripts make, and a purge may leave: accounts, groups, folders of data, files of /etc that are no conffiles.
fleet_things() {
  {
    sed 's/^\([^:]*\):.*/account \1/' /etc/passwd
    sed 's/^\([^:]*\):.*/group \1/' /etc/group
    find /var/lib /var/log /var/spool /srv /opt -xdev -mindepth 1 -maxdepth 1 -printf 'path %p\n' 2> /dev/null
    find /etc -xdev ! -type d ! -name '*-' ! -path /etc/ld.so.cache -printf 'path %p\n'
  } | LC_ALL=C sort -u
}
# What stands in /etc before packages come: a purge must not take it along. After an install, only what it did not bring counts.
fleet_etc_before() {
  fleet_versions > "$added.versions"
  fleet_things > "$added.things"
  if [ -e "$added.etc" ]; then fleet_etc | comm -23 - "$added.etc.after" | sort -u -o "$added.etc" - "$added.etc"; else fleet_etc > "$added.etc"; fi
}
# The versions that packages had which an install replaced by others: the first ones count.
fleet_etc_after() {
  fleet_etc > "$added.etc.after"
  if [ ! -e "$added.versions" ]; then return 0; fi
  fleet_versions | join "$added.versions" - | awk '$2 != $3 { print $1, $2 }' > "$added.changed"
  touch "$added.upgraded"
  cut -d ' ' -f 1 "$added.upgraded" > "$added.known"
  join -v 2 "$added.known" "$added.changed" | sort -o "$added.upgraded" - "$added.upgraded"
  touch "$added.made"
  fleet_things | LC_ALL=C comm -13 "$added.things" - | LC_ALL=C sort -u -o "$added.made" - "$added.made"
  rm -f "$added.versions" "$added.changed" "$added.known" "$added.things"
}
# Adds what has come since `before` was written, in this run or in one that was killed, to `added`. What nobody named came along: a killed
# apt has not marked it.
fleet_settle() {
  if [ ! -e "$before" ]; then return 0; fi
  fleet_installed > "$before.now"
  touch "$added"
  comm -13 "$before" "$before.now" | sort -u -o "$added" - "$added"
  case " $*" in *' /'*) ;; *)
    printf '%s\n' "$@" | sed 's/=.*//' | sort -u > "$before.named"
    fleet_providers $(comm -23 "$before.named" "$before.now") | sort -u -o "$before.named" - "$before.named"
    comm -13 "$before" "$before.now" | comm -23 - "$before.named" | xargs -r apt-mark -q auto > /dev/null || :
    rm -f "$before.named" ;;
  esac
  rm -f "$before" "$before.now"
  fleet_etc_after
}
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
# What can not be had stops nothing else: each by itself, and apt's words of those that fail are kept for their own steps.
fleet_install_each() {
  for spec; do
    if fleet_there "$spec"; then continue; fi
    if ! said=$(fleet_apt install --allow-downgrades "$recommends" -- "$spec" 2>&1) && ! fleet_there "$spec"; then
      printf '%s\n' "$said" > "$added.refused.$spec"
      apt-mark showhold "${spec%%=*}" | sed 's/.*/somebody holds & on the server: `apt-mark unhold &` there if that was not meant/' >> "$added.refused.$spec"
    fi
  done
}
fleet_install() {
  recommends=$1
  shift
  if [ ! -e "$before" ]; then
    fleet_etc_before
    fleet_installed > "$before.new"
    mv -f "$before.new" "$before"
  fi
  # What somebody's package does not end is not ours to end.
  fleet_repair || printf 'going on without: dpkg can not end what it began\n'
  # Where apt last wrote, and where it last looked for news: a day is old.
  if [ -z "$(find /var/lib/apt/lists /var/lib/apt/lists/partial -maxdepth 0 -mmin -1440)" ] || ! fleet_known "$@"; then
    fleet_unlocked fleet_apt update || { fleet_known "$@" && printf 'the package lists could not be fetched: going on with the old ones\n'; }
  fi
  code=0
  rm -f "$added.refused".*
  # Whoever comes along with the first must not count as done where that one got stuck before the end.
  : > "$added.begun"
  fleet_apt install --allow-downgrades "$recommends" -- "$@" || code=$?
  if [ "$code" != 0 ]; then
    case $1 in /*) ;; *)
      fleet_install_each "$@"
      code=0
      if [ -e "$added.refused.$1" ]; then
        cat -- "$added.refused.$1"
        rm -f -- "$added.refused.$1"
        code=100
      fi ;;
    esac
  fi
  fleet_settle "$@"
  rm -f "$added.begun"
  return "$code"
}
# Units that run, or failed, and that nothing knows any more: a package's, whose script forgot them.
fleet_unknown_units() { systemctl list-units --all --plain --no-legend --no-pager 2> /dev/null | awk '$2 == "not-found" && ($3 == "active" || $3 == "failed") { print $1 }' | sort; }
# Purges, and puts back what stood in /etc before and went along: a conffile, a folder that a package's script removes.
fleet_purge_beside() {
  code=0
  touch "$added.etc"
  fleet_etc | comm -12 - "$added.etc" > "$added.stay"
  held=$(mktemp -d)
  if [ -s "$added.stay" ]; then (cd / && sed 's,^/,,' "$added.stay" | xargs -d '\n' cp -a --parents -t "$held" --); fi
  fleet_unknown_units > "$added.units"
  # apt configures first what somebody's failed installation left; dpkg alone does not.
  fleet_apt purge --allow-change-held-packages -- "$@" || dpkg --purge -- "$@" || code=$?
  fleet_etc | comm -13 - "$added.stay" > "$added.lost"
  if [ -s "$added.lost" ]; then (cd "$held" && sed 's,^/,,' "$added.lost" | xargs -d '\n' cp -a --parents -t / --); fi
  for each in $(fleet_unknown_units | comm -13 "$added.units" -); do
    systemctl stop -- "$each" || :
    systemctl reset-failed -- "$each" 2> /dev/null || :
  done
  rm -rf "$held" "$added.stay" "$added.lost" "$added.units"
  return "$code"
}
# Nothing takes an upgrade back by itself: it is named.
fleet_tell_upgraded() {
  if [ ! -s "$added.upgraded" ]; then return 0; fi
  fleet_versions | join "$added.upgraded" - | while read -r name was now; do
    if [ "$was" != "$now" ]; then tell note "$name was $was, is $now since an install needed it, and stays so; \`apt-get install --allow-downgrades $name=$was\` goes back where its repository has that still"; fi
  done
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
# A purge leaves what its package's script does not know, or leaves on purpose: it is named.
fleet_tell_made() {
  if [ ! -s "$added.made" ]; then return 0; fi
  fleet_end_alternatives
  fleet_things | LC_ALL=C comm -12 "$added.made" - > "$added.there"
  while read -r what name; do
    case $what in
      account) printf '%s (account)\n' "$name" ;;
      group) grep -qxF "account $name" "$added.there" || printf '%s (group)\n' "$name" ;;
      # Another package has it, or something of ours has.
      path) dpkg-query -S "$name" > /dev/null 2>&1 || printf '%s (rm -r)\n' "$name" ;;
    esac
  done < "$added.there" > "$added.told"
  if [ -s "$added.told" ]; then tell note "packages made what stays after their purge: $(paste -s -d , "$added.told" | sed 's/,/, /g')"; fi
  rm -f "$added.there" "$added.told"
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
fleet_purge() {
  fleet_settle "$@"
  # What never ends its installation is what may have to go.
  fleet_repair || printf 'going on without: dpkg can not end what it began\n'
  # `going` is what a removal that was cut short meant to take: apt has forgotten by then what came along.
  touch "$added" "$added.going"
  fleet_installed > "$added.now"
  apt-mark showauto | sort > "$added.auto"
  fleet_providers $(printf '%s\n' "$@" | sort -u | comm -23 - "$added.now") | sort -u | comm -12 - "$added" > "$added.provided"
  { printf '%s\n' "$@"; cat "$added.provided"; comm -12 "$added" "$added.auto"; comm -12 "$added" "$added.going"; } | sort -u | comm -12 - "$added.now" > "$added.gone"
  set -- $(cat "$added.gone")
  # Where more would go than came, only those go that nothing else needs.
  if [ "$#" != 0 ] && fleet_going "$@" | comm -23 - "$added.gone" | grep -q .; then
    for each; do
      if fleet_going "$each" | comm -23 - "$added.gone" | grep -q .; then printf 'kept, since other packages need it: %s\n' "$each"
      else set -- "$@" "$each"; fi
      shift
    done
  fi
  # A hold came after the fleet brought the package: it goes with it, and is said.
  if [ "$#" != 0 ]; then
    apt-mark showhold "$@" | sed 's/^/removed though somebody holds it: /'
    printf '%s\n' "$@" | sort -u -o "$added.going" - "$added.going"
    fleet_purge_beside "$@"
    rm -f "$added.going"
  fi
  fleet_installed | comm -12 - "$added" > "$added.new"
  mv -f "$added.new" "$added"
  if [ ! -s "$added" ]; then
    fleet_tell_upgraded
    fleet_tell_made
    rm -f "$added" "$added".*
  fi
  rm -f "$added.now" "$added.auto" "$added.gone" "$added.provided"
}
