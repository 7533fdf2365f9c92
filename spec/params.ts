// Role parameters: the fleet's, with the server's own laid over them, checked by the role's schema.
import { z } from "zod";
import { choice, explain, type Finding, findingsIn, withMeant } from "./messages.ts";
import { isMap, type Path, valueAt } from "./path.ts";
import type { Choices, RoleSchemas } from "./spec.ts";
import { holders } from "./targets.ts";
import { type Loose, mapOr } from "./unvalidated.ts";

/** Parameters by role. Their schemas are the roles' own: read.ts and schema.ts are handed them. */
export const RoleParams = z.record(z.string(), z.record(z.string(), z.unknown()));
/** Any schema of what `RoleParams` takes. */
export type ParamsSchema = z.ZodType<z.infer<typeof RoleParams>>;

/** Maps merge key by key, however deep; lists and values replace. */
export function mergeParams(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isMap(under) || !isMap(over)) return over;
  const keys = [...new Set([...Object.keys(under), ...Object.keys(over)])];
  return Object.fromEntries(keys.map((key) => [key, mergeParams(valueAt(under, [key]), valueAt(over, [key]))]));
}

const roleNames = ({ roles }: Loose): readonly string[] => (Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : []);

/** How many steps of a path are written in the file: tells the server's own parameters from the fleet's. */
type Depth = (path: Path) => number;

/** Where a finding in merged parameters was written: at the server, in the fleet's, or nowhere (then: the role in the server's list). */
function blame(finding: Finding, base: Path, index: number, depth: Depth): Finding {
  const own = [...base, ...finding.path];
  const shared = finding.path;
  if (depth(own) === own.length) return { ...finding, path: own };
  if (depth(shared) === shared.length) return { ...finding, path: shared };
  const [reachedOwn, reachedShared] = [depth(own) - base.length, depth(shared)];
  if (Math.max(reachedOwn, reachedShared) >= 2) return { ...finding, path: reachedOwn >= reachedShared ? own : shared };
  const parameter = finding.path.slice(2).join(".");
  return { path: [...base, "roles", index], reason: `${parameter && `role parameter \`${parameter}\`: `}${finding.reason}` };
}

export interface Checked {
  readonly findings: readonly Finding[];
  /** By the place of the server or pool; in each by role: what the role's function gets. */
  readonly params: readonly { readonly path: Path; readonly params: Readonly<Record<string, unknown>> }[];
}

/** Checks the parameters of every server, pool and role, in a fleet that may be wrong in other places. */
export function checkParams(fleet: unknown, { roles: schemas, targets }: Choices, depth: Depth): Checked {
  const shared = mapOr(mapOr(fleet).params);
  const findings = [...unknownRoles(shared, ["params"], schemas)];
  const used = new Set<string>();
  const params = holders(mapOr(fleet), targets).map(({ path, holder }) => {
    const own = mapOr(holder.params);
    const roles = roleNames(holder);
    findings.push(...unknownRoles(own, [...path, "params"], schemas), ...idleParams(own, path, roles, schemas));
    const checked: Record<string, unknown> = {};
    for (const [index, role] of roles.entries()) {
      const schema = Object.hasOwn(schemas, role) ? schemas[role] : undefined;
      if (!schema) continue;
      used.add(role);
      const result = schema.safeParse(mergeParams(shared[role], own[role]) ?? {}, { reportInput: true, error: explain });
      if (result.success) checked[role] = result.data;
      else findings.push(...findingsIn(result.error, ["params", role]).map((finding) => blame(finding, path, index, depth)));
    }
    return { path, params: checked };
  });
  const unused = Object.entries(shared).filter(([role]) => Object.hasOwn(schemas, role) && !used.has(role));
  const idle = unused.flatMap(([role, value]) => writtenFindings(schemas[role]!, value, ["params", role], depth));
  return { findings: [...findings, ...idle], params };
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

function idleParams(own: object, holder: Path, roles: readonly string[], schemas: RoleSchemas): readonly Finding[] {
  const meant = withMeant(roles, Object.keys(schemas));
  const idle = Object.keys(own).filter((role) => Object.hasOwn(schemas, role) && !meant.includes(role));
  return idle.map((role) => ({
    path: [...holder, "params", role],
    key: true,
    reason: `expected parameters of a role of the ${holder[0] === "servers" ? "server" : "pool"}, got \`${role}\`; add it to \`roles\` or move this to the fleet's \`params\``,
  }));
}
