// ssh2 makes a cipher for each packet, from the key's bytes. Of bytes Node first makes a key, which takes three times as long as all the rest of
// a small packet: 11 µs against 3. Here each key is made once. Imported before ssh2, which takes Node's functions as they are then: ssh2.ts puts
// them back.
import { createSecretKey, type KeyObject } from "node:crypto";
import { createRequire } from "node:module";

type Make = (algorithm: string, key: unknown, ...more: unknown[]) => unknown;
type Ciphers = { createCipheriv: Make; createDecipheriv: Make };

const crypto = createRequire(import.meta.url)("node:crypto") as Ciphers;
const own: Ciphers = { createCipheriv: crypto.createCipheriv, createDecipheriv: crypto.createDecipheriv };

/** A session's keys go with it. */
const keys = new WeakMap<Buffer, KeyObject>();

function kept(key: unknown): unknown {
  if (!Buffer.isBuffer(key)) return key;
  const made = keys.get(key) ?? createSecretKey(key);
  keys.set(key, made);
  return made;
}

crypto.createCipheriv = (algorithm, key, ...more) => own.createCipheriv(algorithm, kept(key), ...more);
crypto.createDecipheriv = (algorithm, key, ...more) => own.createDecipheriv(algorithm, kept(key), ...more);

/** Everybody else has Node's own. */
export const giveBackCiphers = (): void => void Object.assign(crypto, own);
