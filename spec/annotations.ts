// Finds, in data and by its schema, what carries a mark: secrets, names of servers, names of roles.
import type { z } from "zod";
import { isMap, type Path } from "./path.ts";
import { marks } from "./scalars.ts";

export interface Marked {
  readonly mark: "secret" | "server" | "role";
  readonly value: unknown;
  readonly path: Path;
  readonly schema: z.core.$ZodType;
}

/** The inside of the wrappers that zod makes: optional, default, pipe and the like. */
type AnyDef = z.core.$ZodTypes["_zod"]["def"];

/**
 * The same data with each marked value as `visit` returns it. Works on data that was not validated: what does not fit
 * its schema is left as it is. The marked keys of a record are visited too, but not replaced.
 */
export function mapMarked(schema: z.core.$ZodType, value: unknown, path: Path, visit: (found: Marked) => unknown): unknown {
  if (value === undefined) return undefined;
  const mark = marks.get(schema as z.ZodType)?.mark;
  if (mark) return visit({ mark, value, path, schema });
  const into = (inner: z.core.$ZodType, each: unknown, ...step: Path) => mapMarked(inner, each, [...path, ...step], visit);
  const def = schema._zod.def as AnyDef;
  switch (def.type) {
    case "object":
      return mapEntries(value, (key, each) => (Object.hasOwn(def.shape, key) ? into(def.shape[key]!, each, key) : each));
    case "record":
      return mapEntries(value, (key, each) => {
        into(def.keyType, key, key);
        return into(def.valueType, each, key);
      });
    case "array":
      return Array.isArray(value) ? value.map((each, index) => into(def.element, each, index)) : value;
    case "tuple":
      return Array.isArray(value) ? value.map((each, index) => (def.items[index] ? into(def.items[index], each, index) : each)) : value;
    case "union":
      return def.options.reduce<unknown>((each, option) => into(option, each), value);
    case "intersection":
      return into(def.right, into(def.left, value));
    case "pipe":
      return into(def.out, into(def.in, value));
    case "lazy":
      return into(def.getter(), value);
    default:
      return "innerType" in def ? into(def.innerType as z.core.$ZodType, value) : value;
  }
}

function mapEntries(value: unknown, map: (key: string, each: unknown) => unknown): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, map(key, each)])) : value;
}
