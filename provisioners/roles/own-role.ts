// What the module of a team's own role exports, made a role: checked as a whole, and whatever it throws later told with its place.
import { z } from "zod";
import { explain, findingsIn } from "../../spec/messages.ts";
import { pathText } from "../../spec/path.ts";
import { type Problem, refusal } from "../../spec/problem.ts";
import { Port } from "../../spec/scalars.ts";
import { faultOf, placeIn } from "./fault.ts";
import type { Role } from "./role.ts";

type Callable = (...args: never[]) => unknown;
const callable = z.custom<Callable>((value) => typeof value === "function", { error: "expected a function" });
const schema = z.custom<z.ZodType>((value) => typeof value === "object" && value !== null && "_zod" in value, {
  error: "expected a schema of `z` of contest-fleet/role",
});

const Exported = z.strictObject({
  name: z.string().optional(),
  summary: z.string().min(1),
  params: schema.default(z.strictObject({})),
  territory: z.union([callable, z.array(z.unknown())]).optional(),
  services: callable.optional(),
  provides: callable.optional(),
  needs: callable.optional(),
  move: callable.optional(),
  repositories: callable.optional(),
  packageManagers: z
    .array(z.enum(["apt", "dnf"]))
    .min(1)
    .optional(),
  memory: z.enum(["none", "share", "rest"]).optional(),
  account: callable.optional(),
  resources: callable,
});

/** Of what its functions hand back, as far as others count with it. */
const results = {
  services: z.array(z.looseObject({ ports: z.record(z.string(), Port) })),
  provides: z.record(z.string(), z.looseObject({ protocol: z.string(), port: Port.optional(), socket: z.string().optional() })),
  needs: z.array(z.looseObject({ at: z.string() })),
  account: z.string(),
  resources: z.array(z.looseObject({ address: z.string().regex(/^[a-z-]+\[.+\]$/), want: z.looseObject({}) }), {
    error: "expected a list of what `want` makes",
  }),
};

/** Throws a UserError with all that is wrong. @param folder `…/roles/motd`, by its real path */
export function ownRole(name: string, folder: string, exported: unknown): Role {
  const place = placeIn(folder, undefined);
  const refused = (problems: readonly Omit<Problem, "at">[]) =>
    refusal(
      `role \`${name}\``,
      problems.map((each) => ({ at: place, ...each })),
    );
  if (exported === undefined)
    throw refused([{ path: name, reason: "expected a default export, got none; write `export default defineRole({…})`" }]);
  const parsed = Exported.safeParse(exported, { reportInput: true, error: explain });
  if (!parsed.success)
    throw refused(findingsIn(parsed.error).map(({ path, reason }) => ({ path: [name, pathText(path)].filter(Boolean).join(" "), reason })));
  const found = parsed.data as unknown as Role;
  if ((found.name ?? name) !== name)
    throw refused([{ path: `${name} name`, reason: `expected the name of its folder, got \`${found.name}\`; leave \`name\` out` }]);
  const shape = jsonSchemaOf(found.params);
  if (typeof shape === "string" || shape.type !== "object") {
    const got = typeof shape === "string" ? shape : `\`${String(shape.type ?? "something else")}\``;
    throw refused([{ path: `${name} params`, reason: `expected a schema of a map (\`z.strictObject({…})\`), got ${got}` }]);
  }
  return told({ ...found, name, folder });
}

function jsonSchemaOf(params: z.ZodType): { readonly type?: unknown } | string {
  try {
    return z.toJSONSchema(params, { io: "input", unrepresentable: "any" });
  } catch (error) {
    return `one that editors can't be told: ${(error as Error).message.split("\n")[0]}`;
  }
}

/** The same role; what a function of it throws, or hands back that is no answer, is the role's fault and says so. */
function told(role: Role): Role {
  const entries = Object.entries(role).map(([key, value]) => [
    key,
    key === "params" ? value : covered(role, key, value, results[key as keyof typeof results]),
  ]);
  return Object.fromEntries(entries) as Role;
}

/** Functions at whatever depth: what depends on a server's facts comes later. */
function covered(role: Role, key: string, value: unknown, result?: z.ZodType): unknown {
  if (Array.isArray(value)) return value.map((each) => covered(role, key, each));
  if (typeof value === "function") return (...args: unknown[]) => called(role, key, value as (...args: unknown[]) => unknown, args, result);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, covered(role, key, each)]));
}

function called(role: Role, key: string, work: (...args: unknown[]) => unknown, args: unknown[], result?: z.ZodType): unknown {
  let answer: unknown;
  try {
    answer = work.apply(role, args);
  } catch (error) {
    throw key === "resources" ? error : faultOf(role, error);
  }
  const parsed = result?.safeParse(answer, { reportInput: true, error: explain });
  if (parsed && !parsed.success) {
    const at = placeIn(role.folder!, undefined);
    throw refusal(
      `role \`${role.name}\``,
      findingsIn(parsed.error).map(({ path, reason }) => ({ at, path: `${role.name} ${pathText([key, ...path])}`, reason })),
    );
  }
  return key === "resources" ? answer : covered(role, key, answer);
}
