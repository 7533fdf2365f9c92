// The ways by which the fleet comes in, and which change of a server may shut them. The one place that says so: no kind and no role does.
import { isBelow } from "../resources/address-path.ts";
import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { edges } from "./order.ts";
import type { Change } from "./plan.ts";

export interface Door {
  /** For people: `sshd`. */
  readonly name: string;
  /** Files, and folders with all that lies below. */
  readonly paths?: readonly string[];
  /** Places among those that nobody comes in by. */
  readonly but?: readonly string[];
  /** With their drop-ins and their own files below /etc/systemd/system. */
  readonly units?: readonly string[];
  /** Shell text: what no file holds (the rules in force), into files of the working directory. */
  readonly save?: string;
  /** Shell text: makes the files that are back count, and brings back what `save` kept. Not at a boot, where all of it starts by itself. */
  readonly back?: string;
}

const sshUnits = ["ssh.service", "sshd.service", "ssh.socket", "sshd.socket"];

export const doors: readonly Door[] = [
  {
    name: "sshd",
    paths: ["/etc/ssh", "/etc/default/ssh", "/etc/hosts.allow", "/etc/hosts.deny"],
    but: ["/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d", "/etc/ssh/ssh_known_hosts"],
    units: sshUnits,
    // Sessions outlive both. A socket takes its port anew only while nothing of its service holds it; who reverts may come in by it no more, so
    // that nothing else would start the service again.
    back: `for unit in ssh sshd; do
  if systemctl is-active -q "$unit.service"; then ran=yes; else ran=no; fi
  if systemctl is-active -q "$unit.socket"; then systemctl stop "$unit.service"; systemctl restart "$unit.socket"; fi
  if [ "$ran" = yes ]; then systemctl reset-failed "$unit.service"; systemctl restart "$unit.service"; fi
done 2> /dev/null`,
  },
  { name: "sudo", paths: ["/etc/sudoers", "/etc/sudoers.d", "/etc/sudo.conf"] },
  {
    name: "logins",
    paths: [
      ...["/etc/pam.conf", "/etc/pam.d", "/etc/security", "/etc/nsswitch.conf", "/etc/nologin", "/etc/environment"],
      ...["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/bash.bashrc"],
    ],
    units: ["nscd.service", "sssd.service", "fail2ban.service"],
  },
  {
    name: "firewall",
    paths: ["/etc/nftables.conf", "/etc/nftables.d", "/etc/nftables", "/etc/iptables", "/etc/ufw", "/etc/default/ufw", "/etc/firewalld"],
    units: ["nftables.service", "netfilter-persistent.service", "iptables.service", "ufw.service", "firewalld.service"],
    // What iptables' own extensions made is shown by nft, and not taken by it.
    save: `{ echo 'flush ruleset'; nft list ruleset; } >rules 2>/dev/null && nft -c -f rules 2>/dev/null || rm -f rules
if [ ! -e rules ]; then
  for each in iptables ip6tables; do if command -v "$each-save" >/dev/null; then "$each-save" >"$each" || rm -f "$each"; fi; done
fi`,
    back: `[ ! -e rules ] || nft -f rules
for each in iptables ip6tables; do [ ! -e "$each" ] || "$each-restore" <"$each"; done`,
  },
  {
    name: "network",
    paths: ["/etc/systemd/network", "/etc/systemd/networkd.conf", "/etc/netplan", "/etc/network", "/etc/NetworkManager"],
    units: ["systemd-networkd.service", "systemd-networkd.socket", "networking.service", "NetworkManager.service"],
    save: `ip -o addr show scope global >addresses
ip -4 route show >routes-4
ip -6 route show >routes-6`,
    back: `if systemctl is-active -q systemd-networkd.service; then
  networkctl reload
  for each in $(awk '{ print $2 }' addresses | sort -u); do networkctl reconfigure "$each"; done
fi
if command -v netplan >/dev/null; then netplan apply; fi
# What nothing brings back by itself.
ip -o addr show scope global | while read -r _ dev family address _; do
  grep -q " $dev .* $address " addresses || ip addr del "$address" dev "$dev"
done
while read -r _ dev family address _; do
  ip -o addr show dev "$dev" | grep -q " $address " || ip addr add "$address" dev "$dev"
done <addresses
for family in 4 6; do while read -r line; do ip -"$family" route replace $line; done <routes-$family; done`,
  },
];

