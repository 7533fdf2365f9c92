// Secrets of a stack file that is written anew: encrypted here, so that no engine need be asked for each.
import { encrypted, freshSalt } from "../../pulumi/passphrase.ts";
import type { Encryption } from "./stack-file.ts";

/** As Pulumi's own passphrase manager encrypts, under a salt of the stack's own. */
export async function encryptionBy(passphrase: string): Promise<Encryption> {
  const { salt, key } = await freshSalt(passphrase);
  // The same text gives the same secret for as long as the file is being made.
  const known = new Map<string, string>();
  return {
    salt,
    encrypt(value) {
      const cipher = known.get(value) ?? encrypted(key, value);
      known.set(value, cipher);
      return cipher;
    },
  };
}
