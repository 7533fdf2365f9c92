// A running service against its drop-in: a container, or whoever started this system, may allow less than the unit asks for; and what changed
// since it started (the time zone, the language, its own variables of them) it goes on without.
import { type Command, sh } from "../../engine/shell-quote.ts";
import { current } from "./read-before.ts";
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
  text: `sed -n ${Object.entries(rows)
    .map(([name, row]) => `-e 's/^${row}  *[^ ]*  *\\([^ ]*\\).*$/live\\t${name}\\t\\1/p'`)
    .join(" ")} "/proc/$main/limits"`,
  masked: "",
};

const zone = "time zone";
const unset = "not set";

/**
 * Expects what systemd says of the unit: `$main`, `$begun` (as it counts), `$set` and `$files`. A program reads its time zone once; the language of
 * all services systemd reads at its own start. Two seconds are less than either clock tells.
 */
const surroundings: Command = {
  text: `read -r up rest </proc/uptime
boot=$(( $(date +%s) - \${up%.*} )) names=' '
begun=$((boot + \${begun:-0} / 1000000 + 2))
while IFS= read -r each; do
  case $each in TZ=*|LANG=*) names="$names\${each%%=*} "; printf 'live\\t%s\\t%s\\n' "\${each%%=*}" "\${each#*=}" ;; esac
done <<FLEET_ENVIRON
$(tr '\\0' '\\n' <"/proc/$main/environ")
FLEET_ENVIRON
own() {
  case $2 in "'"*|'"'*) set -- "$1" "\${2#?}"; set -- "$1" "\${2%?}" ;; esac
  printf 'own\\t%s\\t%s\\n' "$1" "$2"
  case $names in *" $1 "*) ;; *) printf 'live\\t%s\\t${unset}\\n' "$1" ;; esac
}
while read -r changed each; do
  case $each:$names in
    /etc/localtime:*' TZ '*) ;;
    /etc/localtime:*) if [ "$changed" -gt "$begun" ]; then printf 'own\\t${zone}\\t${current}\\nlive\\t${zone}\\t-\\n'; fi ;;
    /etc/default/locale:*' LANG '*) if [ "$changed" -gt "$boot" ]; then set="$(sed -n '/^LANG=/p' "$each") $set"; fi ;;
  esac
done <<FLEET_FILES
$(stat -c '%Y %n' /etc/localtime /etc/default/locale 2>/dev/null)
FLEET_FILES
for each in $set; do
  case $each in TZ=*|LANG=*) own "\${each%%=*}" "\${each#*=}" ;; esac
done
if [ -n "$files" ]; then
  while IFS='=' read -r each value; do
    case $each in TZ|LANG) own "$each" "$value" ;; esac
  done <<FLEET_FILES
$(sed -n 's/^export //; /^TZ=/p; /^LANG=/p' $files 2>/dev/null)
FLEET_FILES
fi`,
  masked: "",
};

const number = (text: string): number => (["infinity", "unlimited"].includes(text) ? Infinity : Number(text));

const shown = "MainPID,ExecMainStartTimestampMonotonic,Environment,EnvironmentFiles";

export const systemdReader: Reader = {
  ask: (file) => sh`main=0 begun= set= files=
while IFS= read -r each; do
  case $each in
    MainPID=*) main=\${each#*=} ;;
    ExecMainStart*) begun=\${each#*=} ;;
    Environment=*) set=\${each#*=} ;;
    EnvironmentFiles=*) each=\${each#*=} files="$files \${each% (ignore*}" ;;
  esac
done <<FLEET_UNIT
$(systemctl show -p ${shown} -- ${unitIn(file)} 2>/dev/null)
FLEET_UNIT
if [ "\${main:-0}" = 0 ] || [ ! -r ${file} ] || [ ! -r "/proc/$main/limits" ]; then exit 0; fi
sed -n 's/^\\(Limit[A-Z]*\\)=\\([^ :]*\\).*$/own\\t\\1\\t\\2/p' ${file}
${limits}
${surroundings}`,
  same: (name, wanted, live) => (name.startsWith("Limit") ? number(wanted) === number(live) : wanted === live),
  says: (name, wanted, live) => {
    if (name === zone) return "it runs since before /etc/localtime was changed, and with the time zone of then where it read one";
    return name.startsWith("Limit") ? undefined : `${name} is ${live === unset ? unset : `\`${live}\``} live, \`${wanted}\` in its files`;
  },
  mild: true,
  hint(name, file) {
    if (name.startsWith("Limit")) return "more than this system allows a service can't have";
    const first = name === "LANG" ? "`systemctl daemon-reexec`, and then " : "";
    return `${first}\`systemctl restart ${unitIn(file)}\` has it take that`;
  },
};
