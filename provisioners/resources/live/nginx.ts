// `nginx -T` names the files that nginx would read: what was changed since its workers came is in the file, and not live.
import { sh } from "../../engine/shell-quote.ts";
import { readBefore } from "./read-before.ts";
import type { Reader } from "./reader.ts";

export const nginxReader: Reader = {
  ask: () => sh`unit=nginx.service
systemctl is-active -q "$unit" || exit 0
set -- $(nginx -T 2>/dev/null | sed -n 's/^# configuration file \\([^ ]*\\):$/\\1/p')
${readBefore}`,
  same: (_name, wanted, live) => wanted === live,
  says: (name) => `${name} was changed after nginx read it`,
  set: () => sh`nginx -t && systemctl reload nginx.service && sleep 1`,
  hint: () => "`nginx -t` says whether it can be read, `systemctl reload nginx` has it read",
};
