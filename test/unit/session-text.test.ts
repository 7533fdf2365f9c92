// What goes through a shared shell as bytes and text: markers, lines, escapes, secrets.
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quote } from "../../provisioners/engine/shell-quote.ts";
import { Cut, frame, marker } from "../../provisioners/ssh/framing.ts";
import { parseHolder } from "../../provisioners/ssh/lock.ts";
import { clean, Lines, lineLimit } from "../../provisioners/ssh/output.ts";
import { redactor } from "../../provisioners/ssh/redact.ts";

const chunks = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
};

describe("Cut", () => {
  test("gives back any bytes, however the stream is split", () => {
    const awkward = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom("\u0002", "\u0002ab", "\u0002abc", "\u0002abd]0\n", "\0\n").map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(awkward), fc.array(fc.nat()), fc.integer({ min: 0, max: 255 }), (parts, cuts, code) => {
        const body = Buffer.concat(parts);
        fc.pre(!body.includes(`${marker("abc")}]`));
        const stream = Buffer.concat([Buffer.from(`noise${marker("abc")}[\n`), body, Buffer.from(`${marker("abc")}]${code}\nlater`)]);
        const got: Buffer[] = [];
        const cut = new Cut("abc", (bytes) => got.push(Buffer.from(bytes)));
        for (const chunk of chunks(stream, cuts)) cut.feed(chunk);
        expect(cut.code).toBe(code);
        expect(Buffer.concat(got)).toEqual(body);
      }),
    );
  });

  test("a frame run by sh prints what Cut looks for, and the persistent shell outlives exit and syntax errors", () => {
    const scripts = [
      "exit 3",
      "if then",
      "cd /tmp; x=1; false",
      "printf '%s' \"$PWD$x\"",
      "cat",
      "set -eu; echo $undefined; echo not here",
    ];
    const stdout = execFileSync("sh", {
      input: scripts.map((each, index) => frame(each, `n${index}`)).join(""),
      cwd: "/",
      stdio: ["pipe", "pipe", "ignore"],
    });
    const results = scripts.map((_, index) => {
      let text = "";
      const cut = new Cut(`n${index}`, (bytes) => {
        text += bytes.toString();
      });
      cut.feed(stdout);
      return [cut.code, text];
    });
    expect(results).toEqual([
      [3, ""],
      [2, ""],
      [1, ""],
      [0, "/"],
      [0, ""],
      [2, ""],
    ]);
  });
});

describe("Lines", () => {
  const linesOf = (...parts: string[]): string[] => {
    const got: string[] = [];
    const lines = new Lines((line) => got.push(line));
    for (const part of parts) lines.feed(Buffer.from(part));
    lines.end();
    return got;
  };
  test("joins what came in pieces, and keeps a last line without a newline", () => {
    expect(linesOf("a", "b\n\nc", "\nd")).toEqual(["ab", "", "c", "d"]);
  });
  test("joins a letter that was split between two chunks", () => {
    const got: string[] = [];
    const lines = new Lines((line) => got.push(line));
    for (const byte of Buffer.from("é日\n")) lines.feed(Buffer.from([byte]));
    expect(got).toEqual(["é日"]);
  });
  test("cuts a line that is too long, and goes on after it", () => {
    expect(linesOf("x".repeat(lineLimit), "yy\nnext\n")).toEqual([`${"x".repeat(lineLimit)}…`, "next"]);
  });
  test("takes terminal escapes and control bytes out", () => {
    expect(linesOf("\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m\0\x07\tend\r\n")).toEqual(["red\tend"]);
  });
});

test("clean leaves nothing that a terminal would act on", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("\x1b", "[", "]", "P", "3", ";", "m", "\x07", "\x9b", "a", "\u202e", "\r") }), (text) => {
      expect(clean(text)).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e]/);
    }),
  );
});

test("a holder's note that is missing or hostile still makes a sentence", () => {
  expect(parseHolder("")).toEqual({ silent: 0, since: "just now", who: "somebody", what: "?" });
  expect(parseHolder("4\n2025-01-01T00:00:00Z\n\x1b[31mada\nup").who).toBe("ada");
});

describe("redactor", () => {
  const secret = `p4ss "w'rd/&é`;
  const redact = redactor([secret, "abc", "line one\nline two"]);
  test.each([
    ["plain", secret],
    ["base64", Buffer.from(secret).toString("base64")],
    ["base64url", Buffer.from(secret).toString("base64url")],
    ["URL-encoded", encodeURIComponent(secret)],
    ["form-encoded", encodeURIComponent(secret).replaceAll("%20", "+")],
    ["shell-quoted", quote(secret)],
    ["JSON-escaped", JSON.stringify(secret).slice(1, -1)],
  ])("%s", (_form, text) => {
    expect(redact(`a=${text} b`)).toBe("a=[secret] b");
  });
  test("inside the base64 of a longer text", () => {
    for (const before of ["", "u", "us"]) {
      const whole = Buffer.from(`${before}${"long-secret-value"}:x`).toString("base64");
      expect(redactor(["long-secret-value"])(whole)).toContain("[secret]");
    }
  });
  test("each line of a secret with several", () => expect(redact("x line two")).toBe("x [secret]"));
  test("a secret too short to hide is left alone", () => expect(redact("abc abcdef")).toBe("abc abcdef"));
  test("a secret that is a pattern means itself", () => expect(redactor(["a.*b$1"])("axxb a.*b$1")).toBe("axxb [secret]"));
});
