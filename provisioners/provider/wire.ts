// Property values as the engine sends them: secrets in envelopes, unknowns as a sentinel. Opened at the door, wrapped again on the way out.
import { minMaskLength } from "../engine/placeholders.ts";
import { namesIn } from "../engine/spelling.ts";

const signature = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";

/** What an output is during a preview when nobody can know it yet. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };
export type Properties = { readonly [key: string]: Json | undefined };

const isObject = (value: unknown): value is Record<string, Json> => typeof value === "object" && value !== null && !Array.isArray(value);
const isSecret = (value: unknown): value is { value: Json } => isObject(value) && value[signature] === secretMark;

/** Kept encrypted in the state, and shown as `[secret]`. What isn't there needs no envelope. */
export const secret = (value: Json | undefined): Json | undefined =>
  value === undefined || isSecret(value) ? value : { [signature]: secretMark, value };

/**
 * Puts into envelopes what came in one at the same place of `model`, and every text that holds one of the secrets, a short one only at its
 * place: the engine leaves that to a provider that accepts secrets.
 */
export function markSecrets(value: Json | undefined, model: Json | undefined, secrets: readonly string[]): Json | undefined {
  if (value === undefined || isSecret(value)) return value;
  if (isSecret(model)) return secret(value);
  if (typeof value === "string")
    return secrets.some((each) => each.length >= minMaskLength && value.includes(each)) ? secret(value) : value;
  if (Array.isArray(value))
    return value.map((each, index) => markSecrets(each, Array.isArray(model) ? model[index] : undefined, secrets) ?? null);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, markSecrets(each, isObject(model) ? model[key] : undefined, secrets)]),
  ) as Json;
}

export interface Opened {
  /** As it came, envelopes and all. */
  readonly wire: Properties;
  readonly value: Properties;
  /**
   * Every string that came inside an envelope: what a log must never show. But for what stands open beside it: a password that is its user's name
   * is hidden where it is the password, and `/home/[secret]` would tell it.
   */
  readonly secrets: readonly string[];
  /** Those that do stand open: names, in all that is said. */
  readonly openWords: readonly string[];
  readonly hasUnknown: boolean;
}

/** Opens every envelope, and says what was inside. */
export function open(wire: Properties): Opened {
  const secrets = new Set<string>();
  const plain = new Set<string>();
  let hasUnknown = false;
  const walk = (value: Json | undefined, hidden: boolean): Json => {
    if (isSecret(value)) return walk(value.value, true);
    if (Array.isArray(value)) return value.map((each) => walk(each, hidden));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each, hidden)]));
    if (value === unknown) hasUnknown = true;
    else if (typeof value === "string" && hidden) secrets.add(value);
    else if (typeof value === "string") for (const name of namesIn(value)) plain.add(name);
    return value ?? null;
  };
  const value = walk(wire as Json, false) as Properties;
  const [told, hidden] = [[...secrets].filter((each) => plain.has(each)), [...secrets].filter((each) => !plain.has(each))];
  return { wire, value, secrets: hidden, openWords: told, hasUnknown };
}

/** Whether the value, or anything in it, is not known yet. */
export function isUnknown(value: Json | undefined): boolean {
  return open({ value: value ?? null }).hasUnknown;
}
