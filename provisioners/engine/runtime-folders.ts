// A service's folders below /run: systemd makes them at its start and takes them away at its end, and what checks its files may need them.

/**
 * `fleet_runtime UNIT`: makes those that are missing, as systemd would. They stay: its next start takes them over, and its next end takes them
 * away. Taken away by us they might be gone under a service that started meanwhile: sshd lets nobody in then.
 */
export const runtimeFolders = `fleet_runtime() {
  local folder user group mode
  for folder in $(systemctl show -p RuntimeDirectory --value -- "$1" 2> /dev/null); do
    [ ! -e "/run/$folder" ] || continue
    user=$(systemctl show -p User --value -- "$1") group=$(systemctl show -p Group --value -- "$1")
    mode=$(systemctl show -p RuntimeDirectoryMode --value -- "$1")
    user=\${user:-root} group=\${group:-$(id -gn -- "\${user:-root}" 2> /dev/null)}
    # A user that systemd makes for each start is nobody's before it.
    install -d -m "\${mode:-0755}" -o "$user" -g "\${group:-root}" -- "/run/$folder" 2> /dev/null || :
  done
}`;