/** A service and the socket that starts it stand and fall together. */
export const unitsAt = (unit: string): readonly string[] => [
  unit,
  ...(unit.endsWith(".service") ? [unit.replace(/\.service$/, ".socket")] : []),
];

/** Below a home: who may come in by a key, and what every login runs. */
const loginFiles = [".ssh", ".bashrc", ".bash_profile", ".profile", ".pam_environment"];

/** Which door a want is of, for a fleet that comes in as `user`. Root is the second half of every way in. */
export function doorOf(address: Address, want: Common, user: string): string | undefined {
  const { paths = [], users = [], units = [] } = kindOf(address).kind.touches(want);
  const ways = new Set(["root", user]);
  if (users.some((each) => ways.has(each))) return "logins";
  const found = doors.find((door) => paths.some((path) => isWay(path, door)) || units.some((unit) => door.units?.includes(unit)));
  if (found) return found.name;
  return paths.some((path) => [...ways].some((each) => isLogin(path, each))) ? "logins" : undefined;
}

const isWay = (path: string, { paths = [], but = [], units = [] }: Door): boolean =>
  (paths.some((of) => isBelow(path, of)) && !but.some((of) => isBelow(path, of))) || units.some((unit) => isOfUnit(path, unit));

const isOfUnit = (path: string, unit: string): boolean =>
  ["/etc/systemd/system", "/run/systemd/system"].some(
    (folder) => isBelow(path, `${folder}/${unit}`) || isBelow(path, `${folder}/${unit}.d`),
  );

/** A home is called like its user, wherever it lies. Its own mode counts: sshd takes no keys out of one that others may write to. */
const isLogin = (path: string, user: string): boolean =>
  path === `/home/${user}` ||
  (user === "root" && path === "/root") ||
  loginFiles.some((file) => isBelow(path, user === "root" ? `/root/${file}` : `${homeAbove(path, user)}/${file}`));

function homeAbove(path: string, user: string): string {
  const at = path.indexOf(`/${user}/.`);
  return at < 0 ? `/home/${user}` : path.slice(0, at + user.length + 1);
}

export interface Sorted {
  readonly changes: readonly Change[];
  /** Index of the first change of a door in them: it and all after it go back where nobody gets in any more. None: their number. */
  readonly from: number;
  /** The doors' names, each once. */
  readonly names: readonly string[];
}

/**
 * Changes of doors last, so that the time in which they are unconfirmed is short, and packages and builds are not in it. What waits for one stays
 * after it.
 */
export function doorsLast(changes: readonly Change[], wantOf: (address: Address) => Common | undefined, user: string): Sorted {
  const nameOf = (address: Address): string | undefined => {
    const want = wantOf(address);
    return want && doorOf(address, want, user);
  };
  const names = new Set(changes.flatMap(({ address }) => nameOf(address) ?? []));
  const doorsAmong = new Set(changes.map(({ address }) => address).filter((address) => nameOf(address) !== undefined));
  const known = new Map<Address, boolean>();
  /** Also by way of what does not change itself. */
  const waits = (address: Address): boolean => {
    const told = known.get(address);
    if (told !== undefined) return told;
    known.set(address, doorsAmong.has(address));
    const does = doorsAmong.has(address) || edges(address, wantOf(address) ?? {}).some(waits);
    known.set(address, does);
    return does;
  };
  const held = new Set(changes.filter(({ address, owes = [] }) => [address, ...owes].some(waits)).map(({ address }) => address));
  const [open, guarded] = [changes.filter(({ address }) => !held.has(address)), changes.filter(({ address }) => held.has(address))];
  return { changes: [...open, ...guarded], from: open.length, names: [...names] };
}
