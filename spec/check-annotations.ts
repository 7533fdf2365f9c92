// Checks of what carries a mark: secrets are Pulumi secrets, names of servers and roles are names that exist.
import type { z } from "zod";
import { type Marked, mapMarked } from "./annotations.ts";
import { checkName } from "./checks.ts";
import { explain, type Finding } from "./messages.ts";
import { isMap, type Path, pathText } from "./path.ts";
import { nextStep, secretRef, secretRefsIn } from "./secrets.ts";
import { type Choices, fleetWith } from "./spec.ts";
import { rulesOf } from "./targets.ts";

/** Text that looks like our own placeholder would be filled with a secret of another place. */
export function checkPlaceholders(value: unknown, path: Path): readonly Finding[] {
  if (typeof value === "string")
    return /[⟦⟧]/.test(value) ? [{ path, reason: "expected text without `⟦` and `⟧`, which stand for secrets; leave them out" }] : [];
  if (Array.isArray(value)) return value.flatMap((each, index) => checkPlaceholders(each, [...path, index]));
  return isMap(value) ? Object.entries(value).flatMap(([key, each]) => checkPlaceholders(each, [...path, key])) : [];
}

export interface Marks {
  readonly fleet: unknown;
  readonly findings: readonly Finding[];
}

/**
 * Returns the fleet with placeholders for secrets that are written in the clear as well: some targets may have such,
 * and nothing behind this point needs to know.
 */
export function checkMarked(fleet: unknown, { choices, stack }: { readonly choices: Choices; readonly stack: string }): Marks {
  const findings: Finding[] = [];
  const servers = isMap(fleet) && isMap(fleet.servers) ? Object.keys(fleet.servers) : [];
  const plain = rulesOf(choices.targets, fleet)?.plainSecrets;
  const visit = (found: Marked): unknown => {
    const { mark, value, path } = found;
    if (mark === "server") findings.push(...checkName(value, path, "a server of this stack", servers));
    if (mark === "role") findings.push(...checkName(value, path, "a role", Object.keys(choices.roles)));
    if (mark !== "secret" || typeof value !== "string" || secretRefsIn(value).length > 0) return value;
    findings.push(
      ...(plain
        ? grammarFindings(found)
        : [{ path, reason: `expected a Pulumi secret, got plain text; ${nextStep(pathText(path), stack)}` }]),
    );
    return secretRef(pathText(path));
  };
  return { fleet: mapMarked(fleetWith(choices), fleet, [], visit), findings };
}

/** What the secret's own grammar says of it. The value itself is never shown. */
function grammarFindings({ schema, value, path }: Marked): readonly Finding[] {
  const parsed = (schema as z.ZodType).safeParse(value, { error: explain });
  return parsed.success ? [] : [{ path, reason: `${parsed.error.issues[0]?.message}, got something else` }];
}
