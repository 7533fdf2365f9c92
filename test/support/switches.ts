// The switches of a role's parameters (presets, booleans, choices), read from its schema: which there are, which values an example takes,
// and the few variants of an example that take them all.
import { z } from "zod";

export interface Node {
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

/** `sites[].tls.http2=true`: a place in the parameters, and one of the values that it may have. */
export type Setting = string;

export const schemaOf = (params: z.ZodType): Node => z.toJSONSchema(params, { io: "input", unrepresentable: "any" }) as Node;
export const branchesOf = (node: Node): readonly Node[] => node.anyOf ?? node.oneOf ?? [];
export const isObject = (node: Node): boolean => node.properties !== undefined;

/** What the place may be switched to; nothing where it takes any text or number. */
export function valuesOf(node: Node): readonly unknown[] {
  if (node.enum) return node.enum;
  if (node.const !== undefined) return [node.const];
  if (node.type === "boolean") return [true, false];
  return branchesOf(node).flatMap((branch) => (branch.const !== undefined || branch.enum ? valuesOf(branch) : []));
}

/** Routes and the like are told apart by a word of theirs. */
function wordOf({ properties = {} }: Node): string {
  const found = Object.entries(properties).find(([, each]) => each.const !== undefined);
  return found ? `[${found[0]}=${String(found[1].const)}]` : "";
}

/** Where each child stands in the path, with its schema: the same for all elements of a list and all entries of a map by name. */
function childrenOf(node: Node, path: string): readonly (readonly [path: string, child: Node])[] {
  const named = Object.entries(node.properties ?? {}).map(([name, each]) => [path ? `${path}.${name}` : name, each] as const);
  const entries = typeof node.additionalProperties === "object" ? [[`${path}.*`, node.additionalProperties] as const] : [];
  const items = node.items ? [[`${path}[]`, node.items] as const] : [];
  const branches = branchesOf(node).filter((each) => isObject(each) || each.items);
  return [...named, ...entries, ...items, ...branches.map((each) => [`${path}${wordOf(each)}`, each] as const)];
}

function settingsIn(node: Node, path: string): readonly Setting[] {
  const own = valuesOf(node).map((value) => `${path}=${String(value)}`);
  return [...own, ...childrenOf(node, path).flatMap(([at, child]) => settingsIn(child, at))];
}

/** Every setting that the schema knows. */
export const settingsOf = (params: z.ZodType): readonly Setting[] => [...new Set(settingsIn(schemaOf(params), ""))].sort();

type Visit = (node: Node, path: string, value: unknown, index: number) => unknown;

/** Goes through an example along its schema, and gives what `visit` makes of it. */
function walk(node: Node, path: string, value: unknown, index: number, visit: Visit): unknown {
  if (valuesOf(node).length > 0 && !isObject(node)) {
    const turned = visit(node, path, value, index);
    // `false`, or an object with switches of its own.
    if (typeof turned !== "object" || turned === null || turned !== value) return turned;
    // Out of step with the choice of the object itself.
    return walkInto(node, path, value, index + 1, visit);
  }
  return walkInto(node, path, value, index, visit);
}

function walkInto(node: Node, path: string, value: unknown, index: number, visit: Visit): unknown {
  if (Array.isArray(value)) {
    const list = node.items ? node : branchesOf(node).find(({ items }) => items);
    return list?.items ? value.map((each, at) => walk(list.items!, `${path}[]`, each, index + at, visit)) : value;
  }
  if (typeof value !== "object" || value === null) return value;
  const branch = branchesOf(node).find((each) => isObject(each) && fits(each, value));
  if (branch) return walk(branch, `${path}${wordOf(branch)}`, value, index, visit);
  return Object.fromEntries(
    Object.entries(value).map(([name, each], at) => {
      const property = node.properties?.[name];
      if (property) return [name, walk(property, path ? `${path}.${name}` : name, each, index, visit)];
      const entry = node.additionalProperties;
      return [name, typeof entry === "object" ? walk(entry, `${path}.*`, each, index + at, visit) : each];
    }),
  );
}

export const fits = ({ properties = {}, required = [] }: Node, value: object): boolean =>
  required.every((name) => name in value) &&
  Object.entries(properties).every(([name, { const: word }]) => word === undefined || (value as Record<string, unknown>)[name] === word);

/** The settings that these parameters, defaults filled in, take. */
export function taken(params: z.ZodType, value: unknown): readonly Setting[] {
  const found = new Set<Setting>();
  walk(schemaOf(params), "", params.parse(value), 0, (node, path, each) => {
    if (valuesOf(node).includes(each)) found.add(`${path}=${String(each)}`);
    return each;
  });
  return [...found].sort();
}

/**
 * As few variants of the example as there are values of its richest switch: each turns all switches at once. Neighbours of a list are turned
 * against each other, so that not all servers of an upstream become its reserve.
 */
export function variants(params: z.ZodType, example: unknown): readonly unknown[] {
  const [schema, whole] = [schemaOf(params), params.parse(example)];
  let most = 1;
  const turned = (by: number) =>
    walk(schema, "", whole, 0, (node, _path, value, index) => {
      // A word that tells what the element is stays; where other values are allowed too, the example's own is one of the turns.
      const values = [...valuesOf(node), ...(branchesOf(node).length > 0 && !valuesOf(node).includes(value) ? [value] : [])];
      most = Math.max(most, values.length);
      return node.const !== undefined ? value : values[(by + index) % values.length];
    });
  turned(0);
  return Array.from({ length: most }, (_, by) => turned(by));
}
