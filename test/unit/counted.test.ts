// One of a thing, or several: said by one function, so that nobody reads "1 lines" or "2 commit(s)".
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { counted } from "../../spec/counted.ts";

const root = join(import.meta.dirname, "../..");
const rooms = ["cli", "components", "machines", "operations", "policy", "provisioners", "pulumi", "spec", "templates"];
const code = rooms.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      readFileSync(join(root, room, file), "utf8")
        .split("\n")
        .map((text, index) => ({ place: `${room}/${file}:${index + 1}`, text: text.trim() }))
        .filter(({ text }) => !/^(?:\/\/|\/?\*)/.test(text)),
    ),
);

test("one, several, none", () => {
  expect([counted(1, "line"), counted(2, "line"), counted(0, "line")]).toEqual(["1 line", "2 lines", "0 lines"]);
  expect([counted(1, "entry", "entries"), counted(2, "entry", "entries")]).toEqual(["1 entry", "2 entries"]);
});

test("no sentence leaves it to its reader", () => {
  expect(code.length).toBeGreaterThan(20_000);
  expect(code.filter(({ text }) => /[a-z]\(s\)/.test(text)).map(({ place, text }) => `${place} ${text}`)).toEqual([]);
});

test("a length before its noun goes through it", () => {
  // Of a limit, or of a whole that has several parts, the number is never one.
  const several = /(?:\bof|\bmost|\bto|\bgot|\bin|\ball) $/;
  const found = code.flatMap(({ place, text }) =>
    [...text.matchAll(/\$\{[^{}]*\.length\b[^{}]*\} [a-z-]*[a-rt-z]s\b/g)]
      .filter(({ index }) => !several.test(text.slice(0, index)))
      .map(([said]) => `${place} ${said}`),
  );
  expect(found).toEqual([]);
});
