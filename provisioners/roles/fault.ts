// What a role throws, as a sentence that names the role, the resource, the property, and the line of a team's own role.
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { pathText } from "../../spec/path.ts";
import { isUserError, type Problem, refusal, UserError } from "../../spec/problem.ts";
import type { WantError } from "../resources/want-error.ts";
import { namedFor, unknownThere } from "./package-managers.ts";
import type { Role, RoleContext } from "./role.ts";

/** What the fleet shows of a path: from where the user stands, unless that is elsewhere. */
const shown = (path: string): string => {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
};

/** `roles/motd/role.ts:12:7`: the innermost place in a role's folder that an error came by; the role's file where it names none. */
export function placeIn(folder: string, error: unknown): string {
  const trace = error instanceof Error ? (error.stack ?? "") : "";
  const places = trace.matchAll(/(?:file:\/\/)?(\/[^\s()]*?):(\d+)(?::(\d+))?(?=[\s)]|$)/gm);
  for (const [text, path = "", line, column] of places) {
    const file = text.startsWith("file:") ? fileURLToPath(`file://${path}`) : path;
    if (file.startsWith(`${folder}/`)) return [shown(file), line, column].filter((each) => each !== undefined).join(":");
  }
  return shown(`${folder}/role.ts`);
}

/** A team's own code may bring a class of its own by the same name. */
const isCalled = <T extends Error>(error: unknown, name: string): error is T => error instanceof Error && error.name === name;

/** @param server where it was expanded for one */
export function faultOf(role: Pick<Role, "name" | "folder">, error: unknown, server?: string): unknown {
  if (error instanceof UserError) return error;
  const where = server === undefined ? `role \`${role.name}\`` : `${server}: role \`${role.name}\``;
  const place = (of: unknown) => (role.folder === undefined ? `role ${role.name}` : placeIn(role.folder, of));
  const path = [...(server === undefined ? [] : [`servers.${server}`]), role.name].join(" ");
  const problem = (what: string, reason: string): Problem => ({ at: place(error), path: `${path}${what && ` ${what}`}`, reason });
  if (isCalled<WantError>(error, "WantError")) {
    const { resource, findings } = error;
    const named = findings.map(({ path: property, reason }) => problem([resource, pathText(property)].filter(Boolean).join(" "), reason));
    return refusal(where, named);
  }
  if (isUserError(error)) return new UserError(error.message);
  // Of our own roles: our fault, which keeps its trace.
  if (role.folder === undefined) return error;
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return refusal(where, [problem("", `expected its code to end well, got ${said.split("\n")[0]}`)]);
}

/** What a role wants on a server; whatever goes wrong is told as `faultOf` has it. */
export function resourcesOf<Params>(role: Role<Params>, context: RoleContext<Params>): ReturnType<Role["resources"]> {
  const { facts, self } = context;
  const unknown = unknownThere(role, facts);
  if (unknown) throw refusal(self.name, [{ at: self.name, path: `servers.${self.name}.roles`, reason: unknown }]);
  try {
    return namedFor(facts, role.resources(context));
  } catch (error) {
    throw faultOf(role, error, context.self.name);
  }
}
