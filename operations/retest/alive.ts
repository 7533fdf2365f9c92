// What does its work on a server: services that run, ports that are open, and what they answer. The same look before and after the reboot.
import type { Command } from "../../provisioners/engine/shell-quote.ts";

export interface Alive {
  /** Another one after each boot. */
  readonly boot: string;
  readonly services: readonly string[];
  readonly ports: readonly string[];
  /** HTTP statuses by URL. */
  readonly answers: Readonly<Record<string, string>>;
}

/** What does one thing and ends (a cache at the first boot), or is called for a moment, is no service that must be back. */
const text = `printf 'boot\\t%s\\n' "$(cat /proc/sys/kernel/random/boot_id)"
systemctl show -p Id,SubState,UnitFileState,FragmentPath -- $(systemctl list-units --plain --no-legend --type=service --state=running,exited | cut -d' ' -f1) | awk 'BEGIN { RS = ""; FS = "\\n" } {
  for (i = 1; i <= NF; i++) { at = index($i, "="); unit[substr($i, 1, at - 1)] = substr($i, at + 1) }
  own = unit["FragmentPath"] ~ /^\\/etc\\/systemd\\/system\\// && unit["UnitFileState"] == "enabled"
  if (own || (unit["SubState"] == "running" && unit["UnitFileState"] ~ /^(enabled|disabled|linked|masked|transient)/)) print "service\\t" unit["Id"] }'
ss -Hltn | awk '{ port = $4; sub(/.*:/, "", port); print "port\\t" port }' | sort -u
command -v curl >/dev/null && ss -Hltn | awk '{ port = $4; sub(/.*:/, "", port); print port }' | sort -un | grep -vxE '22|25|53|111|3306|33060|5432|6379|11211|27017' | while read -r port; do
  for scheme in http https; do
    case $scheme$port in http443|https80) continue ;; esac
    status=$(curl -sk -o /dev/null --noproxy '*' --max-time 5 -w '%{http_code}' "$scheme://127.0.0.1:$port/" 2>/dev/null)
    case $status in 000|'') ;; *) printf 'answer\\t%s\\t%s\\n' "$scheme://127.0.0.1:$port/" "$status"; break ;; esac
  done
done
:`;
export const aliveScript: Command = { text, masked: text };

export function aliveIn(stdout: string): Alive {
  const rows = stdout.split("\n").map((line) => line.split("\t"));
  const all = (word: string) => rows.filter(([first]) => first === word);
  const firsts = (word: string) => all(word).map(([, value = ""]) => value);
  return {
    boot: firsts("boot")[0] ?? "",
    services: firsts("service"),
    ports: firsts("port"),
    answers: Object.fromEntries(all("answer").map(([, url = "", status = ""]) => [url, status])),
  };
}

/** Pure. What does not do its work any more, a sentence each. Ports above the ephemeral ones come and go. */
export function deadAfter(before: Alive, after: Alive): readonly string[] {
  const gone = (was: readonly string[], is: readonly string[]) => was.filter((each) => !is.includes(each));
  return [
    ...gone(before.services, after.services).map((unit) => `${unit} ran before the reboot, and does not now`),
    ...gone(before.ports, after.ports)
      .filter((port) => Number(port) < 32_768)
      .map((port) => `port ${port} was open before the reboot, and is not now`),
    ...Object.entries(before.answers)
      .filter(([url, status]) => after.answers[url] !== status)
      .map(([url, status]) => `${url} answered ${status} before the reboot, and ${after.answers[url] ?? "nothing"} now`),
  ];
}
