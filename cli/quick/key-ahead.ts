// The key that opens a state takes a sixth of a second, on a core of its own: it is begun before what looks at the servers is loaded, and is
// there once that is (pulumi/passphrase.ts makes each one once).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { passphrase as passphraseOfPractice } from "../../components/targets/practice/passphrase.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import { passphraseIn, unlock } from "../../pulumi/passphrase.ts";

/** These open it whatever else they find. */
const openers = ["up", "preview", "verify"];

/** Of a command's words: the one stack that it is about. What is wrong with any of it is said by whoever needs the key. */
export function keyAhead([command = "", ...words]: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  if (!openers.includes(command) || env.PULUMI_BACKEND_URL !== undefined) return;
  const salts = [...words, ...(env.FLEET_STACK === undefined ? [] : [env.FLEET_STACK])].flatMap((word) => saltOf(word) ?? []);
  const [salt] = salts;
  if (salt !== undefined)
    void Promise.resolve(env)
      .then(passphraseIn)
      .then((given) => unlock(salt, given ?? passphraseOfPractice))
      .catch(() => {});
}

/** Pulumi writes it into the stack file by itself; the state has the same one. */
function saltOf(word: string): string | undefined {
  if (!/^[\w.-]+$/.test(word)) return undefined;
  try {
    return /^encryptionsalt: *"?([^\s"]+)"? *$/m.exec(readFileSync(join(stacksFolder, `Pulumi.${word}.yaml`), "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
