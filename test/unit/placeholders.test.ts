// Late values: marks go through roles and templates, values go in at the last moment, and come out again as marks.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { derived, hasMark, late, latesIn, maskValues, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import { escapes } from "../../templates/escape.ts";

const wants = { "file[/etc/a]": { content: `user ${late("secret", "params.x.password")} at ${late("host-key", "isu2")}\n`, mode: "0644" } };
const values = { "secret:params.x.password": "hunter2-hunter2", "host-key:isu2": "ssh-ed25519 AAAA" };

describe("marks", () => {
  test("are found wherever they stand, each once", () => {
    expect(latesIn({ a: [late("derived", "x"), { b: late("derived", "x") }], c: late("secret", "y") })).toEqual(["derived:x", "secret:y"]);
    expect(hasMark({ a: "plain" })).toBe(false);
    expect(hasMark({ a: derived("x") })).toBe(true);
  });

  test("give way to their values", () => {
    expect(resolvePlaceholders(wants, values)["file[/etc/a]"].content).toBe("user hunter2-hunter2 at ssh-ed25519 AAAA\n");
  });

  test("without a value are an error that names them", () => {
    expect(() => resolvePlaceholders(wants, {})).toThrow("no value for the mark `secret:params.x.password`");
  });

  test("carry the quoting of the file they stand in", () => {
    fc.assert(
      fc.property(fc.string(), (secret) => {
        fc.pre(!secret.includes("\0"));
        const text = `'${escapes.php(late("secret", "p"))}'`;
        expect(resolvePlaceholders(text, { "secret:p": secret })).toBe(`'${escapes.php(secret)}'`);
      }),
    );
  });
});

describe("what was seen", () => {
  test("equals the wants where the server is right", () => {
    expect(maskValues(resolvePlaceholders(wants, values), wants, values)).toEqual(wants);
  });

  test("shows marks in the place of values where it differs", () => {
    const seen = { "file[/etc/a]": { content: "user hunter2-hunter2 at nowhere\n", mode: "0600" } };
    expect(maskValues(seen, wants, values)["file[/etc/a]"].content).toBe("user \u27e6secret:params.x.password\u27e7 at nowhere\n");
  });

  test("keeps ordinary words that a short secret would match", () => {
    const short = { "secret:params.x.password": "user", "host-key:isu2": "k" };
    expect(maskValues({ a: "user x" }, { a: "other" }, short)).toEqual({ a: "user x" });
  });
});
