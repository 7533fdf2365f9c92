// `sshd -T` against a drop-in: of several files that set an option sshd takes the first, and a main file may include none of them.
import { runtimeFolders } from "../../engine/runtime-folders.ts";
import { raw, sh } from "../../engine/shell-quote.ts";
import { current } from "./read-before.ts";
import type { Reader } from "./reader.ts";

/** Two words for one thing; sshd prints the older one. */
const aliases: Readonly<Record<string, string>> = { "prohibit-password": "without-password" };
const plain = (value: string): string => aliases[value.toLowerCase()] ?? value.toLowerCase();

export const sshdReader: Reader = {
  ask: (file) => sh`${raw(runtimeFolders)}
fleet_runtime ssh.service
main= title=
[ ! -e /run/sshd.pid ] || read -r main </run/sshd.pid
# One that has just started has not said so yet.
[ -e "/proc/\${main:-none}" ] || main=$(systemctl show -p MainPID --value -- ssh.service)
[ ! -r "/proc/$main/cmdline" ] || title=$(tr '\\0' ' ' <"/proc/$main/cmdline")
set --
case $title in 'sshd: '*' [listener]'*)
  title=\${title#sshd: *sshd} title=\${title% \\[listener]*}
  set -- $title
  # It writes its pid file whenever it has read its files, a moment after the reload.
  try=0
  for each in /etc/ssh/sshd_config ${file}; do
    [ -e /run/sshd.pid ] || break
    while [ "$each" -nt /run/sshd.pid ] && [ "$try" -lt 20 ]; do sleep 0.1; try=$((try + 1)); done
    if [ "$each" -nt /run/sshd.pid ]; then printf 'own\\t%s\\t${raw(current)}\\nlive\\t%s\\tnot read since its change\\n' "$each" "$each"; fi
  done ;;
esac
# What its command line says counts before any file.
said=$(sshd -T "$@" 2>/dev/null || sshd -T 2>/dev/null) || exit 1
printf '%s\\n' "$said" | sed 's/^\\([^ ]*\\) /live\\t\\1\\t/'
sed -n 's/^\\([A-Za-z0-9]*\\)  *\\(.*\\)$/\\1\\t\\2/p' ${file} 2>/dev/null | while IFS='\t' read -r name value; do
  printf 'own\\t%s\\t%s\\n' "$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')" "$value"
done`,
  // `+algorithm` adds to a list.
  same: (_name, wanted, live) => (wanted.startsWith("+") ? live.split(",").includes(wanted.slice(1)) : plain(wanted) === plain(live)),
  says: (name, wanted) => (wanted === current ? `${name} was changed after sshd read it` : undefined),
  hint: (name) =>
    name.startsWith("/")
      ? "`sshd -t` says whether it can be read, `systemctl reload ssh` has it read"
      : `\`grep -ri ${name} /etc/ssh/sshd_config /etc/ssh/sshd_config.d\` shows who says it first, if it is not the command line of \`systemctl status ssh\``,
};
