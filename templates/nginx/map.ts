// A variable whose value follows from another's: `map` of nginx.
import { z } from "zod";
import { conf } from "../conf.ts";
import { Pattern, Quotable, VariableName } from "./values.ts";

/** Words that mean something else in a map. */
const Key = z.union([
  Quotable.regex(/^(?!(?:include|hostnames|volatile|default)$)/, "expected a value, not a word of nginx's own"),
  Pattern,
]);

export const VariableMap = z.strictObject({
  of: Quotable.describe("What decides, with variables: `$http_user_agent`."),
  values: z.record(Key, Quotable).describe("Value by what `of` is: text, or a regular expression after `~`."),
  otherwise: Quotable.default("").describe("Value where none of these fits."),
});
export const Maps = z.record(VariableName, VariableMap);

export const mapBlock = ([name, { of, values, otherwise }]: readonly [string, z.infer<typeof VariableMap>]): string => conf`
  map "${of}" $${name} {
      default "${otherwise}";
      ${Object.entries(values).map(([key, value]) => `"${key.replace(/^(~\*?) /, "$1")}" "${value}";`)}
  }
`;
