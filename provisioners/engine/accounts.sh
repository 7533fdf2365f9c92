# What shadow's programs (useradd, usermod, gpasswd …) leave beside the account files: /etc/passwd- and its like, the state before their last
# change. A server that is given back has the ones that it had. POSIX sh (plus `local`), coreutils, diffutils.

fleet_account_files='passwd group shadow gshadow subuid subgid'

# fleet_keep_accounts MEMORY: before the first change that the server remembers
fleet_keep_accounts() {
  local memory each file
  memory=$1
  [ ! -e "$memory/.accounts" ] || return 0
  rm -rf -- "$memory/.accounts.new"
  mkdir -m 0700 -- "$memory/.accounts.new" || return 1
  set --
  for each in $fleet_account_files; do
    for file in "/etc/$each" "/etc/$each-"; do [ ! -e "$file" ] || set -- "$@" "$file"; done
  done
  [ "$#" = 0 ] || cp -a -- "$@" "$memory/.accounts.new/" || return 1
  mv -T -- "$memory/.accounts.new" "$memory/.accounts"
}

# fleet_accounts_back MEMORY: where the accounts are as they were. Whatever somebody changed meanwhile has its own state before.
fleet_accounts_back() {
  local each was now
  [ -d "$1/.accounts" ] || return 0
  for each in $fleet_account_files; do
    was="$1/.accounts/$each-" now="/etc/$each-"
    if [ -e "/etc/$each" ]; then cmp -s -- "/etc/$each" "$1/.accounts/$each" || continue; elif [ -e "$1/.accounts/$each" ]; then continue; fi
    if [ ! -e "$was" ]; then rm -f -- "$now"
    elif ! cmp -s -- "$was" "$now"; then cp -a -- "$was" "/etc/.$each-.fleet" && mv -fT -- "/etc/.$each-.fleet" "$now" || return 1
    fi
  done
}
