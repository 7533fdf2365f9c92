// Opens the secrets of a state that a passphrase protects, as Pulumi's own passphrase manager does.
import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { UserError } from "../spec/problem.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Pulumi's own two ways to give it; undefined where it would have to ask. */
export function passphraseIn(env: Environment): string | undefined {
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined) return env.PULUMI_CONFIG_PASSPHRASE;
  return env.PULUMI_CONFIG_PASSPHRASE_FILE === undefined ? undefined : readFileSync(env.PULUMI_CONFIG_PASSPHRASE_FILE, "utf8").trim();
}

/** Of Pulumi's two ways to give one, that which counts. */
export const givenBy = (env: Environment): string | undefined =>
  ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"].find((name) => env[name] !== undefined);

/** None, or another one: every command says it so. */
export function refusedPassphrase(stack: string, env: Environment = process.env): UserError {
  const variable = givenBy(env);
  const next = variable?.endsWith("_FILE") ? "<a file that holds the stack's own>" : "<the stack's own>";
  return new UserError(
    `${stack}: expected the passphrase that stacks/Pulumi.${stack}.yaml is encrypted with, got ${variable ? `another one by ${variable}` : "none"}; ` +
      `next: export ${variable ?? "PULUMI_CONFIG_PASSPHRASE"}=${next}`,
  );
}

const rounds = 1_000_000;
const keyLength = 32;
const tagLength = 16;
const saltLength = 8;
const nonceLength = 12;
/** What Pulumi encrypts beside the salt, to tell a wrong passphrase. */
const proof = "pulumi";

/** @param salt as the state has it: `v1:<salt>:v1:<nonce>:<proof>`. @returns undefined where the passphrase is another one */
export async function unlock(salt: string, passphrase: string): Promise<Buffer | undefined> {
  const [version, bytes = "", ...check] = salt.split(":");
  if (version !== "v1") return undefined;
  const key = await keyFor(Buffer.from(bytes, "base64"), passphrase);
  try {
    return decrypted(key, check.join(":")) === proof ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The key by the first of these passphrases that opens it. */
export async function unlockByAny(salt: string, passphrases: readonly (string | undefined)[]): Promise<Buffer | undefined> {
  for (const passphrase of new Set(passphrases)) {
    const key = passphrase === undefined ? undefined : await unlock(salt, passphrase);
    if (key) return key;
  }
  return undefined;
}

/** A sixth of a second each, and a command asks for the same one several times. */
const made = new Map<string, Promise<Buffer>>();

function keyFor(salt: Buffer, passphrase: string): Promise<Buffer> {
  const of = `${salt.toString("base64")} ${passphrase}`;
  const key = made.get(of) ?? promisify(pbkdf2)(passphrase, salt, rounds, keyLength, "sha256");
  made.set(of, key);
  return key;
}

/** For a stack that is new: what its file has as `encryptionsalt`, and the key of its secrets. */
export async function freshSalt(passphrase: string): Promise<{ readonly salt: string; readonly key: Buffer }> {
  const bytes = randomBytes(saltLength);
  const key = await keyFor(bytes, passphrase);
  return { salt: `v1:${bytes.toString("base64")}:${encrypted(key, proof)}`, key };
}

/** @returns `v1:<nonce>:<data>` */
export function encrypted(key: Buffer, text: string): string {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const data = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString("base64")}:${data.toString("base64")}`;
}

/** @param text `v1:<nonce>:<data>`. Throws where it was encrypted with another key */
export function decrypted(key: Buffer, text: string): string {
  const [, nonce = "", data = ""] = text.split(":");
  const bytes = Buffer.from(data, "base64");
  const cipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
  cipher.setAuthTag(bytes.subarray(-tagLength));
  return cipher.update(bytes.subarray(0, -tagLength), undefined, "utf8") + cipher.final("utf8");
}
