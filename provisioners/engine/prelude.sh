# The functions that steps may call; prelude.ts says what each promises. POSIX sh (plus `local`), coreutils, systemd.
# Every line may be the last before a kill -9: what is kept stays until it is put back or the run ends, what is owed until it is done.

# fleet_write PATH MODE OWNER GROUP VALIDATE [like] < CONTENT: `like`, the file that is there hands down its access lists and attributes
fleet_write() {
  local name left back
  # Only what is written is written there: a program that looks at names (systemd-analyze) would find the old file beside it.
  name=${1##*/} back=$PWD
  fleet_enter "${1%/*}" || return 1
  # Hidden, so that no `include sites-enabled/*` picks it up; one that a killed run left goes away: no other name than a run's.
  for left in "./.$name".fleet-????????????; do
    case ${left##*.fleet-} in *[!A-Za-z0-9_-]*) ;; *) [ ! -f "$left" ] || rm -f -- "$left" ;; esac
  done
  fleet_temporary=./.$name.fleet-$run
  trap 'rm -f -- "$fleet_temporary"' EXIT
  if [ -O . ]; then fleet_fill "$2" "$3" "$4" "${6:-}"; else fleet_fill_theirs "$2" "$3" "$4" "${6:-}"; fi || return 1
  umask 022
  if [ -n "$5" ] && ! ( left=${PWD%/}/.$name.fleet-$run && cd -- "$back" && fleet_validate "$5" "$left" ); then
    printf 'refused by its validator, not installed: %s\n' "$1"
    return 1
  fi
  if ! mv -fT -- "$fleet_temporary" "./$name"; then
    printf 'expected to put a new file in the place of %s, got a refusal: `lsattr -d %s` there tells an immutable one, `chattr -i` frees it\n' "$1" "$1"
    return 1
  fi
  trap - EXIT
  cd -- "$back"
}

# fleet_like FROM TO: access lists and attributes of a file; fails where none is there, or a link. What the file system does not know can't have been there.
fleet_like() {
  [ -e "$1" ] && [ ! -L "$1" ] || return 1
  cp -R -P --attributes-only --preserve=mode,xattr -- "$1" "$2" 2> /dev/null || :
}

# fleet_fill MODE OWNER GROUP [like] < CONTENT
fleet_fill() {
  local like
  like=${4:-}
  # For root's plain files, nearly all, the umask says it all; a set-group-id directory would hand down its group.
  case $1:$2:$3 in
    0644:root:root | 0644:0:0) umask 022 ;;
    0600:root:root | 0600:0:0) umask 077 ;;
    *) false ;;
  esac && [ ! -g . ] || install -m "$1" -o "$2" -g "$3" /dev/null "$fleet_temporary" || return 1
  dd bs=64k conv=fsync status=none of="$fleet_temporary" || return 1
  # A folder's default access list counts in the umask's stead: what is root's alone gets its mode by its name too.
  if { [ -n "$like" ] && fleet_like "./$name" "$fleet_temporary"; } || [ "$1" = 0600 ]; then chmod -- "$1" "$fleet_temporary"; fi
}

# fleet_fill_theirs MODE OWNER GROUP [like] < CONTENT: in a folder that a user may change meanwhile. The file is held open: its name may be
# anything by then.
fleet_fill_theirs() {
  umask 077
  set -C
  exec 7> "$fleet_temporary"
  set +C
  dd bs=64k conv=fsync status=none >&7 || return 1
  # Before owner and mode, which count: the file may be another by now.
  if [ -n "${4:-}" ]; then fleet_like "./$name" /proc/self/fd/7 || :; fi
  chown -- "$2:$3" /proc/self/fd/7 && chmod -- "$1" /proc/self/fd/7 || return 1
  exec 7>&-
}

# fleet_validate SHELL_TEXT FILE: each %s becomes the file
fleet_validate() {
  local text rest
  text='' rest=$1
  while :; do
    case $rest in
      *%s*) text="$text${rest%%"%s"*}\"\$1\"" rest=${rest#*"%s"} ;;
      *) break ;;
    esac
  done
  sh -ec "$text$rest" sh "$2" </dev/null
}

