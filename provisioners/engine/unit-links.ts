// A unit whose name is a link in systemd's own folder: `systemctl disable` takes the link along, and where that is how the unit is known at all
// (`systemctl link`, `systemctl enable /opt/x/x.service`) nothing knows it any more.

/**
 * - `unit_link UNIT`: prints where its link leads; fails where there is none, a mask, or another unit behind it.
 * - `unit_relink UNIT TARGET`: makes it again where it is gone; nothing without a TARGET.
 * - `unit_disable UNIT`: and it stays known.
 * - `unit_enable UNIT`: by whatever name; systemctl takes none that is a link to another.
 */
export const unitLinks = `unit_link() {
  local to
  to=$(readlink -- "/etc/systemd/system/$1") && [ "$to" != /dev/null ] && [ "$(systemctl show -p Id --value -- "$1")" = "$1" ] && printf '%s\\n' "$to"
}
unit_relink() {
  if [ -z "$2" ] || [ -e "/etc/systemd/system/$1" ] || [ -L "/etc/systemd/system/$1" ]; then return 0; fi
  ln -s -- "$2" "/etc/systemd/system/$1" && systemctl daemon-reload
}
unit_disable() {
  local to
  to=$(unit_link "$1") || to=''
  systemctl disable -q -- "$1" && unit_relink "$1" "$to"
}
unit_enable() {
  local id
  id=$(systemctl show -p Id --value -- "$1")
  systemctl enable -q -- "\${id:-$1}"
}`;
