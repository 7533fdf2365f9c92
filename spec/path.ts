// Places in a stack file, in the syntax of Pulumi's property paths: `servers.isu1.roles[0]`, `params.base.sysctl["vm.swappiness"]`.

export type Path = readonly (string | number)[];

const bare = /^[^.[\]"⟦⟧\s]+$/;

/** What `pulumi config set --path` takes after the name of the config key. */
export function pathText(path: Path): string {
  const parts = path.map((key) => {
    if (typeof key === "number") return `[${key}]`;
    return bare.test(key) ? `.${key}` : `[${JSON.stringify(key).replace(/[⟦⟧]/g, escapeCode)}]`;
  });
  return parts.join("").replace(/^\./, "");
}

const escapeCode = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The inverse of `pathText`. Throws a SyntaxError on anything else. */
export function parsePath(text: string): Path {
  const token = /\.?([^.[\]"\s]+)|\[([0-9]+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  const path: (string | number)[] = [];
  while (token.lastIndex < text.length) {
    const from = token.lastIndex;
    const [, name, index, quoted] = token.exec(text) ?? [];
    if (name !== undefined) path.push(name);
    else if (index !== undefined) path.push(Number(index));
    else if (quoted !== undefined) path.push(JSON.parse(quoted) as string);
    else throw new SyntaxError(`expected a property path, got \`${text}\` at ${from}`);
  }
  return path;
}

/** Whether the value is a map: neither a list nor nothing. */
export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What stands at the path, `undefined` where nothing does. Own keys only. */
export function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string | number, unknown>)[key];
  }
  return here;
}

/** The same value with `leaf` at the path; what lies beside it is kept. Maps alone. */
export function withValue(value: unknown, [key, ...rest]: Path, leaf: unknown): unknown {
  if (key === undefined) return leaf;
  return isMap(value) ? { ...value, [key]: withValue(valueAt(value, [key]), rest, leaf) } : value;
}