# fleet_without_block FILE BEFORE
fleet_without_block() {
  sed '/^# BEGIN fleet /,/^# END fleet /d' "$1" > "$1.cut" || return 1
  if [ -f "$2" ] && echo | cat -- "$2" - | cmp -s -- - "$1.cut"; then cat -- "$2" > "$1.cut" || return 1; fi
  touch -r "$1" -- "$1.cut"
  # The same file, so that owner and mode stay; its time too.
  cat -- "$1.cut" > "$1" && touch -r "$1.cut" -- "$1" && rm -f -- "$1.cut"
}

# fleet_through PATH
fleet_through() {
  local uid to
  if [ ! -L "$1" ]; then printf '%s\n' "$1"; return 0; fi
  uid=$(stat -c %u -- "$1") && to=$(readlink -f -- "$1") || return 1
  if [ "$uid" != 0 ] && [ -e "$to" ] && [ "$(stat -c %u -- "$to")" != "$uid" ]; then
    printf 'expected the link %s to lead to a file of the same user, got %s, which is not: nothing is written there\n' "$1" "$to" >&2
    return 1
  fi
  printf '%s\n' "$to"
}

# fleet_keep PATH
fleet_keep() {
  local kept
  kept=$state/rollback/$key
  # What a service confirmed in a run that failed later is no longer the last good one; else the oldest is.
  [ ! -e "$kept.ok" ] || rm -f -- "$kept" "$kept.none" "$kept.ok"
  if [ -e "$kept" ] || [ -L "$kept" ] || [ -e "$kept.none" ]; then return 0; fi
  [ -d "$state/rollback" ] || mkdir -p -m 0700 -- "$state/rollback"
  if [ -d "$1" ] && [ ! -L "$1" ]; then return 0; fi
  # The content counts only once it is whole: it comes last.
  printf '%s\n' "$1" > "$kept.path"
  if [ -e "$1" ] || [ -L "$1" ]; then
    fleet_copy "$1" "$kept.new" || return 1
    [ -L "$1" ] || sync -- "$kept.new" "$kept.path"
    mv -fT -- "$kept.new" "$kept"
  else
    : > "$kept.none"
  fi
}

# fleet_keep_by PATH < SCRIPT: what brings PATH back, where no copy can
fleet_keep_by() {
  local kept
  kept=$state/rollback/$key
  [ ! -e "$kept.ok" ] || rm -f -- "$kept.back" "$kept.ok"
  [ -d "$state/rollback" ] || mkdir -p -m 0700 -- "$state/rollback"
  # The oldest is the last good one.
  if [ -e "$kept.back" ]; then cat > /dev/null; else cat > "$kept.new" && mv -fT -- "$kept.new" "$kept.back"; fi
  [ -e "$kept.path" ] || printf '%s\n' "$1" > "$kept.path"
}

# fleet_rollback KEY…
fleet_rollback() {
  local each kept path units
  units=''
  for each; do
    kept=$state/rollback/$each
    [ -e "$kept" ] || [ -L "$kept" ] || [ -e "$kept.none" ] || [ -e "$kept.back" ] || continue
    IFS= read -r path < "$kept.path" || return 1
    if [ -e "$kept.back" ]; then
      sh -e "$kept.back" </dev/null || printf 'what brings it back failed: %s\n' "$path"
    elif [ ! -e "$kept.none" ]; then
      fleet_back "$kept" "$path" || return 1
    elif [ -L "$path" ] || [ ! -d "$path" ]; then
      fleet_remove "$path" || return 1
    fi
    case $path in /etc/systemd/system/*) units=changed ;; esac
    # Whoever has confirmed the new content runs with it, and is owed the old one.
    [ ! -e "$kept.ok" ] || cat -- "$kept.ok" >> "$state/pending"
    rm -f -- "$kept" "$kept.none" "$kept.ok" "$kept.path" "$kept.back"
    tell back "$each"
    printf 'rolled back: %s\n' "$path"
  done
  [ -z "$units" ] || systemctl daemon-reload
}

# fleet_abandon
fleet_abandon() {
  local kept
  set --
  # In the order in which they were kept: code before what is built from it.
  for kept in $(ls -tr -- "$state"/rollback/*.path 2>/dev/null); do
    kept=${kept%.path}
    [ ! -e "$kept.path" ] || [ -e "$kept.ok" ] || set -- "$@" "${kept##*/}"
  done
  fleet_rollback "$@"
}

