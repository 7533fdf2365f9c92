// Does a password belong to what mysql.user keeps of it? Told without sending the password anywhere.
import { createHash } from "node:crypto";

const digest = (algorithm: "sha1" | "sha256", ...parts: readonly (Buffer | string)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash(algorithm)).digest();

/** mysql_native_password: `*` and SHA1(SHA1(password)) in hex. */
export const nativeHash = (password: string): string => `*${digest("sha1", digest("sha1", password)).toString("hex").toUpperCase()}`;

/** @param stored the bytes of `authentication_string` */
export function passwordFits(password: string, plugin: string, stored: Buffer): boolean {
  if (plugin === "mysql_native_password") return stored.toString("latin1").toUpperCase() === nativeHash(password);
  // $A$005$ (thousands of rounds, hex), 20 bytes of salt, 43 of hash.
  const rounds = /^\$A\$([0-9A-F]{3})\$/.exec(stored.toString("latin1"))?.[1];
  if (plugin !== "caching_sha2_password" || rounds === undefined || stored.length !== 70) return false;
  return stored.subarray(27).toString("latin1") === sha256Crypt(password, stored.subarray(7, 27), Number.parseInt(rounds, 16) * 1000);
}

/** The hash part of crypt(3)'s `$5$`, by Ulrich Drepper's specification of 2007, with a salt of any length as MySQL has it. */
export function sha256Crypt(password: string, salt: Buffer, rounds: number): string {
  const key = Buffer.from(password);
  const alternate = digest("sha256", key, salt, key);
  const bits = [...key.length.toString(2)].reverse().map((bit) => (bit === "1" ? alternate : key));
  let hash = digest("sha256", key, salt, repeated(alternate, key.length), ...(key.length === 0 ? [] : bits));
  const p = repeated(digest("sha256", ...Array<Buffer>(key.length).fill(key)), key.length);
  const s = repeated(digest("sha256", ...Array<Buffer>(16 + hash[0]!).fill(salt)), salt.length);
  for (let round = 0; round < rounds; round++) {
    const odd = round % 2 === 1;
    hash = digest("sha256", odd ? p : hash, ...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p]), odd ? hash : p);
  }
  return encode(hash);
}

const repeated = (block: Buffer, length: number): Buffer => Buffer.alloc(length, block.length > 0 && length > 0 ? block : 0);

const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const letters = (value: number, count: number): string =>
  Array.from({ length: count }, (_, at) => alphabet[(value >> (6 * at)) & 63]).join("");

/** crypt's own base64: triples of bytes in an order of its own. */
function encode(hash: Buffer): string {
  const byte = (at: number): number => hash[at % 30]!;
  const triples = Array.from({ length: 10 }, (_, at) => (at * 21) % 30).map((at) =>
    letters((byte(at) << 16) | (byte(at + 10) << 8) | byte(at + 20), 4),
  );
  return triples.join("") + letters((hash[31]! << 8) | hash[30]!, 3);
}
