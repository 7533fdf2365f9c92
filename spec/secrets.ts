// Secrets in a spec are placeholders. Roles expand with them, diffs show them, and the values travel beside the plan as
// Pulumi secrets until the last moment.
import { isMap, type Path, parsePath, pathText, valueAt } from "./path.ts";
import { UserError } from "./problem.ts";

/** The one config key of a stack file, under `config:`. */
export const fleetKey = "contest-fleet:fleet";

const placeholder = /⟦secret:([^⟦⟧]+)⟧/g;

/** The placeholder for the secret at a path of the fleet: `⟦secret:servers.isu1.password⟧`. No character of it is escaped in JSON. */
export const secretRef = (path: string): string => `⟦secret:${path.replace(/[%"\\]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)}⟧`;

const pathIn = (reference: string): string =>
  reference.replace(/%([0-9a-f]{2})/g, (_whole, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** The paths of all secrets whose placeholders stand in the text, each once, in their order. */
export const secretRefsIn = (text: string): readonly string[] => [
  ...new Set(Array.from(text.matchAll(placeholder), ([, reference]) => pathIn(reference ?? ""))),
];

/** The text of a secret in the decrypted fleet object (`new pulumi.Config().getSecretObject("fleet")`); `undefined` where there is no text. */
export function lookupSecret(fleet: unknown, path: string): string | undefined {
  const value = valueAt(fleet, parsePath(path));
  return typeof value === "string" ? value : undefined;
}

/** The same by what a placeholder says of it: `servers.isu1.password`. A UserError says what to type where there is none. */
export function secretAt(fleet: unknown, reference: string, stack: string): string {
  const path = pathIn(reference);
  const value = lookupSecret(fleet, path);
  if (value === undefined) throw new UserError(`secret \`${path}\`: expected a value, got nothing; ${nextStep(path, stack)}`);
  return value;
}

const stackName = /^[A-Za-z0-9_.-]+$/;

/** What to type for a secret at this path; Pulumi asks for the value, so that it stays out of the shell's history. */
export const nextStep = (path: string, stack: string): string =>
  `next: pulumi config set --secret --path '${fleetKey}.${path.replaceAll("'", "'\\''")}' -s ${stackName.test(stack) ? stack : "STACK"}`;

/** Whether the value is what Pulumi writes for a secret: `{secure: v1:…}` and nothing beside it. */
const isSecure = (value: unknown): boolean => isMap(value) && Object.keys(value).length === 1 && typeof value.secure === "string";

/** The same data with every `{secure: …}` as its placeholder. */
export function hideSecrets(value: unknown, path: Path = []): unknown {
  if (isSecure(value)) return secretRef(pathText(path));
  if (Array.isArray(value)) return value.map((each, index) => hideSecrets(each, [...path, index]));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hideSecrets(each, [...path, key])]));
}
