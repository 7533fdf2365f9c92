# Above stand the settings, written by instance-store.ts, and the functions of blank-disk.sh. Two verbs: `build` before the mount, `ready` after it.
# Disks of an instance store are blank after every stop. `build` makes array and filesystem on blank disks alone; both carry UUIDs
# that were chosen beforehand, so mount unit, mdadm.conf and initramfs stay true however often they are made again.

label=fleet-store
building=$state/building # from the first write to the end of mkfs: what it finds then was never mounted
unseeded=$state/unseeded # from there until the hooks have filled the new filesystem

say() { printf 'fleet-instance-store: %s\n' "$*" >&2; }
refuse() {
  say "$*"
  exit 1
}

# The disks, one a line. NVMe ones by their model, never by number: EBS volumes are NVMe too. Several links lead to each.
find_disks() {
  if [ "$bus" = nvme ]; then
    for link in "$root"/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_*; do
      case $link in *-part[0-9]*) continue ;; esac
      if [ -e "$link" ]; then readlink -f "$link"; fi
    done | sort -u
  else
    for letter in $letters; do
      if [ -e "$root/dev/xvd$letter" ]; then printf '%s\n' "$root/dev/xvd$letter"; fi
    done
  fi
}

# What of a disk becomes part of the array: the disk, or its one partition where the rest stays free.
member() {
  if [ "$over_provision" -eq 0 ]; then
    printf '%s\n' "$1"
  else
    case $1 in *[0-9]) printf '%sp1\n' "$1" ;; *) printf '%s1\n' "$1" ;; esac
  fi
}

# One tag that blkid sees. It ends with 2 where there is none; with anything else it could not tell, which is not "none".
tag() {
  status=0
  value=$(blkid -p -s "$1" -o value "$2" 2>/dev/null) || status=$?
  case $status in
    0 | 2) printf '%s' "$value" ;;
    *) printf 'unclear' ;;
  esac
}

mib_of() { echo $(($(blockdev --getsize64 "$1") / 1048576)); }

# What is on a device, in a word; nothing where it is blank.
holds() {
  kind=$(tag TYPE "$1")
  table=$(tag PTTYPE "$1")
  signature=$(wipefs --noheadings --no-act --output TYPE "$1" 2>&1 | head -n 1)
  if [ "$kind$table$signature" ]; then
    echo "${kind:-${table:-$signature}}"
  elif mdadm --examine "$1" >/dev/null 2>&1; then
    echo "an md superblock"
  elif [ "$(lsblk --noheadings --raw --output NAME "$1" | wc -l)" -gt 1 ]; then
    echo "devices that use it"
  elif ! all_zeros "$1" "$reading" "$reading"; then
    echo "data without a signature"
  fi
}

carries_ours() {
  [ -e "$1" ] || return 1
  if [ "$expected" -eq 1 ]; then
    [ "$(tag UUID "$1")" = "$filesystem" ]
  else
    mdadm --examine --export "$1" 2>/dev/null | grep -qx "MD_UUID=$array"
  fi
}

# Of one disk: `ours`, `partitioned` (by us, and nothing on it yet), `blank`, or what else it holds.
state_of() {
  its=$(member "$1")
  if carries_ours "$its"; then
    echo ours
  elif [ "$its" != "$1" ] && [ -e "$its" ] && [ "$(tag PART_ENTRY_NAME "$its")" = "$label" ] && [ -z "$(holds "$its")" ]; then
    echo partitioned
  else
    held=$(holds "$1")
    echo "${held:-blank}"
  fi
}

# The array under whatever name it has today, or nothing.
find_array() { mdadm --detail --scan | sed -n "s|^ARRAY \([^ ]*\) .*UUID=$array.*|\1|p"; }
half_array() { mdadm --detail --scan | sed -n "s|^INACTIVE-ARRAY \([^ ]*\) .*UUID=$array.*|\1|p"; }

assemble() {
  stuck=$(half_array)
  if [ "$stuck" ]; then mdadm --stop "$stuck"; fi
  if [ -z "$(find_array)" ]; then mdadm --assemble "$root/dev/md/$name" --uuid="$array" "$@"; fi
}

# Half-built by us and never mounted: takes it apart, so that it can be built again.
dismantle() {
  for old in $(find_array) $(half_array); do mdadm --stop "$old"; done
  for each in "$@"; do
    if [ "$expected" -eq 1 ]; then wipefs --all --quiet "$each"; else mdadm --zero-superblock "$each"; fi
  done
}

