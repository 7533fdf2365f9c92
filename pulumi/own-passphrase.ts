// The passphrase of a stack, where the one that is exported is another stack's.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stacksFolder } from "../provisioners/project.ts";
import type { Aimed } from "../provisioners/stack.ts";
import { valueAt } from "../spec/path.ts";
import { readYaml } from "../spec/yaml-source.ts";
import { givenBy, refusedPassphrase, unlock } from "./passphrase.ts";

type Environment = Readonly<Record<string, string | undefined>>;

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

/** Before an engine that asks on the terminal, or fails in its own words. Throws a UserError where the stack file wants a passphrase and none is given. */
export function refuseNoPassphrase(plan: Aimed | undefined, env: Environment = process.env): void {
  if (plan === undefined || plan.engine.passphrase !== undefined || givenBy(env) !== undefined) return;
  if (saltOf(plan.stack) !== undefined) throw refusedPassphrase(plan.stack, env);
}

/** Pulumi names neither the stack nor the variable. Throws a UserError that does, where that is what it says. */
export function refuseWrongPassphrase(stack: string, said: string, env: Environment = process.env): void {
  if (/\bincorrect passphrase\b|\bpassphrase must be set with\b/.test(said)) throw refusedPassphrase(stack, env);
}
