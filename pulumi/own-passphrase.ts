// The passphrase of a stack, where the one that is exported is another stack's.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stacksFolder } from "../provisioners/project.ts";
import type { Aimed } from "../provisioners/stack.ts";
import { valueAt } from "../spec/path.ts";
import { UserError } from "../spec/problem.ts";
import { readYaml } from "../spec/yaml-source.ts";
import { unlock } from "./passphrase.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Of Pulumi's two ways to give one, that which counts. */
const givenBy = (env: Environment): string | undefined =>
  ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"].find((name) => env[name] !== undefined);

/** A process runs the engine several times. */
const opens = new Map<string, Promise<boolean>>();

/**
 * A practice stack's passphrase protects nothing: it goes before one that was exported for the team's stacks, where the stack file was
 * written with it. Costs nothing where none is exported, or the target has none of its own.
 */
export async function ownPassphrase(plan: Aimed | undefined, env: Environment = process.env): Promise<Readonly<Record<string, string>>> {
  const own = plan?.engine.passphrase;
  if (plan === undefined || own === undefined || givenBy(env) === undefined) return {};
  const salt = saltOf(plan.stack);
  if (salt === undefined) return {};
  const opened = opens.get(salt) ?? unlock(salt, own).then((key) => key !== undefined);
  opens.set(salt, opened);
  return (await opened) ? { PULUMI_CONFIG_PASSPHRASE: own } : {};
}

function saltOf(stack: string): string | undefined {
  const file = join(stacksFolder, `Pulumi.${stack}.yaml`);
  const salt = existsSync(file) ? valueAt(readYaml(readFileSync(file, "utf8")).value, ["encryptionsalt"]) : undefined;
  return typeof salt === "string" ? salt : undefined;
}

/** Pulumi names neither the stack nor the variable. Throws a UserError that does, where that is what it says. */
export function refuseWrongPassphrase(stack: string, said: string, env: Environment = process.env): void {
  if (!/\bincorrect passphrase\b/.test(said)) return;
  const variable = givenBy(env) ?? "PULUMI_CONFIG_PASSPHRASE";
  const next = variable.endsWith("_FILE") ? "<a file that holds the stack's own>" : "<the stack's own>";
  throw new UserError(
    `${stack}: expected the passphrase that stacks/Pulumi.${stack}.yaml was encrypted with, got another one by ${variable}; ` +
      `next: export ${variable}=${next}`,
  );
}
