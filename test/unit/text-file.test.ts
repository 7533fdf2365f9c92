// A file that a user names and that is no text: what is there is said in words, with its place once.
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { textIn } from "../../spec/text-file.ts";

const folder = mkdtempSync(join(tmpdir(), "text-file-"));
const asked = (name: string): string => {
  try {
    return textIn(join(folder, name), { name, what: "a stack file", next: "fleet init" });
  } catch (error) {
    return (error as Error).message;
  }
};

test("is told for what it is", () => {
  mkdirSync(join(folder, "dir"));
  symlinkSync("loop", join(folder, "loop"));
  writeFileSync(join(folder, "right"), "# höhe\n");
  expect(["none", "dir", "loop", "right/x", "right"].map(asked)).toEqual([
    "none: expected a stack file, got no such file; next: fleet init",
    "dir: expected a stack file, got a folder",
    "loop: expected a stack file, got links in a circle",
    "right/x: expected a stack file, got a path through a file",
    "# höhe\n",
  ]);
});

test.for([
  ["latin1", Buffer.from("a\nb: h\xf6he\nc\n", "latin1"), 2],
  ["short", Buffer.from("a\nb: \xff\xfe\nc: d\n", "latin1"), 2],
  ["cut", Buffer.concat([Buffer.from("ö\nö\nö".repeat(50)), Buffer.from([0xe3, 0x81])]), 101],
] as const)("of other bytes than UTF-8 has its line: %s", ([name, bytes, line]) => {
  writeFileSync(join(folder, name), bytes);
  expect(asked(name)).toBe(`${name}:${line}: expected text in UTF-8, got other bytes; next: save it as UTF-8`);
});
