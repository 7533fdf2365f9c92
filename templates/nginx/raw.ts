// Lines of nginx's own language, for what has no parameter. `nginx -t` reads them all; here only that they stay where they are put.
import { z } from "zod";

/** Quoted strings and comments hold braces that count for nothing. */
const quiet = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?<=^|\s)#[^\n]*/g;

function troubleIn(text: string): string | undefined {
  const rest = text
    .replace(quiet, "")
    .replace(/\\[\s\S]/g, "")
    .replace(/\$\{\w+\}/g, "");
  if (/["']/.test(rest)) return "expected quotes in pairs";
  let depth = 0;
  for (const brace of rest.match(/[{}]/g) ?? []) {
    depth += brace === "{" ? 1 : -1;
    if (depth < 0) return "expected no `}` without its `{`";
  }
  if (depth > 0) return `expected a \`}\` for each \`{\`, got ${depth} too few`;
  return /[;}]\s*$/.test(rest) ? undefined : "expected directives, each with `;` at its end";
}

export const Raw = z
  .string()
  .regex(/^[^\0\r⟦⟧]*$/, "expected text without control characters")
  .superRefine((text, context) => {
    const message = troubleIn(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

/** Its lines, as a block of a template takes them. */
export const rawLines = (text: string | undefined): readonly string[] => (text === undefined ? [] : [text.trimEnd()]);
