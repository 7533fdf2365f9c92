// Checks of what carries a mark: secrets are Pulumi secrets, names of servers and roles are names that exist.
import type { z } from "zod";
import { type Marked, mapMarked } from "./annotations.ts";
import { checkName, targetKind } from "./checks.ts";
import { explain, type Finding } from "./messages.ts";
import { isMap, type Path, pathText } from "./path.ts";
import { nextStep, secretRef, secretRefsIn } from "./secrets.ts";
import { fleetWith, type RoleSchemas } from "./spec.ts";

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
 * Returns the fleet with placeholders for secrets that are written in the clear as well: practice machines may have such,
 * and nothing behind this point needs to know.
 */
export function checkMarked(fleet: unknown, { roles, stack }: { readonly roles: RoleSchemas; readonly stack: string }): Marks {
  const findings: Finding[] = [];
  const servers = isMap(fleet) && isMap(fleet.servers) ? Object.keys(fleet.servers) : [];
  const practice = targetKind(fleet) === "practice";
  const visit = (found: Marked): unknown => {
    const { mark, value, path } = found;
    if (mark === "server") findings.push(...checkName(value, path, "a server of this stack", servers));
    if (mark === "role") findings.push(...checkName(value, path, "a role", Object.keys(roles)));
    if (mark !== "secret" || typeof value !== "string" || secretRefsIn(value).length > 0) return value;
    findings.push(
      ...(practice
        ? grammarFindings(found)
        : [{ path, reason: `expected a Pulumi secret, got plain text; ${nextStep(pathText(path), stack)}` }]),
    );
    return secretRef(pathText(path));
  };
  return { fleet: mapMarked(fleetWith(roles), fleet, [], visit), findings };
}

/** What the secret's own grammar says of it. The value itself is never shown. */
function grammarFindings({ schema, value, path }: Marked): readonly Finding[] {
  const parsed = (schema as z.ZodType).safeParse(value, { error: explain });
  return parsed.success ? [] : [{ path, reason: `${parsed.error.issues[0]?.message}, got something else` }];
}
