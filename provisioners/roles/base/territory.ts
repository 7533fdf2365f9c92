// Places that every server has, whatever else runs there: who may log in and become root, what the kernel and the package manager read.
import type { Facts } from "../../engine/facts.ts";
import type { Territory } from "../role.ts";
import { cronFile, limitsFile, modulesFile, sysusersFile, udevFile } from "./validators.ts";

export const sshdUnit = ({ packageManager }: Facts): string => (packageManager === "dnf" ? "sshd.service" : "ssh.service");

/** Each ends with an error for what it can't read: options, sources and pins; options of dpkg. */
const packageSettings = "apt-config dump > /dev/null && apt-cache policy > /dev/null && dpkg --print-architecture > /dev/null";

/** A service of systemd's own, which reads its settings at its start. */
const ofSystemd = (name: string): Territory => ({
  name,
  paths: [`/etc/systemd/${name}.conf`, `/etc/systemd/${name}.conf.d`],
  unit: `systemd-${name}.service`,
  hears: "restart",
});

export const baseTerritory: readonly Territory[] = [
  // It may come by a socket: then it does not run, and only its files are checked.
  { name: "sshd", paths: ["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"], unit: sshdUnit, validate: "sshd -t" },
  { name: "sudoers", paths: ["/etc/sudoers", "/etc/sudoers.d"], validate: "visudo -cq", validateFile: "visudo -cf %s", mode: "0440" },
  // Live as soon as they are there: its kind sees to that.
  { name: "sysctl", paths: ["/etc/sysctl.conf", "/etc/sysctl.d"] },
  {
    name: "apt-settings",
    paths: ["/etc/apt", "/etc/dpkg"],
    validate: packageSettings,
    beforePackages: true,
  },
  {
    name: "apt",
    paths: ["/etc/apt/sources.list", "/etc/apt/sources.list.d"],
    validate: packageSettings,
    run: "apt-get -q update --error-on=any",
    beforePackages: true,
  },
  { name: "dnf", paths: ["/etc/dnf", "/etc/yum.repos.d"], validate: "dnf -q repolist > /dev/null", beforePackages: true },
  { name: "fstab", paths: ["/etc/fstab"], validateFile: "findmnt --verify --tab-file %s", run: "systemctl daemon-reload" },
  { name: "hostname", paths: ["/etc/hostname"], run: "hostname -F /etc/hostname", instead: ["command[hostname]"] },
  {
    name: "tmpfiles",
    paths: ["/etc/tmpfiles.d"],
    validateFile: "systemd-tmpfiles --create --prefix=/nonexistent %s",
    run: 'for file in /etc/tmpfiles.d/*.conf; do [ ! -e "$file" ] || systemd-tmpfiles --create "$file"; done',
  },
  { name: "cron", paths: ["/etc/crontab", "/etc/cron.d"], validateFile: cronFile },
  { name: "limits", paths: ["/etc/security/limits.conf", "/etc/security/limits.d"], validateFile: limitsFile },
  {
    name: "modules",
    paths: ["/etc/modules-load.d"],
    validateFile: modulesFile,
    run: '[ ! -e "/lib/modules/$(uname -r)/modules.dep" ] || systemctl restart systemd-modules-load.service',
  },
  { name: "sysusers", paths: ["/etc/sysusers.d"], validateFile: sysusersFile },
  {
    name: "udev",
    paths: ["/etc/udev/rules.d"],
    validateFile: udevFile,
    run: "! command -v udevadm > /dev/null || ! [ -S /run/udev/control ] || udevadm control --reload",
  },
  { name: "systemd-settings", paths: ["/etc/systemd/system.conf", "/etc/systemd/system.conf.d"], run: "systemctl daemon-reload" },
  ofSystemd("journald"),
  ofSystemd("timesyncd"),
  ofSystemd("resolved"),
  {
    name: "rsyslog",
    paths: ["/etc/rsyslog.conf", "/etc/rsyslog.d"],
    unit: "rsyslog.service",
    hears: "restart",
    validate: "! command -v rsyslogd > /dev/null || rsyslogd -N1",
  },
  {
    name: "logrotate",
    paths: ["/etc/logrotate.d"],
    validate: "! command -v logrotate > /dev/null || ! logrotate -d /etc/logrotate.conf 2>&1 | grep -E '^error: [^ ]+:[0-9]+ '",
  },
  // One that can't be read ends every login shell that is no bash.
  { name: "profile", paths: ["/etc/profile", "/etc/profile.d"], validateFile: "case %s in *.csh*) ;; *) bash -n %s ;; esac" },
  { name: "chrony", paths: ["/etc/chrony"], unit: "chrony.service", hears: "restart" },
  // Live at once, so that what shuts the server out shows while somebody is there to see it, and not at the next boot.
  {
    name: "networkd",
    paths: ["/etc/systemd/network"],
    run: "! systemctl is-active -q systemd-networkd.service || { networkctl reload && sleep 1; }",
  },
  {
    name: "netplan",
    paths: ["/etc/netplan"],
    validate: "! command -v netplan > /dev/null || netplan generate",
    run: "! command -v netplan > /dev/null || { netplan apply && sleep 1; }",
    mode: "0600",
  },
  {
    name: "nftables",
    paths: ["/etc/nftables.conf"],
    unit: "nftables.service",
    validateFile: "! command -v nft > /dev/null || nft -c -f %s",
    live: "nftables",
  },
];
