// What the file of an adopted stack says of its servers, with the secrets in the clear.
import { readFileSync } from "node:fs";
import { targetOf } from "../../components/targets/targets.ts";
import { login } from "../../provisioners/logins.ts";
import { planOf } from "../../provisioners/stack.ts";
import { openFleet } from "../../pulumi/open-fleet.ts";
import { passphraseIn, refusedPassphrase } from "../../pulumi/passphrase.ts";
import { isMap, valueAt } from "../../spec/path.ts";
import { UserError } from "../../spec/problem.ts";
import { secretAt, secretRefsIn } from "../../spec/secrets.ts";
import { readYaml } from "../../spec/yaml-source.ts";
import type { AgainWish } from "./again.ts";
import { showKey } from "./reach.ts";
import { encryptionOf } from "./secrets.ts";
import { placesOf } from "./write.ts";

/** Throws a UserError where it is no stack of servers that were handed out, or its secrets can't be opened. */
export async function adoptedStack(stack: string): Promise<Omit<AgainWish, "commit">> {
  const { spec } = planOf(stack);
  if (!targetOf(spec).lent) throw new UserError(`${stack}: expected servers that were handed out, got a stack that makes its own`);
  const behind = Object.keys(spec.servers).find((name) => spec.servers[name]!.jump !== undefined);
  if (behind !== undefined) throw new UserError(`${stack}: expected servers that are reached directly, got ${behind} behind a jump host`);
  const fleet = await openFleet(stack);
  const text = (written: string): string => {
    const [path] = secretRefsIn(written);
    return path === undefined ? written : secretAt(fleet, path, stack);
  };
  const ways = await Promise.all(
    Object.entries(spec.servers).map(async ([name, server]) => {
      const way = login(name, server, text);
      const { privateAddress } = server;
      return { ...way, ...(privateAddress && { privateAddress }), hostKey: server.hostKey ?? (await showKey(way)).hostKey };
    }),
  );
  const secrets = valueAt(fleet, ["secrets"]);
  return { stack, ways, secrets: isMap(secrets) ? (secrets as Readonly<Record<string, string>>) : {}, encryption: await encryption(stack) };
}

async function encryption(stack: string) {
  const salt = valueAt(readYaml(readFileSync(placesOf(stack).stackFile, "utf8")).value, ["encryptionsalt"]);
  const found = typeof salt === "string" ? await encryptionOf(salt, passphraseIn(process.env) ?? "") : undefined;
  if (!found) throw refusedPassphrase(stack);
  return found;
}
