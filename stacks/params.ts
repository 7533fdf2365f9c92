// Role parameters: the fleet's, with the server's own laid over them, checked by the role's schema.
import type { z } from "zod";
import { isMap, type Path, valueAt } from "./path.ts";
import { choice, explain, type Finding, findingsIn } from "./reasons.ts";
import type { RoleSchemas } from "./spec.ts";

/** Maps merge key by key, however deep; lists and values replace. */
export function mergeParams(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isMap(under) || !isMap(over)) return over;
  const keys = [...new Set([...Object.keys(under), ...Object.keys(over)])];
  return Object.fromEntries(keys.map((key) => [key, mergeParams(valueAt(under, [key]), valueAt(over, [key]))]));
}

const mapOr = (value: unknown): Readonly<Record<string, unknown>> => (isMap(value) ? value : {});
const roleNames = (server: unknown): readonly string[] => {
  const { roles } = mapOr(server);
  return Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : [];
};

/** How many steps of a path are written in the file: tells the server's own parameters from the fleet's. */
type Depth = (path: Path) => number;

/** Where a finding in merged parameters was written: at the server, in the fleet's, or nowhere (then: the role in the server's list). */
function blame(finding: Finding, server: string, index: number, depth: Depth): Finding {
  const own = ["servers", server, ...finding.path];
  const shared = finding.path;
  if (depth(own) === own.length) return { ...finding, path: own };
  if (depth(shared) === shared.length) return { ...finding, path: shared };
  const [reachedOwn, reachedShared] = [depth(own) - 2, depth(shared)];
  if (Math.max(reachedOwn, reachedShared) >= 2) return { ...finding, path: reachedOwn >= reachedShared ? own : shared };
  return { path: ["servers", server, "roles", index], reason: `role parameter \`${finding.path.slice(2).join(".")}\`: ${finding.reason}` };
}

export interface Checked {
  readonly findings: readonly Finding[];
  /** By server, then by role: what the role's function gets. */
  readonly params: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Checks the parameters of every server and role, in a fleet that may be wrong in other places. */
export function checkParams(fleet: unknown, schemas: RoleSchemas, depth: Depth): Checked {
  const { servers, params } = mapOr(fleet);
  const shared = mapOr(params);
  const findings = [...unknownRoles(shared, ["params"], schemas)];
  const checked: Record<string, Record<string, unknown>> = {};
  const used = new Set<string>();
  for (const [name, server] of Object.entries(mapOr(servers))) {
    const own = mapOr(mapOr(server).params);
    const roles = roleNames(server);
    findings.push(...unknownRoles(own, ["servers", name, "params"], schemas), ...idleParams(own, name, roles, schemas));
    checked[name] = {};
    for (const [index, role] of roles.entries()) {
      const schema = Object.hasOwn(schemas, role) ? schemas[role] : undefined;
      if (!schema) continue;
      used.add(role);
      const result = schema.safeParse(mergeParams(shared[role], own[role]) ?? {}, { reportInput: true, error: explain });
      if (result.success) checked[name][role] = result.data;
      else findings.push(...findingsIn(result.error, ["params", role]).map((finding) => blame(finding, name, index, depth)));
    }
  }
  const unused = Object.entries(shared).filter(([role]) => Object.hasOwn(schemas, role) && !used.has(role));
  return {
    findings: [...findings, ...unused.flatMap(([role, value]) => writtenFindings(schemas[role]!, value, ["params", role], depth))],
    params: checked,
  };
}

/** For parameters that no server uses yet: what is written must be right, what is missing may still come. */
function writtenFindings(schema: z.ZodType, value: unknown, path: Path, depth: Depth): readonly Finding[] {
  const result = schema.safeParse(value, { reportInput: true, error: explain });
  return result.success ? [] : findingsIn(result.error, path).filter((finding) => depth(finding.path) === finding.path.length);
}

function unknownRoles(params: object, path: Path, schemas: RoleSchemas): readonly Finding[] {
  const names = Object.keys(schemas);
  const unknown = Object.keys(params).filter((role) => !names.includes(role));
  return unknown.map((role) => ({ path: [...path, role], key: true, reason: `unknown role${choice(role, names)}` }));
}

function idleParams(own: object, server: string, roles: readonly string[], schemas: RoleSchemas): readonly Finding[] {
  const idle = Object.keys(own).filter((role) => Object.hasOwn(schemas, role) && !roles.includes(role));
  return idle.map((role) => ({
    path: ["servers", server, "params", role],
    key: true,
    reason: `expected parameters of a role of the server, got \`${role}\`; add it to \`roles\` or move this to the fleet's \`params\``,
  }));
}
