// One look at a server's own state: a line a fact, its name and values between tabs. Nothing is changed, nothing of the network is asked but for
// `deep`, which a doctor wants.
import { type Command, lines, sh } from "../../provisioners/engine/shell-quote.ts";
import { shortLength } from "../../provisioners/resources/git.ts";
import { isMap } from "../../spec/path.ts";
import type { FleetServer } from "../fleet-up.ts";

/** Services and checkouts that the stack wants there. */
export function wantedOf({ wants }: Pick<FleetServer, "wants">): {
  readonly services: readonly string[];
  /** Of them, those that are not to run. */
  readonly off: readonly string[];
  readonly checkouts: readonly string[];
} {
  const resources = Object.values(wants).flatMap((each) => Object.entries(each));
  const addresses = resources.map(([address]) => address);
  const of = (kind: string) => [
    ...new Set(addresses.flatMap((each) => (each.startsWith(`${kind}[`) ? each.slice(kind.length + 1, -1) : []))),
  ];
  // Who only has it hear of changes says nothing of whether it runs.
  const says = (unit: string) =>
    resources.flatMap(([address, want]) => (address === `service[${unit}]` && isMap(want) && !want.keep ? [want] : []));
  const off = of("service").filter(
    (unit) => says(unit).length > 0 && says(unit).every(({ running, masked }) => running === false || masked === true),
  );
  return { services: of("service"), off, checkouts: of("git") };
}

const always = sh`printf ${"now\\t%s\\n"} "$(date +%s.%N)"
read -r up rest </proc/uptime; printf ${"up\\t%s\\n"} "$up"
read -r one five rest </proc/loadavg; printf ${"load\\t%s\\t%s\\n"} "$one" "$(nproc)"
while read -r name value rest; do case $name in MemTotal:|MemAvailable:) printf ${"memory\\t%s\\t%s\\n"} "$name" "$value" ;; esac; done </proc/meminfo
df -P -k -x tmpfs -x devtmpfs -x efivarfs 2>/dev/null | while read -r device size used free part place; do
case $size:$place in *[!0-9]*:*|*:/run/*|*:/snap/*|*:/proc/*|*:/boot/efi) ;; *) printf ${"disk\\t%s\\t%s\\t%s\\t%s\\n"} "$place" "$size" "$used" "$free" ;; esac; done
systemctl list-units --failed --plain --no-legend 2>/dev/null | while read -r unit rest; do printf ${"broken\\t%s\\n"} "$unit"; done
if [ -e /run/fleet/holder ] && ! flock -n /run/fleet/lock true; then { read -r pid; read -r since; read -r who; read -r what; } </run/fleet/holder; printf ${"lock\\t%s\\t%s\\t%s\\n"} "$who" "$what" "$since"; fi`;

/** What takes a little longer, and who balances what is named. */
const deep = sh`[ -e /run/reboot-required ] && printf ${"reboot\\t%s\\n"} "$(tr ${"\\n"} ${" "} </run/reboot-required.pkgs 2>/dev/null)"
command -v dpkg >/dev/null && dpkg --audit 2>/dev/null | sed -n ${"s/^ \\([a-z0-9][^ ]*\\).*/package\\t\\1/p"}
names=$(sed -n ${"s/^nameserver[[:space:]]*//p"} /etc/resolv.conf 2>/dev/null | tr ${"\\n"} ${" "})
timeout 5 getent ahosts "$(hostname)" >/dev/null 2>&1 || printf ${"dns\\town\\t%s\\n"} "$(hostname)"
host=$(sed -n ${"s#^\\(deb [^h]*\\|URIs: *\\)https\\{0,1\\}://\\([^/ ]*\\).*#\\2#p"} /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
[ -z "$host" ] || timeout 5 getent ahosts "$host" >/dev/null 2>&1 || printf ${"dns\\t%s\\t%s\\n"} "$host" "$names"
[ -e /run/systemd/container ] || timeout 5 timedatectl show -p CanNTP -p NTP -p NTPSynchronized 2>/dev/null | sed ${"s/^/ntp\\t/"}
if command -v openssl >/dev/null; then
for f in $( (nginx -T 2>/dev/null | sed -n ${"s/^[[:space:]]*ssl_certificate[[:space:]]\\{1,\\}\\([^;]*\\);.*/\\1/p"}; ls /etc/letsencrypt/live/*/fullchain.pem 2>/dev/null) | sort -u); do
[ -r "$f" ] && printf ${"certificate\\t%s\\t%s\\n"} "$f" "$(openssl x509 -noout -enddate -in "$f" 2>/dev/null | sed ${"s/^notAfter=//"})"
done; fi
ls -d /home/*/*.fleet-new /srv/*.fleet-new 2>/dev/null | while read -r f; do printf ${"left\\t%s\\n"} "$f"; done`;

export function lookScript(server: Pick<FleetServer, "wants">, { thorough = false } = {}): Command {
  const { services, checkouts } = wantedOf(server);
  return lines([
    always,
    ...services.map(
      (unit) =>
        sh`printf ${"service\\t%s\\t%s\\t%s\\n"} ${unit} "$(systemctl is-active ${unit} 2>/dev/null)" "$(systemctl is-enabled ${unit} 2>/dev/null)"`,
    ),
    // One that a socket starts need not run.
    ...services
      .filter((unit) => unit.endsWith(".service"))
      .map((unit) => {
        const socket = `${unit.slice(0, -".service".length)}.socket`;
        return sh`enabled=$(systemctl is-enabled ${socket} 2>/dev/null || :)
[ -z "$enabled" ] || printf ${"socket\\t%s\\t%s\\t%s\\n"} ${unit} "$enabled" "$(systemctl is-active ${socket} 2>/dev/null)"`;
      }),
    ...checkouts.map(
      (path) =>
        sh`printf ${"commit\\t%s\\t%s\\n"} ${path} "$(git -c ${`safe.directory=${path}`} -C ${path} log -1 ${`--abbrev=${shortLength}`} --format=${"%h%x09%ct%x09%s"} 2>/dev/null)"
[ ! -f ${`${path}/.git/fleet-deploys`} ] || printf ${"deployed\\t%s\\t%s\\n"} ${path} "$(tail -n 1 ${`${path}/.git/fleet-deploys`})"`,
    ),
    ...(thorough ? [deep] : []),
    sh`exit 0`,
  ]);
}
