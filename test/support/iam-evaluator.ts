// Whether policies allow a request, by IAM's own rules (Policy evaluation logic; IAM JSON policy elements): as far as iam/ uses them, and no
// further: an operator or an element that is not known here is an error, never an answer.
import type { Policy, Statement } from "../../iam/policies.ts";

export interface Request {
  readonly action: string;
  readonly resource: string;
  /** Condition keys that the request carries. */
  readonly context: Readonly<Record<string, string>>;
}

type Values = string | readonly string[];
const list = (values: Values): readonly string[] => (typeof values === "string" ? [values] : values);

/** `*` and `?`; case counts where `exact`. */
const like = (pattern: string, text: string, exact: boolean): boolean => {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, exact ? "s" : "is").test(text);
};

const filled = (text: string, context: Request["context"]): string =>
  text.replace(/\$\{([^}]+)\}/g, (_, key: string) => context[key] ?? "\u0000 no such value");

const operators: Readonly<Record<string, (wanted: string, got: string) => boolean>> = {
  StringEquals: (wanted, got) => wanted === got,
  Bool: (wanted, got) => wanted.toLowerCase() === got.toLowerCase(),
  StringLike: (wanted, got) => like(wanted, got, true),
};

/** A key that the request lacks fails, but with `IfExists`. */
function holds(operator: string, key: string, values: Values, context: Request["context"]): boolean {
  const got = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
  if (operator === "Null") return list(values).includes(String(got === undefined));
  const plain = operator.replace(/IfExists$/, "");
  const compare = operators[plain];
  if (!compare) throw new Error(`unknown condition operator ${operator}`);
  if (got === undefined) return plain !== operator;
  return list(values).some((wanted) => compare(filled(wanted, context), got));
}

function applies(
  { Sid: _, Effect, Action, Resource, Condition = {}, ...rest }: Statement,
  { action, resource, context }: Request,
): boolean {
  const unknown = Object.keys(rest);
  if (Effect !== "Allow" || unknown.length > 0) throw new Error(`unknown in a statement: ${Effect} ${unknown}`);
  return (
    list(Action).some((pattern) => like(pattern, action, false)) &&
    list(Resource).some((pattern) => like(filled(pattern, context), resource, true)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, key, values, context)),
    )
  );
}

/** One statement that applies is enough; nothing is allowed by itself. */
export const allows = (policies: readonly Policy[], request: Request): boolean =>
  policies.some(({ Statement }) => Statement.some((statement) => applies(statement, request)));
