// Takes every secret that this stack knows out of a preview, whatever form a template gave it. A second wall: secrets stand in plans as
// marks, so that there should be none to take out.

import { namesIn } from "../../provisioners/engine/spelling.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { redactor } from "../../provisioners/ssh/redact.ts";
import { ask } from "../../pulumi/command.ts";
import { openFleet } from "../../pulumi/open-fleet.ts";
import { isMap } from "../../spec/path.ts";
import { fleetKey, lookupSecret, secretRefsIn } from "../../spec/secrets.ts";
import { escapes } from "../../templates/escape.ts";

type Mask = (text: string) => string;

const html = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char] ?? "&#39;");
const numeric = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
const sql = (text: string): string => text.replace(/['\\]/g, String.raw`\$&`);
const doubled = (text: string): string => text.replaceAll("'", "''");
/** As HTML forms and strict URL writers do: more characters than `encodeURIComponent` takes. */
const form = (text: string): string => new URLSearchParams({ "": text.toWellFormed() }).toString().slice(1);
const hex = (text: string): string => Buffer.from(text).toString("hex");

/** Written as each template quotes, as HTML, SQL, YAML and hexadecimal digits; `redactor` adds base64, URL, shell and JSON to each of them. */
const formsOf = (secret: string): readonly string[] => {
  const quoted = secret.includes("\0") ? [] : Object.values(escapes).map((write) => write(secret));
  return [
    secret,
    ...quoted,
    html(secret),
    numeric(secret),
    sql(secret),
    doubled(secret),
    form(secret),
    form(secret).replaceAll("+", "%20"),
    hex(secret),
    hex(secret).toUpperCase(),
  ];
};

/** Secrets under 4 characters are left alone, as everywhere: their holes would tell more than they hide. */
export const maskOf = (secrets: readonly string[]): Mask => redactor(secrets.filter((secret) => secret.length >= 4).flatMap(formsOf));

/** Every text of a value. */
export function masked<T>(value: T, mask: Mask): T {
  if (typeof value === "string") return mask(value) as T;
  if (Array.isArray(value)) return value.map((each) => masked(each, mask)) as T;
  return isMap(value) ? (Object.fromEntries(Object.entries(value).map(([key, each]) => [mask(key), masked(each, mask)])) as T) : value;
}

/** Of the stack file and of the state, which must be there: what was given, and what the fleet made for itself. */
export async function secretsOf(plan: FleetPlan): Promise<readonly string[]> {
  const refs = secretRefsIn(JSON.stringify(plan.spec));
  const [config, state] = await Promise.all([
    refs.length > 0 ? ask(plan, ["config", "--stack", plan.stack, "--show-secrets", "--json"]) : "{}",
    ask(plan, ["stack", "export", "--stack", plan.stack, "--show-secrets"]),
  ]);
  const fleet = (JSON.parse(config) as Readonly<Record<string, { readonly value?: string; readonly objectValue?: unknown }>>)[fleetKey];
  const object = fleet?.objectValue ?? JSON.parse(fleet?.value ?? "{}");
  const given = refs.map((path) => lookupSecret(object, path)).filter((secret) => secret !== undefined);
  const open = new Set(openWords(plan.spec));
  return [...new Set([...given, ...stateSecrets(JSON.parse(state))])].filter((secret) => !open.has(secret));
}

/** Of the stack's file alone. */
export async function openSecretIn(plan: FleetPlan): Promise<OpenSecret> {
  const refs = secretRefsIn(JSON.stringify(plan.spec));
  if (refs.length === 0) return undefined;
  // Without its passphrase the engine says what is missing.
  const fleet = await openFleet(plan.stack, plan.engine.passphrase).catch(() => undefined);
  const given = refs.map((path) => lookupSecret(fleet, path)).filter((secret) => secret !== undefined);
  return openSecretOf(given, new Set(openWords(plan.spec)));
}

/** The one word that the engine puts `[secret]` for though it stands open, and whether that may stand for no other; undefined where there is none, or several. */
export type OpenSecret = { readonly word: string; readonly alone: boolean } | undefined;
export function openSecretOf(given: readonly string[], open: ReadonlySet<string>): OpenSecret {
  const all = new Set(given);
  const [word, ...others] = [...all].filter((each) => open.has(each));
  return word === undefined || others.length > 0 ? undefined : { word, alone: all.size === 1 };
}

/**
 * What the engine said, with that word back where it is a name. The engine keeps a secret value in an envelope, which stays, and so does what
 * stands in a password's place; beside other secrets, whatever is assigned.
 */
export function reopened<T>(value: T, open: OpenSecret): T {
  if (open === undefined) return value;
  const names = open.alone ? outsidePasswords : unassigned;
  const text = (said: string): string => said.replace(names, () => open.word);
  const walk = (each: unknown): unknown => {
    if (typeof each === "string") return text(each);
    if (Array.isArray(each)) return each.map(walk);
    if (!isMap(each) || signature in each) return each;
    return Object.fromEntries(
      Object.entries(each).map(([key, of]) => [text(key), of === engineSecret && telling.test(key) && !harmless.test(key) ? of : walk(of)]),
    );
  };
  return walk(value) as T;
}
const engineSecret = "[secret]";
/** Each `[secret]` but those in a password's place, or where anything is assigned. */
const outsidePasswords = /(?<!(?:key|pass\w*|pw|secret|token|identified by)["']?\s*[=:]?\s*["'`]?|:\/\/[^\s/:@]*:)\[secret\]/gi;
const unassigned = /(?<!(?:[=:]|identified by)\s?["'`]?)\[secret\]/gi;

/** Names that stand open in the stack file: a password that is spelled like one (`isucon`) would hide every path, and be told by the holes. */
export function openWords(value: unknown): readonly string[] {
  if (typeof value === "string") return namesIn(value);
  if (Array.isArray(value)) return value.flatMap(openWords);
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => (telling.test(key) && !harmless.test(key) ? [] : [key, ...openWords(each)]));
}

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
/** In a secret connection the address is no secret, though it is encrypted along. */
const telling = /key$|password|secret|token/i;
const harmless = /host_?key|public_?key/i;

/** The plain texts of a state that was exported with its secrets shown. */
export function stateSecrets(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(stateSecrets);
  if (!isMap(value)) return [];
  if (value[signature] === secretSignature && typeof value.plaintext === "string") return textsIn(JSON.parse(value.plaintext), true);
  return Object.values(value).flatMap(stateSecrets);
}

function textsIn(value: unknown, secret: boolean): readonly string[] {
  if (typeof value === "string") return secret ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((each) => textsIn(each, secret));
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => textsIn(each, telling.test(key) && !harmless.test(key)));
}
