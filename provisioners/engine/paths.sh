# How root acts on a path whose folder may be a user's: in that folder itself, whatever its name leads to by then. prelude.ts says what each
# promises; what brings the ways in back has them too. POSIX sh (plus `local`), coreutils.

# fleet_enter DIRECTORY: works there from now on, wherever its name leads to later. A user's link may lead to what is the same user's, and
# nowhere else: who may not be root would choose what root writes.
fleet_enter() {
  local at uid theirs
  cd -P -- "${1:-/}" || return 1
  [ "$PWD" != "$1" ] || return 0
  at=$1 theirs=
  while [ -n "$at" ]; do
    uid=$(stat -c %u -- "$at") || return 1
    if [ -L "$at" ] && [ "$uid" != 0 ]; then theirs=$uid; fi
    at=${at%/*}
  done
  if [ -z "$theirs" ] && [ "$(readlink -f -- "${1:-/}")" = "$PWD" ]; then return 0; fi
  if [ -n "$theirs" ] && [ "$(stat -c %u .)" = "$theirs" ]; then return 0; fi
  printf 'expected %s to lead to a folder of the same user, got %s by a link that is not root'"'"'s: nothing is written there\n' "$1" "$PWD"
  cd /
  return 1
}

# fleet_mode MODE PATH: of the path itself. Where a user may put a link in its place it is changed with that user's rights alone.
fleet_mode() (
  fleet_enter "${2%/*}" || exit 1
  name=./${2##*/} uid=$(stat -c %u -- "./${2##*/}") || exit 1
  if [ -O . ] || [ "$uid" = 0 ]; then
    if [ -L "$name" ]; then printf 'expected a file or folder at %s, got a link\n' "$2"; exit 1; fi
    chmod -- "$1" "$name"
  else
    setpriv --reuid="$uid" --regid="$(stat -c %g -- "$name")" --clear-groups chmod -- "$1" "$name"
  fi
)

# fleet_at PATH COMMAND…: with the path itself as its last argument
fleet_at() (
  path=$1
  shift
  fleet_enter "${path%/*}" && "$@" "./${path##*/}"
)

# fleet_copy PATH COPY OPTION…
fleet_copy() (
  path=$1 copy=$2
  shift 2
  fleet_enter "${path%/*}" && cp -a "$@" -- "./${path##*/}" "$copy"
)

# fleet_read PATH: of a file; what a link leads to is refused, since a user may have put one there a moment ago
fleet_read() ( fleet_enter "${1%/*}" >&2 && dd if="./${1##*/}" iflag=nofollow,fullblock bs=64k status=none )

# fleet_into PATH: standard input takes the place of what is in a file, whose owner and mode stay; a link is refused
fleet_into() ( fleet_enter "${1%/*}" >&2 && dd of="./${1##*/}" oflag=nofollow bs=64k status=none )

# fleet_new PATH: standard input becomes a new file, whatever was at that name
fleet_new() ( fleet_enter "${1%/*}" >&2 && rm -f -- "./${1##*/}" && set -C && cat > "./${1##*/}" )

# fleet_remove PATH: where its folder is gone, so is what was in it
fleet_remove() { [ ! -d "${1%/*}/" ] || fleet_at "$1" rm -f --; }

# fleet_folders DIRECTORY
fleet_folders() {
  local at rest
  at=$1
  while [ -n "$at" ] && [ ! -d "$at" ]; do at=${at%/*}; done
  while [ "$at" != "$1" ]; do
    rest=${1#"$at"/}
    at=$at/${rest%%/*}
    fleet_at "$at" mkdir -- || return 1
  done
}

# fleet_back COPY PATH
fleet_back() (
  fleet_enter "${2%/*}" || exit 1
  name=./${2##*/} new=./.${2##*/}.fleet-$run
  # Hidden, so that no `include sites-enabled/*` picks it up; and never through what somebody put at that name.
  cp -a --remove-destination -- "$1" "$new" || exit 1
  # A directory that is not empty holds what nobody asked to lose: it stays.
  if [ -d "$name" ] && [ ! -L "$name" ] && ! rmdir -- "$name" 2> /dev/null; then
    rm -f -- "$new"
    printf 'expected an empty folder or a file at %s, got a folder that is not empty: move away what is in it\n' "$2"
    exit 1
  fi
  mv -fT -- "$new" "$name" || { rm -f -- "$new"; exit 1; }
)
