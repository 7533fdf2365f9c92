// `sshd -T` against a drop-in: of several files that set an option sshd takes the first, and a main file may include none of them.
import { runtimeFolders } from "../../engine/runtime-folders.ts";
import { raw, sh } from "../../engine/shell-quote.ts";
import type { Reader } from "./reader.ts";

/** Two words for one thing; sshd prints the older one. */
const aliases: Readonly<Record<string, string>> = { "prohibit-password": "without-password" };
const plain = (value: string): string => aliases[value.toLowerCase()] ?? value.toLowerCase();

export const sshdReader: Reader = {
  ask: (file) => sh`${raw(runtimeFolders)}
fleet_runtime ssh.service
said=$(sshd -T 2>/dev/null) || exit 1
printf '%s\\n' "$said" | sed 's/^\\([^ ]*\\) /live\\t\\1\\t/'
sed -n 's/^\\([A-Za-z0-9]*\\)  *\\(.*\\)$/\\1\\t\\2/p' ${file} 2>/dev/null | while IFS='\t' read -r name value; do
  printf 'own\\t%s\\t%s\\n' "$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')" "$value"
done`,
  // `+algorithm` adds to a list.
  same: (_name, wanted, live) => (wanted.startsWith("+") ? live.split(",").includes(wanted.slice(1)) : plain(wanted) === plain(live)),
  hint: "`grep -ri NAME /etc/ssh/sshd_config /etc/ssh/sshd_config.d` shows who says it first",
};
