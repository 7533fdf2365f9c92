# What arms a revert of changes that may shut a door, on the server; revert.ts says what each promises. POSIX sh (plus `local`).

# fleet_arm_begin
fleet_arm_begin() {
  fleet_arm=$fleet_revert.new
  rm -rf -- "$fleet_arm"
  mkdir -p -m 0700 -- "$fleet_arm" "$fleet_arm/paths" "$fleet_arm/users" "$fleet_arm/live"
  fleet_arm_at=1000
}

# fleet_arm_path PATH
fleet_arm_path() {
  local kept
  fleet_arm_at=$((fleet_arm_at + 1))
  kept=$fleet_arm/paths/$fleet_arm_at
  printf '%s\n' "$1" > "$kept.path"
  if [ -d "$1" ] && [ ! -L "$1" ]; then stat -c '%a %u %g' -- "$1" > "$kept.folder"
  elif [ -e "$1" ] || [ -L "$1" ]; then
    fleet_copy "$1" "$kept"
    # Who has a part of a file writes through a link to it.
    if [ -L "$1" ] && [ -f "$1" ]; then fleet_arm_path "$(readlink -f -- "$1")"; fi
  else : > "$kept.none"; fi
}

# fleet_arm_unit UNIT…: those that this server knows
fleet_arm_unit() {
  local unit load enabled
  for unit; do
    load=$(systemctl show -p LoadState --value -- "$unit")
    [ "$load" != not-found ] || continue
    enabled=$(systemctl show -p UnitFileState --value -- "$unit")
    printf '%s %s %s %s\n' "$unit" "$load" "${enabled:--}" "$(systemctl show -p ActiveState --value -- "$unit")" >> "$fleet_arm/units"
  done
}

# fleet_arm_user NAME
fleet_arm_user() {
  getent passwd "$1" > "$fleet_arm/users/$1.passwd" || { rm -f -- "$fleet_arm/users/$1.passwd"; return 0; }
  getent shadow "$1" > "$fleet_arm/users/$1.shadow" || rm -f -- "$fleet_arm/users/$1.shadow"
  id -Gn -- "$1" | cut -s -d ' ' -f 2- | tr ' ' , > "$fleet_arm/users/$1.groups"
}

# fleet_arm_end SECONDS < SCRIPT: from here on it goes back, but for `fleet_hold` and a confirmation
fleet_arm_end() {
  cat > "$fleet_arm/back"
  printf '%s\n' "$$" > "$fleet_arm/armed"
  printf '%s\n' "fleet-revert-$run.service" > "$fleet_arm/waits"
  rm -rf -- "$fleet_revert"
  mv -T -- "$fleet_arm" "$fleet_revert"
  fleet_hold "$1"
  # Read at a boot alone: systemd need not know of it before.
  printf '%s\n' '[Unit]' 'Description=What fleet changed of the ways in, and nobody confirmed, goes back' \
    'DefaultDependencies=no' 'After=local-fs.target' \
    'Before=sysinit.target network-pre.target ssh.service ssh.socket nftables.service systemd-networkd.service' \
    "ConditionPathExists=$fleet_revert" '[Service]' 'Type=oneshot' "ExecStart=/bin/sh $fleet_revert/back boot" > "$fleet_revert_unit"
  mkdir -p /etc/systemd/system/sysinit.target.wants
  ln -sf "$fleet_revert_unit" /etc/systemd/system/sysinit.target.wants/
  sync -f -- "$fleet_revert/back"
  sync -f -- "$fleet_revert_unit"
  systemd-run --quiet --collect --unit="fleet-revert-$run" -- /bin/sh "$fleet_revert/back" wait
}

# fleet_hold SECONDS: that much longer; fails where it is too late
fleet_hold() {
  local now rest
  read -r now rest < /proc/uptime
  printf '%s\n' "$((${now%%.*} + $1))" > "$fleet_revert/deadline.new" && mv -fT -- "$fleet_revert/deadline.new" "$fleet_revert/deadline" &&
    [ -e "$fleet_revert/armed" ] || { printf 'the changes of the ways in took too long, and went back\n'; return 1; }
}

# fleet_disarm: fails where it is too late
fleet_disarm() { mv -T -- "$fleet_revert/armed" "$fleet_revert/confirmed" 2> /dev/null; }

# fleet_disarmed: the end of what fleet_disarm began
fleet_disarmed() {
  rm -f -- "/etc/systemd/system/sysinit.target.wants/${fleet_revert_unit##*/}" "$fleet_revert_unit"
  rmdir --ignore-fail-on-non-empty -- /etc/systemd/system/sysinit.target.wants
  # It would see for itself within a second that nothing is armed: until then it would be one more unit of the server's.
  systemctl stop -- "$(cat -- "$fleet_revert/waits")" 2> /dev/null
  rm -rf -- "$fleet_revert"
  # The last of the memory of a server that was given back.
  rmdir --ignore-fail-on-non-empty -- "${fleet_revert%/*}"
}

# fleet_revert_now: what another run armed, or this one and nobody confirmed
fleet_revert_now() {
  local try
  try=0
  [ -d "$fleet_revert" ] || return 0
  if [ ! -e "$fleet_revert/armed" ] && [ ! -e "$fleet_revert/reverting" ]; then fleet_disarmed; return 0; fi
  printf '0\n' > "$fleet_revert/deadline"
  while [ -d "$fleet_revert" ]; do
    try=$((try + 1))
    # Whoever was to do it is gone.
    [ "$try" != 50 ] || [ ! -e "$fleet_revert/armed" ] || sh "$fleet_revert/back" now
    [ "$try" -lt 300 ] || return 1
    sleep 0.2
  done
}
