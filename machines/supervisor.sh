#!/bin/sh
# Keeps one practice machine running: starts it again when it reboots, says how it ended otherwise.
# usage: supervisor.sh DIRECTORY LINK PROGRAM [ARGUMENT…]
# DIRECTORY gets supervisor.pid, machine.pid, boot.log (boot.log.1: the boot before) and, at the end, exit: `CODE TIME`.
set -u

# The exit status by which systemd-nspawn --keep-unit tells that the machine asked to be booted again.
rebooted=133

put() {
  printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1"
}

# The kernel takes the old run's link away a moment after its last process; a new run can't have its name before that.
wait_for_link() {
  tries=0
  while [ -e "/sys/class/net/$1" ] && [ "$tries" -lt 100 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
}

main() {
  cd "$1" || exit 1
  link=$2
  shift 2
  child='' stopping=''
  trap 'stopping=1; [ -z "$child" ] || kill -TERM "$child"' TERM INT
  rm -f exit
  put supervisor.pid "$$"
  while :; do
    wait_for_link "$link"
    [ ! -e boot.log ] || mv -f boot.log boot.log.1
    "$@" </dev/null >boot.log 2>&1 &
    child=$!
    put machine.pid "$child"
    while :; do # a signal ends `wait` before the machine ends
      wait "$child"
      code=$?
      kill -0 "$child" 2>/dev/null || break
    done
    [ "$code" = "$rebooted" ] && [ -z "$stopping" ] || break
  done
  put exit "$code $(date -u +%Y-%m-%dT%H:%M:%SZ)"
  rm -f supervisor.pid machine.pid
  exit 0
}

main "$@"
