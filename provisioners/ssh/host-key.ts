// Host keys: pinned by their raw bytes, shown by their SHA256 fingerprint as OpenSSH shows them.
import { createHash } from "node:crypto";

export interface HostKey {
  /** `ssh-ed25519` */
  readonly type: string;
  readonly raw: Buffer;
}

/** The type is part of the raw key: its first string. */
const typeIn = (raw: Buffer): string => (raw.length < 4 ? "" : raw.toString("latin1", 4, 4 + Math.min(raw.readUInt32BE(0), 64)));

export const hostKeyFrom = (raw: Buffer): HostKey => ({ type: typeIn(raw), raw });

/** `ssh-ed25519 AAAA… comment` as in a .pub file; undefined where that is not a key. */
export function parseHostKey(line: string): HostKey | undefined {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  const key = hostKeyFrom(Buffer.from(base64, "base64"));
  return type !== "" && key.type === type ? key : undefined;
}

export const formatHostKey = ({ type, raw }: HostKey): string => `${type} ${raw.toString("base64")}`;

/** `SHA256:…`, what `ssh-keygen -l` prints. */
export const fingerprint = ({ raw }: HostKey): string => `SHA256:${createHash("sha256").update(raw).digest("base64").replace(/=+$/, "")}`;

const known = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256"] as const;
type HostKeyAlgorithm = (typeof known)[number];

/**
 * The signature algorithms to ask for, those of `type` first: a server that has the pinned key then shows that one, and an
 * impostor's key of any other type is still seen, so that it can be named in the error. SHA-1 signatures are never accepted.
 */
export function hostKeyAlgorithms(type = "ssh-ed25519"): HostKeyAlgorithm[] {
  const fits = (algorithm: string) => algorithm === type || (type === "ssh-rsa" && algorithm.startsWith("rsa-"));
  return [...known.filter(fits), ...known.filter((algorithm) => !fits(algorithm))];
}
