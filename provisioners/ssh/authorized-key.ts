// What sshd takes in authorized_keys, judged line by line: a key that it takes, one that it would only ignore, or no key at all.
import { hostKeyFrom } from "./host-key.ts";

export type Judged =
  /** `ssh-ed25519 AAAA…`, without its comment. */
  | { readonly key: string }
  /** A key, but none that sshd lets anybody in with: it is left out, and said. */
  | { readonly useless: string }
  | { readonly noKey: true };

/** The fields of each type's blob behind its name, as RFC 4253, 5656, 8709 and OpenSSH's PROTOCOL.u2f have them; a number is its length in bytes. */
const shapes: Readonly<Record<string, readonly (number | "any")[]>> = {
  "ssh-ed25519": [32],
  "ssh-rsa": ["any", "any"],
  "ecdsa-sha2-nistp256": [8, 65],
  "ecdsa-sha2-nistp384": [8, 97],
  "ecdsa-sha2-nistp521": [8, 133],
  "sk-ssh-ed25519@openssh.com": [32, "any"],
  "sk-ecdsa-sha2-nistp256@openssh.com": [8, 65, "any"],
};

export function judgeKeyLine(line: string): Judged {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  const { type: inside, raw } = hostKeyFrom(Buffer.from(base64, "base64"));
  if (type === "" || inside !== type || !/^[A-Za-z0-9+/]+=*$/.test(base64)) return { noKey: true };
  if (type.includes("-cert-v"))
    return { useless: "a certificate, which sshd takes from a connection and not from a list; its own key counts" };
  const shape = shapes[type];
  if (shape === undefined) return { useless: "of a type that sshd no longer takes, or that is not known here" };
  if (!fits(raw, shape)) return { noKey: true };
  return { key: `${type} ${base64}` };
}

function fits(raw: Buffer, shape: readonly (number | "any")[]): boolean {
  let at = 4 + raw.readUInt32BE(0);
  for (const size of shape) {
    if (at + 4 > raw.length) return false;
    const length = raw.readUInt32BE(at);
    if (length === 0 || (size !== "any" && length !== size)) return false;
    at += 4 + length;
  }
  return at === raw.length;
}
