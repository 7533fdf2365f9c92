# What all package managers have in common: what stood before an install, what came with it, and what goes again. Shell functions for
# managers.ts, run under `set -e` around a step; apt.sh or dnf.sh comes before. POSIX sh.
before="$state/originals/packages.before" added="$state/originals/packages.added"
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
# Adds what has come since `before` was written, in this run or in one that was killed, to `added`. What nobody named came along: one that
# was killed has not marked it.
fleet_settle() {
  if [ ! -e "$before" ]; then return 0; fi
  fleet_installed > "$before.now"
  touch "$added"
  comm -13 "$before" "$before.now" | sort -u -o "$added" - "$added"
  case " $*" in *' /'*) ;; *)
    printf '%s\n' "$@" | sed 's/=.*//' | sort -u > "$before.named"
    fleet_providers $(comm -23 "$before.named" "$before.now") | sort -u -o "$before.named" - "$before.named"
    comm -13 "$before" "$before.now" | comm -23 - "$before.named" | fleet_mark_along || :
    rm -f "$before.named" ;;
  esac
  rm -f "$before" "$before.now"
  fleet_etc_after
}
# What can not be had stops nothing else: each by itself, and apt's words of those that fail are kept for their own steps.
fleet_install_each() {
  for spec; do
    if fleet_there "$spec"; then continue; fi
    if ! said=$(fleet_bring "$recommends" "$spec" 2>&1) && ! fleet_there "$spec"; then
      printf '%s\n' "$said" > "$added.refused.$spec"
      fleet_held "${spec%%=*}" | sed 's/.*/somebody holds & on the server: `apt-mark unhold &` there if that was not meant/' >> "$added.refused.$spec"
    fi
  done
}
fleet_install() {
  recommends=$1
  shift
  # Whoever comes along with the first must not count as done where that one got stuck before the end.
  : > "$added.begun"
  if [ ! -e "$before" ]; then
    fleet_etc_before
    fleet_installed > "$before.new"
    mv -f "$before.new" "$before"
  fi
  fleet_ready "$@"
  code=0
  rm -f "$added.refused".*
  fleet_bring "$recommends" "$@" || code=$?
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
  fleet_take_away "$@" || code=$?
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
    if [ "$was" != "$now" ]; then tell note "$name was $was, is $now since an install needed it, and stays so; \`$(fleet_downgrade "$name" "$was")\` goes back where its repository has that still"; fi
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
      path) fleet_owned "$name" || printf '%s (rm -r)\n' "$name" ;;
    esac
  done < "$added.there" > "$added.told"
  if [ -s "$added.told" ]; then tell note "packages made what stays after their purge: $(paste -s -d , "$added.told" | sed 's/,/, /g')"; fi
  rm -f "$added.there" "$added.told"
}
fleet_purge() {
  fleet_settle "$@"
  # What never ends its installation is what may have to go.
  fleet_repair || printf 'going on without: dpkg can not end what it began\n'
  # `going` is what a removal that was cut short meant to take: the package manager has forgotten by then what came along.
  touch "$added" "$added.going"
  fleet_installed > "$added.now"
  fleet_along > "$added.auto"
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
    fleet_held "$@" | sed 's/^/removed though somebody holds it: /'
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
