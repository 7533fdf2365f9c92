// Secrets of a stack file that is written anew: encrypted here, so that no engine need be asked for each.
import { encrypted, freshSalt, unlock } from "../../pulumi/passphrase.ts";
import type { Encryption } from "./stack-file.ts";

/** As Pulumi's own passphrase manager encrypts, under a salt of the stack's own. */
export async function encryptionBy(passphrase: string): Promise<Encryption> {
  const { salt, key } = await freshSalt(passphrase);
  return { salt, encrypt: (value) => encrypted(key, value) };
}

/** Under the salt that the stack has. Undefined where the passphrase is another one. */
export async function encryptionOf(salt: string, passphrase: string): Promise<Encryption | undefined> {
  const key = await unlock(salt, passphrase);
  return key && { salt, encrypt: (value) => encrypted(key, value) };
}
