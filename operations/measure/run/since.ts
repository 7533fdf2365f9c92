// What a log got since the run began, wherever it lies by now: POSIX sh.
import { quote } from "../../../provisioners/engine/shell-quote.ts";

/** Behind a log's name: a rotated one's. */
const rotated = "[.-][0-9]* | .old | .bak | .gz";

/**
 * `written INODE SIZE FILE` prints what came after those bytes: also what a rotation moved, copied or packed meanwhile, the oldest first. Inode 0: all
 * that is of the run's time. What nginx packs as it writes is unpacked.
 */
export const writtenSince = (began: string): string => `packed() { [ "$(head -c 2 -- "$1" | od -An -tx1 | tr -d ' ')" = 1f8b ]; }
unpacked() { if packed "$1"; then gzip -dc <"$1" 2>/dev/null || :; else cat -- "$1"; fi; }
written() {
  log=$(readlink -f -- "$3") || return 0
  skip=$2; turned=
  if [ ! -d "\${log%/*}" ]; then return 0; fi
  while read -r _ inode each; do
    case $each in "$log") continue ;; "$log"*) suffix=\${each#"$log"} ;; *) suffix= ;; esac
    if [ "$inode" != "$1" ]; then case $suffix in ${rotated}) ;; *) continue ;; esac; fi
    unpacked "$each" | tail -c "+$((skip + 1))"
    skip=0; turned=yes
  done <<FLEET_LOGS
$(find "\${log%/*}" -maxdepth 1 -type f \\( -inum "$1" -o -newermt "@$(cat ${began})" \\) -printf '%T@ %i %p\\n' | sort -n)
FLEET_LOGS
  if [ ! -f "$log" ]; then return 0; fi
  if [ -n "$turned" ] || [ "$(stat -c %i -- "$log")" != "$1" ] || [ "$(stat -c %s -- "$log")" -lt "$2" ]; then unpacked "$log"
  elif packed "$log"; then tail -c "+$(($2 + 1))" -- "$log" | gzip -dc 2>/dev/null || :
  else tail -c "+$(($2 + 1))" -- "$log"; fi
}`;

/** Where a log stands before a run: `INODE SIZE FILE`, a link's as those of what it leads to. */
export const standsAt = (file: string, list: string): string => `stat -L -c '%i %s %n' -- ${quote(file)} >>${list} 2>/dev/null || true`;
