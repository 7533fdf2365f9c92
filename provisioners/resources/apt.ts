// Debian's package manager, kept from asking, from giving up on a lock, and from removing what it did not bring. Shell text.
import { type Command, sh } from "../host/command.ts";

/**
 * `$state/originals/packages.added` names what installs of this role brought along; `packages.before`, what was there before one that has not
 * ended. Locks are waited for, 10 minutes at most, and never deleted; apt itself says who holds them.
 */
const functions: Command = {
  text: String.raw`
export DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
before="$state/originals/packages.before" added="$state/originals/packages.added"
fleet_apt() {
  apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
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
fleet_installed() { dpkg-query -W -f '\${db:Status-Abbrev}|\${Package}\n' | sed -n 's/^.[^nc].|//p' | sort -u; }
fleet_settle() {
  if [ ! -e "$before" ]; then return 0; fi
  fleet_installed > "$before.now"
  touch "$added"
  comm -13 "$before" "$before.now" | sort -u -o "$added" - "$added"
  rm -f "$before" "$before.now"
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
  if [ -n "$(dpkg --audit)" ]; then fleet_unlocked dpkg --force-confdef --force-confold --configure -a; fi
  if [ -z "$(find /var/lib/apt/lists /var/lib/apt/lists/partial -maxdepth 0 -mmin -1440)" ] || ! fleet_known "$@"; then
    fleet_unlocked fleet_apt update || { fleet_known "$@" && printf 'the package lists could not be fetched: going on with the old ones\n'; }
  fi
  code=0
  fleet_apt install --allow-downgrades "$recommends" -- "$@" || code=$?
  fleet_settle
  return "$code"
}
fleet_going() { apt-get -s purge -- "$@" | sed -n -e 's/^Purg \([^ ]*\).*/\1/p' -e 's/^Remv \([^ ]*\).*/\1/p' | sort -u; }
fleet_purge() {
  fleet_settle
  touch "$added"
  fleet_installed > "$added.now"
  apt-mark showauto | sort > "$added.auto"
  { printf '%s\n' "$@"; comm -12 "$added" "$added.auto"; } | sort -u | comm -12 - "$added.now" > "$added.gone"
  set -- $(cat "$added.gone")
  if [ "$#" != 0 ] && fleet_going "$@" | comm -23 - "$added.gone" | grep -q .; then
    for each; do
      if fleet_going "$each" | comm -23 - "$added.gone" | grep -q .; then printf 'kept, since other packages need it: %s\n' "$each"
      else set -- "$@" "$each"; fi
      shift
    done
  fi
  if [ "$#" != 0 ]; then fleet_apt purge -- "$@"; fi
  fleet_installed | comm -12 - "$added" > "$added.new"
  mv -f "$added.new" "$added"
  if [ ! -s "$added" ]; then rm -f "$added"; fi
  rm -f "$added.now" "$added.auto" "$added.gone"
}`.replaceAll("\\$", "$"),
  masked: "",
};

/** Packages as apt-get names them (`nginx`, `nginx=1.22.1-9`), in one run. */
export const installLean = (specs: readonly string[]): Command => sh`${functions}\nfleet_install --no-install-recommends ${specs}`;
export const installFull = (specs: readonly string[]): Command => sh`${functions}\nfleet_install --install-recommends ${specs}`;

/** With what they alone brought along; what another package needs by now stays, and is named. */
export const purge = (names: readonly string[]): Command => sh`${functions}\nfleet_purge ${names}`;

/** Reads a .sources file (`$source`) as apt will, keys and all, and fetches its lists, before it lands. */
export const fetchSource: Command = sh`${functions}
fleet_unlocked fleet_apt update -o Dir::Etc::sourcelist="$source" -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any`;
