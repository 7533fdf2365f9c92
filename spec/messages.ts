// The words for what a schema refuses: expected, got, next step. Roles' own schemas speak through here as well.
import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { isMap, type Path } from "./path.ts";
import { secretRefsIn } from "./secrets.ts";

/** A problem before it has a place in a file. */
export interface Finding {
  readonly path: Path;
  readonly reason: string;
  /** Points at the key rather than at the value. */
  readonly key?: boolean;
}

/** The one of `names` that was most likely meant. */
export function closest(name: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((each) => ({ each, far: distance(name.toLowerCase(), each.toLowerCase()) }))
    .filter(({ far }) => far <= (name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3))))
    .sort((a, b) => a.far - b.far || (a.each < b.each ? -1 : 1));
  return best?.each;
}

/** With what was most likely meant by those that are none of `known`: one typing error is one problem. */
export const withMeant = (names: readonly string[], known: readonly string[]): readonly string[] =>
  names.flatMap((name) => (known.includes(name) ? [name] : [name, closest(name, known) ?? name]));

export const ticked = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");

/** ``did you mean `nginx`?``, or `otherwise` where nothing is near. */
export function didYouMean(name: unknown, names: readonly string[], otherwise = ""): string {
  const near = typeof name === "string" ? closest(name, names) : undefined;
  return near === undefined ? otherwise : `; did you mean \`${near}\`?`;
}

/** ``; did you mean `x`?``, else the choice. */
export const choice = (name: unknown, names: readonly string[]): string =>
  didYouMean(name, names, names.length > 0 && names.length <= 24 ? `; expected one of ${ticked(names)}` : "");

const secretKey = /pass|secret|token|private|salt|credential/i;

/** What was found, for a sentence. Short, on one line, and nothing where the key says secret. */
export function shown(value: unknown, path: Path = []): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (isMap(value)) return "a map";
  const text = String(value);
  if (secretRefsIn(text).length > 0) return "a Pulumi secret";
  if (path.some((key) => typeof key === "string" && secretKey.test(key))) return "a value that is not shown";
  if (text === "") return "empty text";
  const plain = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("`", "'");
  return `\`${plain.length > 60 ? `${plain.slice(0, 60)}…` : plain}\``;
}

const article: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "`true` or `false`",
  object: "a map",
  record: "a map",
  map: "a map",
  array: "a list",
  tuple: "a list",
  null: "nothing",
};

const units: Readonly<Record<string, string>> = {
  string: " characters",
  array: " entries",
  set: " entries",
  object: " keys",
  record: " keys",
};

const limit = ({ code, origin, ...issue }: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): string => {
  const [bound, word] =
    code === "too_big" ? [(issue as z.core.$ZodIssueTooBig).maximum, "most"] : [(issue as z.core.$ZodIssueTooSmall).minimum, "least"];
  if (issue.inclusive === false) return `expected ${word === "most" ? "less" : "more"} than ${bound}${units[origin] ?? ""}`;
  return `expected at ${word} ${bound}${units[origin] ?? ""}`;
};

/** The keys that an object takes, kept from the error map (which sees the schema) for the issue (which does not). */
const knownKeys = new WeakMap<readonly string[], readonly string[]>();

/** The error map of every parse of a stack: speaks where a schema has no message of its own. */
export const explain: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${article[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.length === 1 ? "" : "one of "}${ticked(issue.values.map(String))}`;
    case "too_big":
    case "too_small":
      return limit(issue as z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall);
    case "invalid_format":
      return issue.pattern ? `expected text that matches \`${issue.pattern}\`` : `expected text of the format ${issue.format}`;
    case "not_multiple_of":
      return `expected a multiple of ${issue.divisor}`;
    case "unrecognized_keys": {
      const shape = (issue.inst?._zod.def as { shape?: object } | undefined)?.shape;
      knownKeys.set(issue.keys, Object.keys(shape ?? {}));
      return "unknown key";
    }
    default:
      return "expected another value";
  }
};

/** What to do about a value of the wrong type. */
function remedy(issue: z.core.$ZodIssue): string {
  const { input } = issue;
  if (issue.code === "invalid_value") return didYouMean(input, issue.values.map(String));
  if (issue.code !== "invalid_type") return "";
  if (input === null && ["object", "record"].includes(issue.expected)) return "; write `{}` or leave the key out";
  if (issue.expected === "string" && ["number", "boolean"].includes(typeof input)) return "; put it in quotes";
  if (["number", "int"].includes(issue.expected) && typeof input === "string" && /^[0-9.]+$/.test(input)) return "; take the quotes away";
  if (issue.expected === "array" && input !== undefined) return "; write `[…]`";
  return "";
}

const startsWrong = (issue: z.core.$ZodIssue): boolean => issue.code === "invalid_type" && issue.path.length === 0;

/** A union refused: the findings of the alternative that was meant, or all alternatives in one sentence. */
function unionFindings(issue: z.core.$ZodIssueInvalidUnion, path: Path): readonly Finding[] {
  const { input, errors, discriminator, options } = issue as z.core.$ZodIssueInvalidUnion & {
    discriminator?: string;
    options?: readonly unknown[];
  };
  if (discriminator !== undefined) {
    const got = isMap(input) ? input[discriminator] : undefined;
    const names = (options ?? []).map(String);
    return [{ path, reason: `expected one of ${ticked(names)}, got ${shown(got)}${didYouMean(got, names)}` }];
  }
  const [meant] = errors.filter((issues) => !issues.some(startsWrong)).sort((a, b) => a.length - b.length);
  if (meant) return meant.flatMap((inner) => findingsOf(inner, path));
  const all = [...new Set(errors.flatMap((issues) => issues.map(({ message }) => message.replace(/^expected /, ""))))];
  return [{ path, reason: `expected ${all.join(", or ")}, got ${shown(input, path)}` }];
}

/** The findings of one issue; `under` is where the parsed value stands. Needs `reportInput: true` and `error: explain`. */
export function findingsOf(issue: z.core.$ZodIssue, under: Path): readonly Finding[] {
  const path = [...under, ...(issue.path as Path)];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        key: true,
        reason: `unknown key${choice(key, knownKeys.get(issue.keys) ?? [])}`,
      }));
    case "invalid_union":
      return unionFindings(issue, path);
    case "invalid_key": {
      const key = path.at(-1);
      return [{ path, key: true, reason: `${issue.issues[0]?.message ?? "expected another key"}, got ${shown(key)}` }];
    }
    default: {
      const got = issue.message.startsWith("expected ") && !issue.message.includes(", got ") ? `, got ${shown(issue.input, path)}` : "";
      return [{ path, reason: `${issue.message}${got}${remedy(issue)}` }];
    }
  }
}

/** The findings of a failed parse, the first one for each place. */
export function findingsIn(error: z.ZodError, under: Path = []): readonly Finding[] {
  const seen = new Set<string>();
  const all = error.issues.flatMap((issue) => findingsOf(issue as z.core.$ZodIssue, under));
  return all.filter(({ path }) => !seen.has(JSON.stringify(path)) && seen.add(JSON.stringify(path)));
}