# fleet_lean INDEX KEY SERVICE BEFORE WATCHED THING…: once a package could not be had ($fleet_lack), whether this one leans on what is not there. It
# is left then, and so is what comes after it; what it should have read goes back, unless another service confirmed that.
fleet_lean() {
  local index own service watched each why
  [ -n "$fleet_lack" ] || return 0
  index=$1 own=$2 service=$3 watched=$5 why=''
  for each in $4; do case "$fleet_lack " in *" $each "*) why=after:$each; break ;; esac; done
  shift 5
  if [ -z "$why" ]; then
    for each; do if ! fleet_found "$each"; then why=$each; break; fi; done
  fi
  [ -n "$why" ] || return 0
  tell lacks "$index" "$why"
  fleet_lack="$fleet_lack $own"
  [ -z "$service" ] || fleet_idle=1
  set --
  for each in $watched; do [ -e "$state/rollback/$each.ok" ] || set -- "$@" "$each"; done
  [ "$#" = 0 ] || fleet_rollback "$@"
}

# fleet_found THING: a path, an account, a unit; or the role's services, of which none was left
fleet_found() {
  case $1 in
    path:*) [ -e "${1#*:}" ] ;;
    user:*) getent passwd "${1#*:}" > /dev/null ;;
    group:*) getent group "${1#*:}" > /dev/null ;;
    unit:*) [ "$(systemctl show -p LoadState --value -- "${1#*:}")" != not-found ] ;;
    services) [ -z "$fleet_idle" ] ;;
  esac
}

