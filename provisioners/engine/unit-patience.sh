# Whoever has systemd start or stop a unit waits until it has, and a unit may give systemd no limit (Debian's redis: TimeoutStopSec=0). Every
# step's own `systemctl` is this one: it says what it waits for, and ends. POSIX sh.

# Seconds: until the first word, between two more, and until a unit counts as stuck that gives itself no limit of its own.
fleet_word_first=5 fleet_word_every=30 fleet_patience=300

# systemctl VERB OPTION … UNIT
systemctl() {
  local unit pid waited code since
  case ${1:-} in start | stop | restart | try-restart | reload) ;; *) command systemctl "$@"; return ;; esac
  for unit; do :; done
  # Nobody waits a second time for what was stuck when this run came.
  since=$(fleet_stuck_since "$unit" "$1")
  command systemctl "$@" &
  pid=$! waited=0
  while kill -0 "$pid" 2> /dev/null; do
    sleep 0.1
    waited=$((waited + 1))
    if fleet_word_due "$waited" && ! fleet_waiting "$1" "$unit" $((since + waited / 10)) && kill "$pid" 2> /dev/null; then
      wait "$pid" 2> /dev/null || :
      return 1
    fi
  done
  code=0
  wait "$pid" || code=$?
  return "$code"
}

# fleet_stuck_since UNIT VERB: the seconds for which it has been ending, or starting where that is what the verb would wait for; 0 where it does neither
fleet_stuck_since() {
  local state changed up rest
  state=$(command systemctl show -p ActiveState --value -- "$1") || state=''
  case $state:$2 in
    deactivating:* | activating:start | activating:reload)
      changed=$(command systemctl show -p StateChangeTimestampMonotonic --value -- "$1") || changed=''
      read -r up rest < /proc/uptime
      case $changed in '' | 0 | *[!0-9]*) changed=${up%.*}000000 ;; esac
      rest=$((${up%.*} - changed / 1000000))
      if [ "$rest" -gt 0 ]; then printf '%s\n' "$rest"; else echo 0; fi
      ;;
    *) echo 0 ;;
  esac
}

# fleet_word_due TENTHS
fleet_word_due() { [ "$1" -eq $((10 * fleet_word_first)) ] || [ $(($1 % (10 * fleet_word_every))) -eq 0 ]; }

# fleet_waiting VERB UNIT WAITED: says so; fails once that is too long
fleet_waiting() {
  local limit said
  limit=$(fleet_limit_of "$2")
  said=''
  if [ -f "${fleet_log:-}" ]; then said=$(tail -n 1 -- "$fleet_log"); fi
  if [ -z "$said" ]; then said=$(journalctl --no-pager -q -o cat -n 1 -u "$2" 2> /dev/null | tail -n 1); fi
  if [ "$3" -lt "$limit" ]; then
    tell waits "\`systemctl $1 $2\` has waited $3 s, of $limit s at most; the unit is $(fleet_state_of "$2")${said:+; it said: $said}"
    return 0
  fi
  printf '%s: expected `systemctl %s` to be done within %s s, got a unit that is still %s after %s s%s\n' "$2" "$1" "$limit" "$(fleet_state_of "$2")" "$3" "${said:+; it said: $said}"
  if fleet_ends "$2"; then fleet_stuck "$2"; fi
  return 1
}

fleet_state_of() { command systemctl show -p ActiveState -p SubState -- "$1" | sed -n 's/^ActiveState=//p; s/^SubState=\(.*\)/(\1)/p' | paste -sd ' ' -; }

# fleet_ends UNIT: it was asked to stop, and has not
fleet_ends() { [ "$(command systemctl show -p ActiveState --value -- "$1")" = deactivating ]; }

# Never killed from here: it may hold what it could not save.
fleet_stuck() {
  printf 'next: on the server, put right what keeps it from ending (`journalctl -u %s -n 50`) and `systemctl kill %s`, ' "$1" "$1"
  printf 'or `systemctl kill -s KILL %s`, which loses what it has not saved; then run this again\n' "$1"
}

# fleet_limit_of UNIT: what the unit gives its start and its stop, where that is the longer
fleet_limit_of() {
  local each all seconds
  all=0
  for each in $(command systemctl show -p TimeoutStartUSec -p TimeoutStopUSec --value -- "$1"); do
    case $each in
      *[!0-9a-z.]* | infinity | *month | *y | *w) continue ;;
      *ms | *us) seconds=0 ;;
      *min) seconds=$((60 * ${each%min})) ;;
      *h) seconds=$((3600 * ${each%h})) ;;
      *d) seconds=$((86400 * ${each%d})) ;;
      [0-9]*s) each=${each%s}; seconds=${each%%.*} ;;
      *) seconds=0 ;;
    esac
    all=$((all + seconds))
  done
  # It counts as late once systemd's own limit had its turn.
  all=$((all > 0 ? all + 10 : 0))
  if [ "$all" -gt "$fleet_patience" ]; then printf '%s\n' "$all"; else printf '%s\n' "$fleet_patience"; fi
}

# fleet_in_time TEXT: a shell of its own, which has none of these functions
fleet_in_time() {
  local code
  code=0
  timeout --kill-after=10 "$((2 * fleet_patience))" sh -ec "$1" </dev/null || code=$?
  case $code in 124 | 137) printf 'expected it to be done within %s s, and ended it\n' "$((2 * fleet_patience))" ;; esac
  return "$code"
}
