# Brings the ways in back to what they were. systemd runs it: `wait` until nobody has confirmed in time, `boot` at a boot before that.
cd "$fleet_revert" || exit 0
due() { read -r now _ < /proc/uptime; read -r at < deadline; [ "${now%%.*}" -ge "$at" ]; }
if [ "$1" = wait ]; then until due; do [ -e armed ] || exit 0; sleep 1; done; fi
# Whoever moves it has it: this, or the confirmation.
if ! mv -T armed reverting 2>/dev/null; then [ "$1" = boot ] && [ -e reverting ] || exit 0; fi

run=revert
for each in paths/*.path; do
  kept=${each%.path}
  read -r path < "$each"
  if [ -e "$kept.folder" ]; then
    read -r mode uid gid < "$kept.folder"
    fleet_folders "$path" && fleet_at "$path" chown -h "$uid:$gid" -- && fleet_mode "$mode" "$path"
  elif [ ! -e "$kept.none" ]; then fleet_folders "${path%/*}" && fleet_back "$fleet_revert/$kept" "$path"
  elif [ -L "$path" ] || [ ! -d "$path" ]; then fleet_remove "$path"; fi
done
for each in $(printf '%s\n' paths/*.none | sort -r); do
  [ -e "$each" ] || continue
  read -r path < "${each%.none}.path"
  if [ -d "$path" ] && [ ! -L "$path" ]; then fleet_at "$path" rmdir --ignore-fail-on-non-empty --; fi
done

line() {
  LINE=$(cat "$2"); NAME=${LINE%%:*}
  export LINE NAME
  grep -qxF -- "$LINE" "$1" && return
  cp -a -- "$1" "$1.fleet-revert" &&
    awk -F: '$1 == ENVIRON["NAME"] { if (!done) print ENVIRON["LINE"]; done = 1; next } { print } END { if (!done) print ENVIRON["LINE"] }' "$1" > "$1.fleet-revert" &&
    mv -fT -- "$1.fleet-revert" "$1"
}
for each in users/*.passwd; do
  [ -e "$each" ] || continue
  name=${each#users/} name=${name%.passwd}
  line /etc/passwd "$each"
  [ ! -e "users/$name.shadow" ] || line /etc/shadow "users/$name.shadow"
  [ "$(id -Gn -- "$name" | cut -s -d ' ' -f 2- | tr ' ' ,)" = "$(cat "users/$name.groups")" ] || usermod -G "$(cat "users/$name.groups")" -- "$name"
done

systemctl daemon-reload
block=
[ "$1" != boot ] || block=--no-block
if [ -e units ]; then
  while read -r unit load enabled active; do
    now=$(systemctl show -p LoadState --value -- "$unit")
    if [ "$load" = masked ]; then [ "$now" = masked ] || systemctl mask -q -- "$unit"
    elif [ "$now" = masked ]; then systemctl unmask -q -- "$unit"; fi
    if [ "$(systemctl show -p UnitFileState --value -- "$unit")" != "$enabled" ]; then
      case $enabled in enabled) systemctl enable -q -- "$unit" ;; disabled) systemctl disable -q -- "$unit" ;; esac
    fi
  done < units
  # A socket before its service, which would take the port itself.
  for want in .socket ''; do
    while read -r unit load enabled active; do
      case $unit in *.socket) [ "$want" = .socket ] || continue ;; *) [ "$want" = '' ] || continue ;; esac
      case $active in
        active | reloading | activating) systemctl is-active -q -- "$unit" || { systemctl reset-failed -- "$unit"; systemctl start $block -- "$unit"; } ;;
        *) if systemctl is-active -q -- "$unit"; then systemctl stop $block -- "$unit"; fi ;;
      esac
    done < units
  done
fi 2> /dev/null < /dev/null

if [ "$1" != boot ]; then back; fi
sync
rm -f -- "/etc/systemd/system/sysinit.target.wants/${fleet_revert_unit##*/}" "$fleet_revert_unit"
rmdir --ignore-fail-on-non-empty -- /etc/systemd/system/sysinit.target.wants
# The reload above read it.
systemctl daemon-reload
cd /
rm -rf -- "$fleet_revert"
