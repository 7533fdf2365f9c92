// Which properties differ, as the engine wants to hear it: property path → what happens to it.
import type { DetailedDiff, DiffKind } from "./resource.ts";

type Value = unknown;

const isMap = (value: Value): value is Readonly<Record<string, Value>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const member = (path: string, key: string): string =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? (path ? `${path}.${key}` : key) : `${path}[${JSON.stringify(key)}]`;

/** Equal as JSON, whatever the order of keys; `undefined` is as good as not there. */
export function same(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, index) => same(each, b[index]));
  if (isMap(a) && isMap(b)) return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => same(a[key], b[key]));
  return (a ?? null) === (b ?? null);
}

/** Goes down maps, not into lists: a list that differs differs as a whole. */
export function difference(path: string, old: Value, now: Value): DetailedDiff {
  if (same(old, now)) return {};
  if (!isMap(old) || !isMap(now)) return { [path]: kindOfChange(old, now) };
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
  return Object.assign({}, ...keys.map((key) => difference(member(path, key), old[key], now[key])));
}

function kindOfChange(old: Value, now: Value): DiffKind {
  if (old === undefined || old === null) return "add";
  return now === undefined || now === null ? "delete" : "update";
}
