// fleet:index:OwnHostKey: a server that was given its first host key makes one of its own at the first connection. The given one went
// through user data, where others can read it; from then on it is refused.

import { type Connection, HostError } from "../engine/shell.ts";
import { sh } from "../engine/shell-quote.ts";
import { fingerprint, parseHostKey } from "../ssh/host-key.ts";
import type { Context } from "./context.ts";
import type { Call, Resource } from "./resource.ts";
import { unknown } from "./wire.ts";

export interface OwnHostKeyInputs {
  readonly name: string;
  /** With the given host key. */
  readonly connection: Connection;
}

export interface OwnHostKeyOutputs extends OwnHostKeyInputs {
  /** `ssh-ed25519 AAAA…`: what the server made itself. */
  readonly hostKey: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
}

/**
 * The private key never leaves the server. Every other host key goes with the given one: a key of another type may have been in the image.
 * Running connections stay. Prints the new public key.
 */
const rotation = sh`set -eu
umask 077
cd /etc/ssh
ssh-keygen -q -t ed25519 -N '' -C "$(hostname)" -f .fleet_host_key <<'END'
y
END
for old in ssh_host_*_key; do [ "$old" = ssh_host_ed25519_key ] || rm -f -- "$old" "$old.pub"; done
chmod 644 .fleet_host_key.pub
cat .fleet_host_key.pub
mv -f .fleet_host_key.pub ssh_host_ed25519_key.pub
mv -f .fleet_host_key ssh_host_ed25519_key
sshd=$(command -v sshd || echo /usr/sbin/sshd)
"$sshd" -t
systemctl reload ssh.service 2>/dev/null || systemctl reload sshd.service`;

export function ownHostKeyResource(context: Context): Resource<OwnHostKeyInputs, OwnHostKeyOutputs> {
  return {
    // Another address or login is the same server; another given key means that it was made anew.
    diff: ({ outputs }, news) => (outputs.connection.hostKey === news.connection.hostKey ? {} : { connection: "update-replace" }),
    async create(inputs, call, preview) {
      const planned = { ...inputs, hostKey: unknown, fingerprint: unknown };
      return { id: inputs.name, outputs: preview ? planned : await rotate(context, inputs, call) };
    },
    read: async (_id, old) => old,
    update: async (_id, { outputs }, news) => ({ ...outputs, ...news }),
    delete: async () => {},
  };
}

async function rotate(context: Context, inputs: OwnHostKeyInputs, call: Call): Promise<OwnHostKeyOutputs> {
  const { connection } = inputs;
  const shell = await context.reach(connection, call, { boot: true, fresh: true });
  // cloud-init makes and removes host keys too: it has to be through with that.
  await shell.run(sh`if command -v cloud-init >/dev/null; then timeout 600 cloud-init status --wait >/dev/null; fi`, {
    signal: call.signal,
  });
  const { code, stdout, stderr } = await shell.run(rotation);
  const key = parseHostKey(stdout.toString("utf8"));
  if (code !== 0 || key === undefined)
    throw new HostError(connection.name, "not-ready", `expected a host key of its own, got exit code ${code}: ${stderr.trim()}`);
  const hostKey = stdout.toString("utf8").trim().split(" ").slice(0, 2).join(" ");
  // Only what is seen from here counts.
  await context.reach({ ...connection, hostKey }, call, { boot: true, fresh: true });
  await shell.close();
  call.log(
    "info",
    `${connection.name}: made its own host key ${fingerprint(key)}; the one that it was started with is refused from now on`,
  );
  return { ...inputs, hostKey, fingerprint: fingerprint(key) };
}
