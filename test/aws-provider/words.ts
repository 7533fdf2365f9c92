// AWS's words and Pulumi's: `VolumeType` and `volumeType`, tags as a list and as a map, `"true"` and true.
import { type Inputs, tagList, tagMap } from "./type.ts";

const isMap = (value: unknown): value is Inputs => typeof value === "object" && value !== null && !Array.isArray(value);
const booleans = new Set(["encrypted", "deleteOnTermination", "associatePublicIpAddress"]);

/** As the SDK wants it. `rename` says where the first letter is not the only difference. */
export function toAws(value: unknown, rename: Readonly<Record<string, string>> = {}): never {
  const convert = (each: unknown): unknown => {
    if (Array.isArray(each)) return each.map(convert);
    if (!isMap(each)) return each;
    return Object.fromEntries(
      Object.entries(each).map(([key, inner]) => {
        const name = rename[key] ?? `${key[0]?.toUpperCase()}${key.slice(1)}`;
        if (key === "tags" && isMap(inner)) return [name, tagList(inner)];
        return [name, booleans.has(key) ? inner === "true" || inner === true : convert(inner)];
      }),
    );
  };
  return convert(value) as never;
}

/** Back again. Dates as ISO 8601 without milliseconds. */
export function fromAws(value: unknown, rename: Readonly<Record<string, string>> = {}): Inputs {
  const back = Object.fromEntries(Object.entries(rename).map(([ours, theirs]) => [theirs, ours]));
  const convert = (each: unknown): unknown => {
    if (each instanceof Date) return each.toISOString().replace(".000Z", "Z");
    if (Array.isArray(each)) return each.map(convert);
    if (!isMap(each)) return each;
    return Object.fromEntries(
      Object.entries(each).map(([key, inner]) => {
        const name = back[key] ?? `${key[0]?.toLowerCase()}${key.slice(1)}`;
        return [name, key === "Tags" && Array.isArray(inner) ? tagMap(inner) : convert(inner)];
      }),
    );
  };
  return convert(value) as Inputs;
}
