// Quoting: for any text, what the reader of the file gets is what went in.
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { envFile } from "../../templates/app/env-file.ts";
import { quoteArgument, quoteEnv } from "../../templates/app/quote.ts";
import { escapes } from "../../templates/escape.ts";

/** Heavy on what has a meaning somewhere; no NUL, which no environment can hold. */
const text = fc.string({
  unit: fc.oneof(fc.constantFrom(..."\"'\\`$%;# \n\t{}=!"), fc.string({ unit: "binary", minLength: 1, maxLength: 1 })),
});
const withoutNul = text.filter((value) => !value.includes("\0") && value.isWellFormed());

/** systemd's reader of environment files, inside double quotes: a backslash goes before `"\`$` and joins lines; else it stays. */
function systemdEnvironment(quoted: string): string {
  let value = "";
  expect(quoted.startsWith('"') && quoted.endsWith('"')).toBe(true);
  const inside = quoted.slice(1, -1);
  for (let index = 0; index < inside.length; index++) {
    const char = inside[index]!;
    expect(char, "an unescaped quote would end the value").not.toBe('"');
    const next = inside[index + 1];
    if (char === "\\" && next !== undefined && '"\\`$\n'.includes(next)) {
      if (next !== "\n") value += next;
      index++;
    } else value += char;
  }
  return value;
}

/** systemd's reader of command lines: C escapes, then `%%`, then `$$`. Throws where a specifier or variable would be expanded. */
function systemdArgument(quoted: string): string {
  const bare = quoted.startsWith('"') ? quoted.slice(1, -1) : quoted;
  const escapeCode = /\\(x[0-9a-f]{2}|.)/gs;
  const named: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };
  if (quoted.startsWith('"')) expect(bare.replace(escapeCode, "")).not.toMatch(/["\\\n]/);
  else expect(bare).toMatch(/^[^\s"'\\]+$/);
  const unescaped = bare.replace(escapeCode, (_, code: string) => {
    const value = code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : named[code];
    if (value === undefined) throw new Error(`systemd knows no escape \\${code}`);
    return value;
  });
  expect(unescaped.replaceAll("%%", "").replaceAll("$$", "")).not.toMatch(/[%$]/);
  return unescaped.replaceAll("%%", "%").replaceAll("$$", "$");
}

test("environment values come back whole from systemd's reader", () => {
  fc.assert(
    fc.property(withoutNul, (value) => {
      expect(systemdEnvironment(quoteEnv(value))).toBe(value);
    }),
    { numRuns: 2000 },
  );
});

test("arguments come back whole from systemd's reader", () => {
  fc.assert(
    fc.property(withoutNul, (value) => {
      expect(systemdArgument(quoteArgument(value))).toBe(value);
    }),
    { numRuns: 2000 },
  );
});

test("an environment file that a shell sources gives the same values", () => {
  const values = fc.sample(withoutNul, 200);
  const names = values.map((_, index) => `V${index}`);
  const file = envFile(Object.fromEntries(values.map((value, index) => [`V${index}`, value])));
  const script = `${file}\nprintf '%s\\0' ${names.map((name) => `"$${name}"`).join(" ")}\n`;
  const seen = execFileSync("sh", ["-s"], { input: script }).toString("utf8").split("\0").slice(0, -1);
  expect(seen).toEqual(values);
});

test.each(Object.keys(escapes) as (keyof typeof escapes)[])(
  "%s: nothing gets out of its quotes, and a mark takes the name of the quoting along",
  (name) => {
    const quote = name === "php" ? "'" : '"';
    fc.assert(
      fc.property(withoutNul, (value) => {
        expect(escapes[name](value).replace(/\\./gs, "")).not.toContain(quote);
      }),
    );
    expect(escapes[name]("⟦secret:params.app.key⟧")).toBe(`⟦secret|${name}:params.app.key⟧`);
  },
);

test("NUL is refused", () => {
  expect(() => quoteEnv("a\0")).toThrow("must not contain NUL");
  expect(() => quoteArgument("a\0")).toThrow("must not contain NUL");
});