# fleet_parents PATH: makes the folders above it that are missing, each remembered before
fleet_parents() {
  local folder made
  folder=${1%/*} made=''
  while [ -n "$folder" ] && [ ! -e "$folder" ] && [ ! -L "$folder" ]; do
    made="$folder
$made"
    folder=${folder%/*}
  done
  [ -n "$made" ] || return 0
  printf '%s' "$made" >> "${state%/*}/.parents"
  sync -- "${state%/*}/.parents"
  fleet_folders "${1%/*}"
}

# fleet_no_parents FOLDER…: takes those away that fleet_parents made and that are empty by now; the deepest come first
fleet_no_parents() {
  local all each
  all=${state%/*}/.parents
  [ -e "$all" ] || return 0
  for each; do
    grep -qxF -e "$each" -- "$all" || continue
    if [ -d "$each" ] && [ ! -L "$each" ]; then fleet_at "$each" rmdir -- > /dev/null 2>&1 || break; fi
    grep -vxF -e "$each" -- "$all" > "$all.new" || :
    mv -fT -- "$all.new" "$all"
  done
  [ -s "$all" ] || rm -f -- "$all"
}

# fleet_stays TEXT: says so, and has it remembered
fleet_stays() {
  tell stays "$1"
  : > "$state/originals/$key.stays"
}

# fleet_undone KEY RECORD STAYS: of what went back to what it was; $fleet_left are the keys of what did not. STAYS, where it is given, is the
# record of what went back as far as it could.
fleet_undone() {
  case "$fleet_left " in *" $1 "*) return 0 ;; esac
  if [ -n "$3" ] && [ -e "$state/originals/$1.stays" ]; then
    printf '%s' "$3" >> "${state%/*}/journal"
    return 0
  fi
  printf '%s' "$2" >> "${state%/*}/journal"
  fleet_gone="$fleet_gone $1"
}

# fleet_drop_copies: no copy goes before the record that says why is on the disk
fleet_drop_copies() {
  local each
  sync -- "${state%/*}/journal" || return 1
  for each in $fleet_gone; do rm -rf -- "$state/originals/$each" "$state/originals/$each".*; done
}

# fleet_confirmed: what a service has confirmed in an earlier run is its last good content now, never to be rolled back any further
fleet_confirmed() {
  local kept
  for kept in "$state"/rollback/*.ok; do
    kept=${kept%.ok}
    [ ! -e "$kept.ok" ] || rm -f -- "$kept" "$kept.none" "$kept.path" "$kept.ok"
  done
}

# fleet_settled ADDRESS: what is on disk is what counts there
fleet_settled() {
  local line
  [ -e "$state/pending" ] || return 0
  while IFS= read -r line; do [ "$line" = "$1" ] || printf '%s\n' "$line"; done < "$state/pending" > "$state/pending.new"
  mv -fT -- "$state/pending.new" "$state/pending"
}

# fleet_confirm ADDRESS KEY…
fleet_confirm() {
  local address each
  address=$1
  shift
  for each; do [ ! -e "$state/rollback/$each.path" ] || printf '%s\n' "$address" >> "$state/rollback/$each.ok"; done
  fleet_settled "$address"
}

# fleet_all_kept KEY…
fleet_all_kept() {
  local each
  for each; do [ -e "$state/rollback/$each.path" ] || return 1; done
}

# fleet_up UNIT SECONDS: active, and without a restart of its own for so long
fleet_up() {
  local first
  first=$(fleet_state_after_reload "$1")
  case $first in *ActiveState=active*) ;; *) return 1 ;; esac
  [ "$2" = 0 ] && return 0
  sleep "$2"
  [ "$(fleet_state_after_reload "$1")" = "$first" ]
}

# fleet_state_after_reload UNIT: a service that tells systemd of its reload itself (haproxy) is still at it once `systemctl reload` has ended; a minute at most
fleet_state_after_reload() {
  local seen try
  try=0
  while :; do
    seen=$(systemctl show -p ActiveState -p NRestarts -- "$1")
    case $seen in *ActiveState=reloading*) [ "$try" -lt 600 ] || break ;; *) break ;; esac
    try=$((try + 1))
    sleep 0.1
  done
  printf '%s\n' "$seen"
}

# fleet_workers UNIT: the children of its main process, between blanks
fleet_workers() {
  local main each
  main=$(systemctl show -p MainPID --value -- "$1") || main=0
  printf ' '
  for each in $(pgrep -P "${main:-0}"); do printf '%s ' "$each"; done
}

# fleet_renewed UNIT OLD: within 5 s there is a worker that was not there before
fleet_renewed() {
  local each try
  try=0
  while [ "$try" -lt 50 ]; do
    for each in $(fleet_workers "$1"); do
      case $2 in *" $each "*) ;; *) return 0 ;; esac
    done
    sleep 0.1
    try=$((try + 1))
  done
  printf '%s did not take the new configuration: it goes on with its old workers\n' "$1"
  return 1
}

# fleet_reopen SOCKET: its port is held by what it started, which sets out anew with it; sessions of sshd outlive that
fleet_reopen() {
  local each held
  held=''
  for each in $(systemctl show -p Triggers --value -- "$1"); do
    case $each in *@*) continue ;; esac
    if systemctl is-active --quiet -- "$each"; then
      systemctl stop -- "$each"
      held="$held $each"
    fi
  done
  systemctl restart -- "$1" || { for each in $held; do systemctl start -- "$each"; done; return 1; }
  for each in $held; do systemctl start -- "$each" || return 1; done
}

# fleet_try UNIT ACTION SETTLE
fleet_try() {
  local old
  # A unit that ran into its start limit refuses every start until then.
  if systemctl is-failed --quiet -- "$1"; then systemctl reset-failed -- "$1"; fi
  case $1 in *.socket) fleet_reopen "$1" && fleet_up "$1" "$3"; return ;; esac
  if [ "$2" != renew ]; then
    systemctl "$2" -- "$1" && fleet_up "$1" "$3"
    return
  fi
  old=$(fleet_workers "$1")
  systemctl reload -- "$1" && fleet_renewed "$1" "$old" && fleet_up "$1" "$3"
}

# fleet_refused ADDRESS NEWS KEY…: back to what was there; what can't be put back (NEWS is a list of plain keys) stays owed
fleet_refused() {
  local address news
  address=$1 news=$2
  shift 2
  if fleet_all_kept $news; then fleet_rollback "$@" && fleet_settled "$address"; else fleet_rollback "$@"; fi
}

# fleet_handle NAME VALIDATE RUN NEWS KEY…
fleet_handle() {
  local name validate run_text news
  name=$1 validate=$2 run_text=$3 news=$4
  shift 4
  if [ -n "$validate" ] && ! sh -ec "$validate" </dev/null; then
    printf 'refused by its validator: %s stays as it is\n' "$name"
    fleet_refused "handler[$name]" "$news" "$@"
    return 1
  fi
  if [ -n "$run_text" ] && ! fleet_in_time "$run_text"; then
    printf 'refused: %s goes back to what it was\n' "$name"
    fleet_refused "handler[$name]" "$news" "$@"
    fleet_in_time "$run_text" || :
    return 1
  fi
  fleet_confirm "handler[$name]" "$@"
}

# fleet_socketed UNIT: a socket of systemd's listens for it, and hands itself over at a start alone: a reload that runs the program anew would lose it
fleet_socketed() {
  local each
  for each in $(systemctl show -p TriggeredBy --value -- "$1"); do
    case $each in *.socket) if systemctl is-active --quiet -- "$each"; then return 0; fi ;; esac
  done
  return 1
}

# fleet_disable UNIT
fleet_disable() {
  if unit_link "$1" > /dev/null; then
    fleet_keep "/etc/systemd/system/$1"
    unit_disable "$1" || return 1
    rm -f -- "$state/rollback/$key" "$state/rollback/$key.path"
  else
    unit_disable "$1"
  fi
}

# fleet_maskable UNIT: fails where the mask would lie in the place of the unit's own file, which systemd refuses
fleet_maskable() {
  if [ -f "/etc/systemd/system/$1" ] && [ ! -L "/etc/systemd/system/$1" ]; then
    printf '%s: expected a unit that can be masked, got one with its file in /etc/systemd/system, where the mask would be; ' "$1"
    printf 'it stays as it is; next: `off` in its place, which stops and disables it\n'
    return 1
  fi
}

# fleet_mask UNIT: the mask is a link in the same place
fleet_mask() {
  local kept
  fleet_maskable "$1" || return 1
  kept=$state/originals/$key.link
  if unit_link "$1" > "$kept.new"; then mv -fT -- "$kept.new" "$kept"; else rm -f -- "$kept.new"; fi
  systemctl disable -q -- "$1" 2> /dev/null || :
  systemctl mask -q -- "$1"
}

# fleet_unmask UNIT
fleet_unmask() {
  local kept
  kept=$state/originals/$key.link
  systemctl unmask -q -- "$1" || return 1
  [ ! -e "$kept" ] || { unit_relink "$1" "$(cat -- "$kept")" && rm -f -- "$kept"; }
}

# fleet_service UNIT ACTION VALIDATE SETTLE NEWS KEY…
fleet_service() {
  local unit action validate settle news load
  unit=$1 action=$2 validate=$3 settle=$4 news=$5
  shift 5
  if [ "$action" = reload ] && fleet_socketed "$unit"; then action=restart; fi
  load=$(systemctl show -p LoadState --value -- "$unit") || load=''
  if [ "$load" != loaded ]; then
    printf '%s: expected a unit that can be started, got %s; ' "$unit" "${load:-no answer from systemd}"
    printf 'see `systemctl status %s`: is its package in the role, is its unit file right?\n' "$unit"
    fleet_rollback "$@"
    return 1
  fi
  if [ -n "$validate" ] && { fleet_runtime "$unit"; ! sh -ec "$validate" </dev/null; }; then
    printf 'refused by its validator: %s stays as it is\n' "$unit"
    fleet_refused "service[$unit]" "$news" "$@"
    return 1
  fi
  if [ "$action" = check ]; then
    fleet_confirm "service[$unit]" "$@"
    return 0
  fi
  if fleet_try "$unit" "$action" "$settle"; then
    fleet_confirm "service[$unit]" "$@"
    return 0
  fi
  printf '%s did not come up after %s; its journal:\n' "$unit" "$action"
  if ! journalctl --no-pager -q -o cat -n 20 -u "$unit"; then printf '(the journal can not be read)\n'; fi
  if [ -f "${fleet_log:-}" ]; then tail -n 5 -- "$fleet_log"; fi
  fleet_rollback "$@"
  if fleet_ends "$unit"; then
    # Another try would wait as long again. Its restart stands in systemd's queue.
    printf '%s still ends; what it had before is back, and systemd starts it with that once it has ended. ' "$unit"
    printf 'Where that is what keeps it from ending, put it right in the running service too before the next run\n'
    return 1
  fi
  if fleet_try "$unit" restart "$settle"; then
    printf '%s runs again with what it had before\n' "$unit"
    fleet_settled "service[$unit]"
  else
    printf '%s does not run with what it had before either\n' "$unit"
  fi
  return 1
}