partition() {
  keep=$(($(mib_of "$1") * (100 - over_provision) / 100))
  printf 'label: gpt\nstart=1MiB, size=%sMiB, name=%s\n' "$((keep - 1))" "$label" | sfdisk --quiet "$1"
}

create() { # disks
  for disk in "$@"; do
    if [ "$over_provision" -gt 0 ] && [ "$(state_of "$disk")" = blank ]; then partition "$disk"; fi
  done
  udevadm settle
  members=$(for disk in "$@"; do member "$disk"; done)
  device=$members
  if [ "$expected" -gt 1 ]; then
    device=$root/dev/md/$name
    # The host's name stays out of it: --homehost=any, or a renamed host would find another device name.
    # shellcheck disable=SC2086
    mdadm --create "$device" --run --homehost=any --name="$name" --uuid="$array" --level=0 $chunk --raid-devices="$expected" $members
  fi
  # shellcheck disable=SC2086
  mkfs.xfs $mkfs -m uuid="$filesystem" "$device"
}

conf() { if [ -d "$root/etc/mdadm" ]; then echo "$root/etc/mdadm/mdadm.conf"; else echo "$root/etc/mdadm.conf"; fi; }

# Nothing may write below the mount point while nothing is mounted there.
guard_mount_point() {
  mkdir -p "$root$mount_point"
  if mountpoint -q "$root$mount_point"; then return 0; fi
  if ! chattr +i "$root$mount_point"; then say "$mount_point can't be made immutable here; only RequiresMountsFor keeps writers out"; fi
}

wait_for_disks() {
  waited=0
  # shellcheck disable=SC2046
  set -- $(find_disks)
  while [ $# -lt "$expected" ] && [ "$waited" -lt "$patience" ]; do
    sleep 1
    waited=$((waited + 1))
    # shellcheck disable=SC2046
    set -- $(find_disks)
  done
  [ $# -eq "$expected" ] || refuse "expected $expected disks, found $#${1:+: $*}; nothing is mounted and nothing was written"
  disks=$*
}

build() {
  udevadm settle
  mkdir -p "$state"
  guard_mount_point
  wait_for_disks
  ours='' clean='' foreign=''
  for disk in $disks; do
    case $(state_of "$disk") in
      ours) ours="$ours $(member "$disk")" ;;
      partitioned | blank) clean="$clean $disk" ;;
      *) foreign="$foreign, $disk holds $(holds "$disk")" ;;
    esac
  done
  [ -z "$foreign" ] || refuse "expected blank disks${foreign}; nothing was written; next: save what you need, then wipefs --all DISK"
  # shellcheck disable=SC2086
  if [ "$ours" ] && [ -e "$building" ]; then
    say "an earlier run was cut short: builds again"
    dismantle $ours
    ours='' clean=$disks
  fi
  [ -z "$ours" ] || [ -z "$clean" ] || refuse "expected all disks of the array, but these are blank:$clean; nothing was written"
  # shellcheck disable=SC2086
  if [ "$ours" ]; then
    if [ "$expected" -gt 1 ]; then assemble $ours; fi
    return 0
  fi
  : >"$building"
  : >"$unseeded"
  sync
  # shellcheck disable=SC2086
  create $clean
  sync
  rm "$building"
  sync
  udevadm settle
}

# After the mount: in step with the next boot, and filled by the hooks if it is new.
ready() {
  if [ "$expected" -gt 1 ] && ! grep -qs "UUID=$array" "$(conf)"; then
    printf 'ARRAY %s metadata=1.2 UUID=%s\n' "/dev/md/$name" "$array" >>"$(conf)"
    if command -v update-initramfs >/dev/null; then update-initramfs -u; fi
    if command -v dracut >/dev/null; then dracut --force; fi
  fi
  [ -e "$unseeded" ] || return 0
  for hook in "$root"/etc/fleet/instance-store.d/*; do
    if [ -x "$hook" ]; then "$hook" "$mount_point" || refuse "$hook failed; what needs $mount_point waits"; fi
  done
  rm "$unseeded"
}

case ${1:-} in
  build) build ;;
  ready) ready ;;
  *) refuse "expected \`build\` or \`ready\`, got \`${1:-}\`" ;;
esac
