// The stack file of the answers, which passes every check before anything is written.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { encryptionBy } from "../../operations/adopt/secrets.ts";
import type { Encryption } from "../../operations/adopt/stack-file.ts";
import { planFleet } from "../../provisioners/expand.ts";
import { useRolesIn } from "../../provisioners/roles/roles.ts";
import { choices } from "../../provisioners/stack.ts";
import { passphraseIn } from "../../pulumi/passphrase.ts";
import { UserError } from "../../spec/problem.ts";
import { parseStack } from "../../spec/read.ts";
import { askHidden } from "../terminal.ts";
import type { Answers } from "./ask.ts";
import type { Ask } from "./asker.ts";
import { stackText } from "./stack.ts";

export interface NewStack {
  /** From the folder. */
  readonly path: string;
  readonly text: string;
}

/** Throws a UserError where there is one already, or where the answers make none that is right. */
export async function newStack(folder: string, answers: Answers, ask: Ask): Promise<NewStack> {
  const { team: stack } = answers;
  const path = join("stacks", `Pulumi.${stack}.yaml`);
  const file = join(folder, path);
  if (existsSync(file))
    throw new UserError(`${stack}: expected a stack that is not there yet, got ${file}; next: --team another name, or remove that file`);
  useRolesIn(join(folder, "roles"));
  const check = (text: string) => {
    const { spec } = parseStack(text, path, choices);
    planFleet(spec, { stack, cores: availableParallelism(), architecture: "amd64", overlays: {} });
  };
  // Before anybody thinks of a passphrase.
  check(stackText(answers, pretended));
  const text = stackText(answers, answers.part.secret ? await encryptionBy(await passphraseFor(ask)) : undefined);
  check(text);
  return { path, text };
}

const pretended: Encryption = { salt: "v1:x", encrypt: () => "v1:x" };

export function writeStack(folder: string, { path, text }: NewStack): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text, { flag: "wx" });
}

/** Typed twice: without it nobody reads what it locks. */
async function passphraseFor(ask: Ask): Promise<string> {
  const given = passphraseIn(process.env);
  if (given !== undefined) return given;
  const typed = async (): Promise<string> => {
    const first = await askHidden("A passphrase for the stack's secrets, the team's own: ");
    if (first === "" || first !== (await askHidden("The same again: ")))
      throw new UserError("init: expected the same passphrase twice, got another one or none; nothing was written");
    return first;
  };
  return await ask("a passphrase that the stack's secrets are encrypted with", "export PULUMI_CONFIG_PASSPHRASE=…, the team's own", typed);
}
