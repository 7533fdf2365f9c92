// Parameters of a role at random: an example in which optional ones are left out, entries of lists and maps dropped, switches turned and
// numbers moved within their bounds. What the schema refuses is no variation.
import type { z } from "zod";
import { UserError } from "../../spec/problem.ts";
import type { Random } from "./contest/steps.ts";
import { branchesOf, isObject, fits as isOf, type Node, schemaOf, valuesOf } from "./switches.ts";

/** @param fits throws a UserError at what `fleet check` would refuse */
export function variation(
  params: z.ZodType,
  { params: example, fixed = [] }: { readonly params: unknown; readonly fixed?: readonly string[] },
  random: Random,
  fits: (params: unknown) => unknown,
): unknown {
  const [schema, whole] = [schemaOf(params), params.parse(example)];
  for (let tries = 0; tries < 50; tries++) {
    const kept = Object.fromEntries(fixed.map((name) => [name, (whole as Record<string, unknown>)[name]]));
    const found = { ...(vary(schema, whole, random) as object), ...kept };
    if (params.safeParse(found).success && passes(() => fits(found))) return found;
  }
  throw new Error("expected a variation that the schema takes, got none in 50 tries");
}

function passes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

const among = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

function vary(node: Node, value: unknown, random: Random): unknown {
  const switched = valuesOf(node);
  if (switched.length > 0 && !isObject(node))
    return node.const !== undefined ? value : among(random, branchesOf(node).length > 0 ? [...switched, value] : switched);
  if (Array.isArray(value)) return varyList(node, value, random);
  if (typeof value === "number") return varyNumber(node, value, random);
  if (typeof value !== "object" || value === null) return value;
  const branch = branchesOf(node).find((each) => isObject(each) && isOf(each, value));
  return branch ? vary(branch, value, random) : varyMap(node, value, random);
}

function varyList(node: Node, value: readonly unknown[], random: Random): unknown {
  const list = node.items ? node : branchesOf(node).find(({ items }) => items);
  const stay = value.filter((_, index) => index < (list?.minItems ?? 0) || random() < 0.85);
  return list?.items ? stay.map((each) => vary(list.items!, each, random)) : stay;
}

function varyMap(node: Node, value: object, random: Random): unknown {
  const entries = Object.entries(value).flatMap(([name, each]) => {
    if (random() < 0.15 && !node.required?.includes(name)) return [];
    const of = node.properties?.[name] ?? (typeof node.additionalProperties === "object" ? node.additionalProperties : undefined);
    // Below 1024 not everybody may listen.
    return [[name, of && !/port$/i.test(name) ? vary(of, each, random) : each] as const];
  });
  return Object.fromEntries(entries);
}

function varyNumber(node: Node, value: number, random: Random): number {
  const bounds = [node, ...branchesOf(node)];
  const [least, most] = [
    Math.max(...bounds.map(({ minimum = 0 }) => minimum)),
    Math.min(...bounds.map(({ maximum = Infinity }) => maximum)),
  ];
  // Not up: a machine's own limits are soon reached.
  const moved = among(random, [value, Math.floor(value / 2), Math.floor(value / 4), value - 1]);
  return Number.isInteger(value) ? Math.min(most, Math.max(least, moved)) : value;
}
