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
# Adds what has come since `before` was written, in this run or in one that was killed, to `added`.
fleet_settle() {
  if [ ! -e "$before" ]; then return 0; fi
  fleet_installed > "$before.now"
  touch "$added"
  comm -13 "$before" "$before.now" | sort -u -o "$added" - "$added"
  rm -f "$before" "$before.now"
}
# An interrupted run of dpkg stands in the way of every other one.
fleet_repair() {
  if [ -n "$(dpkg --audit)" ]; then fleet_unlocked dpkg --force-confdef --force-confold --configure -a; fi
}
fleet_known() {
  for spec; do apt-cache show --no-all-versions "$spec" > /dev/null 2>&1 || return 1; done
}
fleet_install() {
  recommends=$1
  shift
  if [ ! -e "$before" ]; then
    fleet_installed > "$before.new"
    mv -f "$before.new" "$before"
  fi
  fleet_repair
  # Where apt last wrote, and where it last looked for news: a day is old.
  if [ -z "$(find /var/lib/apt/lists /var/lib/apt/lists/partial -maxdepth 0 -mmin -1440)" ] || ! fleet_known "$@"; then
    fleet_unlocked fleet_apt update || { fleet_known "$@" && printf 'the package lists could not be fetched: going on with the old ones\n'; }
  fi
  code=0
  fleet_apt install --allow-downgrades "$recommends" -- "$@" || code=$?
  fleet_settle
  return "$code"
}
fleet_going() { apt-get -s purge --allow-change-held-packages -- "$@" | sed -n -e 's/^Purg \([^ ]*\).*/\1/p' -e 's/^Remv \([^ ]*\).*/\1/p' | sort -u; }
fleet_purge() {
  fleet_settle
  fleet_repair
  touch "$added"
  fleet_installed > "$added.now"
  apt-mark showauto | sort > "$added.auto"
  { printf '%s\n' "$@"; comm -12 "$added" "$added.auto"; } | sort -u | comm -12 - "$added.now" > "$added.gone"
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
    fleet_apt purge --allow-change-held-packages -- "$@"
  fi
  fleet_installed | comm -12 - "$added" > "$added.new"
  mv -f "$added.new" "$added"
  if [ ! -s "$added" ]; then rm -f "$added"; fi
  rm -f "$added.now" "$added.auto" "$added.gone"
}
