// Parameters of a role at random: an example in which optional ones are left out, entries of lists and maps dropped, switches turned and
// numbers moved within their bounds. What the schema refuses is no variation.
import type { z } from "zod";
import type { Random } from "./contest/steps.ts";
import { branchesOf, fits, isObject, type Node, schemaOf, valuesOf } from "./switches.ts";

export function variation(params: z.ZodType, example: unknown, random: Random): unknown {
  const [schema, whole] = [schemaOf(params), params.parse(example)];
  for (let tries = 0; tries < 50; tries++) {
    const found = vary(schema, whole, random);
    if (params.safeParse(found).success) return found;
  }
  throw new Error("expected a variation that the schema takes, got none in 50 tries");
}

const among = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

function vary(node: Node, value: unknown, random: Random): unknown {
  const switched = valuesOf(node);
  if (switched.length > 0 && !isObject(node))
    return node.const !== undefined ? value : among(random, branchesOf(node).length > 0 ? [...switched, value] : switched);
  if (Array.isArray(value)) return varyList(node, value, random);
  if (typeof value === "number") return varyNumber(node, value, random);
  if (typeof value !== "object" || value === null) return value;
  const branch = branchesOf(node).find((each) => isObject(each) && fits(each, value));
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
    return [[name, of ? vary(of, each, random) : each] as const];
  });
  return Object.fromEntries(entries);
}

function varyNumber(node: Node, value: number, random: Random): number {
  const bounds = [node, ...branchesOf(node)];
  const [least, most] = [
    Math.max(...bounds.map(({ minimum = 0 }) => minimum)),
    Math.min(...bounds.map(({ maximum = Infinity }) => maximum)),
  ];
  const moved = among(random, [value, value, Math.floor(value / 2), value * 2, value + 1]);
  return Number.isInteger(value) ? Math.min(most, Math.max(least, moved)) : value;
}
