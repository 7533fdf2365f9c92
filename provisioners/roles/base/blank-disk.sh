# Whether nothing is on a disk. Shell functions, for whoever is about to make a filesystem or an array on one: a role, a first boot.

size_mib() { echo $((($(blockdev --getsize64 "$1") + 1048575) / 1048576)); }

# Whether so many MiB from a place on are all zeros. What can't be read is none.
zeros() { # disk first count
  rest=$({ dd if="$1" bs=1048576 skip="$2" count="$3" 2>/dev/null || echo unreadable; } | tr -d '\000' | head -c 1 | wc -c)
  [ "$rest" -eq 0 ]
}

# Data without a signature is data. Read from its beginning until the end, or until it can be foreseen that the end is more than `seconds`
# away, which is decided after `trial` seconds; of what is left 1 MiB at each of 256 places and the last one. `unread` says how many MiB were left.
all_zeros() { # disk seconds trial
  size=$(size_mib "$1") at=0 begun=$(date +%s)
  while [ "$at" -lt "$size" ]; do
    zeros "$1" "$at" 256 || return 1
    at=$((at + 256))
    spent=$(($(date +%s) - begun))
    if [ "$spent" -ge "$3" ] && [ $((spent * size / at)) -gt "$2" ]; then break; fi
  done
  unread=$((size > at ? size - at : 0))
  [ "$unread" -gt 0 ] || return 0
  part=1
  while [ "$part" -le 256 ]; do
    zeros "$1" $((at + (unread - 1) * part / 256)) 1 || return 1
    part=$((part + 1))
  done
}

# What lays claim to a disk, in a word; nothing where nothing does. What a tool can't tell is not "nothing".
claimed_by() { # disk
  signature=$(wipefs --noheadings --no-act --output TYPE "$1" 2>&1 | head -n 1)
  status=0
  probed=$(blkid -p -o export "$1" 2>/dev/null) || status=$?
  if [ "$signature" ]; then
    echo "$signature"
  elif [ "$status" -ne 2 ]; then
    echo "${probed:-something that blkid can not tell}" | sed -n 's/^\(PT\)\{0,1\}TYPE=//; 1p'
  elif command -v mdadm >/dev/null && mdadm --examine "$1" >/dev/null 2>&1; then
    echo "an md superblock"
  elif [ "$(lsblk --noheadings --raw --output NAME "$1" 2>/dev/null | wc -l)" -gt 1 ]; then
    echo "devices that use it"
  fi
}
