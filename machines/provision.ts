// The files, users and keys that make an image this machine and no other, written from inside its root: a link that was
// made there must not lead out of it.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Command, lines, Secret, sh, withInput } from "../provisioners/engine/shell-quote.ts";
import { loginUser, MachineError, type MachineSpec } from "./machine.ts";
import { run } from "./run.ts";
import { gateway, parseSubnet } from "./subnet.ts";

export interface RootFile {
  readonly path: string;
  readonly content: string;
  readonly mode?: string;
}

/** A link with a fixed address. `match` tells systemd-networkd which one it is. */
export const linkFile = (name: string, match: string, address: string, gateway?: string): RootFile => ({
  path: `/etc/systemd/network/10-${name}.network`,
  content: `[Match]
${match}

[Network]
Address=${address}
${gateway ? `Gateway=${gateway}\n` : ""}LinkLocalAddressing=no
IPv6AcceptRA=no
`,
});

/** The one link of a container. */
const bridged = ({ address, subnet }: MachineSpec): RootFile[] => {
  const parsed = parseSubnet(subnet)!;
  return [linkFile("host0", "Name=host0", `${address}/${parsed.prefix}`, gateway(parsed))];
};

const sshd = ({ users = [] }: MachineSpec): string => `PermitRootLogin prohibit-password
PasswordAuthentication ${users.length > 0 ? "yes" : "no"}
UseDNS no
`;

function sudoers({ users = [] }: MachineSpec): string {
  const rule = { free: "ALL=(ALL:ALL) NOPASSWD: ALL", password: "ALL=(ALL:ALL) ALL", none: undefined };
  const all = [{ name: loginUser, sudo: "free" as const }, ...users];
  return all.flatMap(({ name, sudo = "free" }) => (rule[sudo] ? [`${name} ${rule[sudo]}\n`] : [])).join("");
}

export const rootFiles = (spec: MachineSpec, links: readonly RootFile[] = bridged(spec)): RootFile[] => [
  { path: "/etc/hostname", content: `${spec.name}\n` },
  { path: "/etc/hosts", content: `127.0.0.1 localhost\n127.0.1.1 ${spec.name}\n::1 localhost ip6-localhost ip6-loopback\n` },
  ...links,
  { path: "/etc/ssh/sshd_config.d/10-practice.conf", content: sshd(spec) },
  { path: "/etc/sudoers.d/practice", content: sudoers(spec), mode: "0440" },
];

/** `put PATH MODE`: a new file with what comes on standard input. No /dev/stdin here: nothing is mounted in the root. */
export const put = sh`put() { mkdir -p "$(dirname "$1")"; rm -f -- "$1"; cat >"$1"; chmod "$2" "$1"; }`;

export const putFile = ({ path, content, mode = "0644" }: RootFile): Command => withInput(sh`put ${path} ${mode}`, content);

const users = ({ users = [], authorizedKey }: MachineSpec): Command[] => {
  const directory = `/home/${loginUser}/.ssh`;
  const add = (user: string) => sh`id -u ${user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash ${user}`;
  const passwords = new Secret(users.map(({ name, password }) => `${name}:${password}\n`).join(""));
  return [
    ...[loginUser, ...users.map(({ name }) => name)].map(add),
    ...(users.length > 0 ? [withInput(sh`chpasswd`, passwords)] : []),
    sh`install -d -m 700 -o ${loginUser} -g ${loginUser} ${directory}`,
    putFile({ path: `${directory}/authorized_keys`, content: `${authorizedKey}\n`, mode: "0600" }),
    sh`chown ${`${loginUser}:${loginUser}`} ${`${directory}/authorized_keys`}`,
  ];
};

/** A key that the package ssl-cert made in a layer would be every machine's: made anew, once a machine, for its own name. */
const ownCertificate = (name: string): Command => sh`if [ -e /etc/ssl/private/ssl-cert-snakeoil.key ]; then
unshare --uts -- /bin/sh -c 'hostname "$0"; make-ssl-cert generate-default-snakeoil --force-overwrite' ${name} >&2
fi`;

export const hostKeyFile = "/etc/ssh/ssh_host_ed25519_key";

/** All of it can be run again at any time. Prints the host key's public half. */
export const provisionScript = (spec: MachineSpec, links: readonly RootFile[] = bridged(spec)): Command =>
  lines([
    ...rootFiles(spec, links).map(putFile),
    // An empty one would make systemd take this for a first boot, and set every unit back to its preset.
    sh`[ -s /etc/machine-id ] || { ${ownCertificate(spec.name)}\n${putFile({ path: "/etc/machine-id", content: `${randomBytes(16).toString("hex")}\n`, mode: "0444" })}\n}`,
    ...users(spec),
    // ssh-keygen writes the public half last.
    sh`[ -s ${`${hostKeyFile}.pub`} ] || { rm -f ${hostKeyFile}; ssh-keygen -q -t ed25519 -N '' -C '' -f ${hostKeyFile}; }`,
    sh`cat ${`${hostKeyFile}.pub`}`,
  ]);

const mark = "# From the computer that runs this practice machine.";

/** A file that a role or a person put there (not ours, not missing) stays. */
export const resolverScript = (
  servers: string,
): Command => sh`if [ ! -e /etc/resolv.conf ] || [ "$(head -n 1 /etc/resolv.conf)" = ${mark} ]; then
${putFile({ path: "/etc/resolv.conf", content: `${mark}\n${servers}` })}
fi`;

/** What the machine resolves names with: this computer's servers, past a local stub that only this computer can ask. */
async function resolver(): Promise<string> {
  for (const path of ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]) {
    const text = await readFile(path, "utf8").catch(() => "");
    const servers = [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server]) => server!);
    if (servers.some((server) => !/^(?:127\.|::1$)/.test(server))) return text.endsWith("\n") ? text : `${text}\n`;
  }
  throw new MachineError(
    "`/etc/resolv.conf`: expected a name server that machines can ask, got local ones alone; name the network's own there",
  );
}

const inside = (root: string, script: Command): Promise<string> =>
  run("chroot", [root, "/bin/sh"], { input: lines([sh`set -eu`, put, script]).text });

/** At each start: this computer may have moved to another network. */
export const refresh = async (root: string): Promise<string> => inside(root, resolverScript(await resolver()));

/** At creation and after a change of the spec. Returns the host key: `ssh-ed25519 AAAA…`. */
export async function provision(root: string, spec: MachineSpec): Promise<string> {
  const output = await inside(root, provisionScript(spec));
  const [publicKey] = /^ssh-ed25519 [A-Za-z0-9+/=]+/.exec(output) ?? [];
  if (!publicKey)
    throw new MachineError(
      `${spec.name}: expected a host key from ssh-keygen, got \`${output.slice(0, 80)}\`; destroy the machine and make it again`,
    );
  return publicKey;
}
