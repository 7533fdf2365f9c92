// The fleet of a stack file with its secrets in the clear, as the program gets it: also where the backend has no such stack any more.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stacksFolder } from "../provisioners/project.ts";
import { isMap, valueAt } from "../spec/path.ts";
import { UserError } from "../spec/problem.ts";
import { fleetKey } from "../spec/secrets.ts";
import { readYaml } from "../spec/yaml-source.ts";
import { ask } from "./command.ts";
import { decrypted, passphraseIn, refusedPassphrase, unlock } from "./passphrase.ts";

/** @param own a passphrase that the stack's target brings. Throws a UserError where the passphrase is missing or another one, and where a secret was copied from another stack. */
export async function openFleet(stack: string, own?: string): Promise<unknown> {
  const { value } = readYaml(readFileSync(join(stacksFolder, `Pulumi.${stack}.yaml`), "utf8"));
  const fleet = valueAt(value, ["config", fleetKey]);
  if (!hasSecret(fleet)) return fleet;
  const salt = valueAt(value, ["encryptionsalt"]);
  if (typeof salt !== "string") return await byEngine(stack);
  const key = await keyOf(stack, salt, own);
  try {
    return withSecrets(fleet, key);
  } catch {
    throw new UserError(
      `stacks/Pulumi.${stack}.yaml: expected secrets that were written with its \`encryptionsalt\`, got one of another stack or salt; ` +
        "next: write it again by pulumi config set --secret",
    );
  }
}

const isSecret = (value: unknown): value is { readonly secure: string } => isMap(value) && typeof value.secure === "string";

const hasSecret = (value: unknown): boolean =>
  isSecret(value) || (Array.isArray(value) ? value.some(hasSecret) : isMap(value) && Object.values(value).some(hasSecret));

async function keyOf(stack: string, salt: string, own: string | undefined): Promise<Buffer> {
  const passphrase = passphraseIn(process.env) ?? own;
  const key = passphrase === undefined ? undefined : await unlock(salt, passphrase);
  if (key) return key;
  throw refusedPassphrase(stack);
}

export function withSecrets(value: unknown, key: Buffer): unknown {
  if (isSecret(value)) return decrypted(key, value.secure);
  if (Array.isArray(value)) return value.map((each) => withSecrets(each, key));
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withSecrets(each, key)])) : value;
}

/** Another secrets provider than a passphrase: only the engine knows it, and only for a stack that its backend has. */
async function byEngine(stack: string): Promise<unknown> {
  const all = JSON.parse(await ask(undefined, ["config", "--show-secrets", "--json", "--stack", stack]));
  return all[fleetKey]?.objectValue;
}
