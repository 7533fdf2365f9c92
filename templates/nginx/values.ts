// What stands quoted in nginx's files, where `$name` is a variable: header values, the sides of a map, regular expressions.
import { z } from "zod";
import { UrlPath } from "../words.ts";

/** A backslash before a quote would end it elsewhere; one at the end would take the quote along. */
export const Quotable = z.string().regex(/^[^"\u0000-\u001f\u007f\\⟦⟧]*$/, 'expected text without `"` and `\\`');
export const Pattern = z
  .string()
  .regex(/^~\*? ?(?:[^"\\\s\u007f⟦⟧]|\\[^"\s])+$/, 'expected a regular expression after `~`, without spaces and `"`, such as `~ ^/api/`');
export const HeaderName = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "expected the name of a header, such as `X-Cache`");
export const VariableName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, "expected the name of a variable without `$`, such as `is_api`");

export const LocationPath = z.union([UrlPath, Pattern], {
  error: "expected a path that starts with `/`, or a regular expression after `~` or `~*`",
});
export const isPattern = (path: string): boolean => path.startsWith("~");
/** `~ "^/api"`: quoted, since `{` and `;` end a bare word. */
export const locationPattern = (path: string): string => path.replace(/^(~\*?) ?(.*)$/, '$1 "$2"');

export const Headers = z.record(HeaderName, Quotable).default({});
export type Headers = z.infer<typeof Headers>;
/** Whatever the status of the answer. */
export const headerLines = (headers: Headers): readonly string[] =>
  Object.entries(headers).map(([name, value]) => `add_header ${name} "${value}" always;`);
