// The template tag: what goes in, what comes out, and what is refused.
import { expect, test } from "vitest";
import { conf, type Part, when } from "../../templates/conf.ts";

test("takes the source's indentation off and ends in one line break", () => {
  expect(conf`
    server {
      listen ${80};
    }
  `).toBe("server {\n  listen 80;\n}\n");
});

test("a list alone on its line becomes lines with its indentation, nested blocks too", () => {
  const inner = conf`
    location / {
      return 204;
    }
  `;
  expect(conf`
    server {
      ${["a;", ["b;"], inner]}
    }
  `).toBe("server {\n  a;\n  b;\n  location / {\n    return 204;\n  }\n}\n");
});

test("an empty list takes its line away; a list inside a line becomes words", () => {
  expect(conf`
    a
    ${when(false, "b")}
    c ${["d", 1]};
  `).toBe("a\nc d 1;\n");
});

test("backslashes and dollars stay as written", () => {
  expect(conf`location ~ \.php$ { set $x ${String.raw`\1`}; }`).toBe("location ~ \\.php$ { set $x \\1; }\n");
});

test.each(["a\nb", "a\rb", "a\0b"])("a value inside a line must not break it: %j", (value) => {
  expect(() => conf`key = ${value};`).toThrow("must not hold a line break");
});

test.each([undefined, null, true, { a: 1 }, Number.NaN, [undefined]])("refuses %j, also where types were cast away", (value) => {
  expect(() => conf`key = ${value as unknown as Part};`).toThrow("a template takes");
});

test("what is no text, number or list does not compile", () => {
  const typed = (value: Part): Part => value;
  // @ts-expect-error undefined is no part
  typed(undefined);
  // @ts-expect-error a boolean is no part
  typed(true);
  // @ts-expect-error an object is no part
  typed({ toString: () => "x" });
  expect(typed(["x"])).toEqual(["x"]);
});
