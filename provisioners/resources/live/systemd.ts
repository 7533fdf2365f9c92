// Limits of a running service against its drop-in: a container, or whoever started this system, may allow less than the unit asks for.
import { type Command, sh } from "../../engine/shell-quote.ts";
import type { Reader } from "./reader.ts";

/** `/etc/systemd/system/nginx.service.d/zz-fleet.conf` → nginx.service */
export const unitIn = (file: string): string => /\/([^/]+\.service)(?:\.d\/[^/]+)?$/.exec(file)?.[1] ?? "";

const rows = {
  LimitNOFILE: "Max open files",
  LimitNPROC: "Max processes",
  LimitMEMLOCK: "Max locked memory",
  LimitCORE: "Max core file size",
  LimitSTACK: "Max stack size",
} as const;

/** The hard limit: a program raises its soft one up to that. */
const limits: Command = {
  text: Object.entries(rows)
    .map(([name, row]) => `sed -n 's/^${row}  *[^ ]*  *\\([^ ]*\\).*$/live\\t${name}\\t\\1/p' "/proc/$main/limits"`)
    .join("\n"),
  masked: "",
};

const number = (text: string): number => (["infinity", "unlimited"].includes(text) ? Infinity : Number(text));

export const systemdReader: Reader = {
  ask: (file) => sh`main=$(systemctl show -p MainPID --value -- ${unitIn(file)} 2>/dev/null)
if [ "\${main:-0}" = 0 ] || [ ! -r ${file} ] || [ ! -r "/proc/$main/limits" ]; then exit 0; fi
sed -n 's/^\\(Limit[A-Z]*\\)=\\([^ :]*\\).*$/own\\t\\1\\t\\2/p' ${file}
${limits}`,
  same: (_name, wanted, live) => number(wanted) === number(live),
  mild: true,
  hint: "more than this system allows a service can't have",
};
