// What people are asked, and what options take: one kind of each.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { members } from "../../cli/member-option.ts";
import { wordFor } from "../../cli/terminal.ts";

test("what is asked for is the name of what it is about; the number where it is several", () => {
  expect([wordFor("team-a"), wordFor(["team-a"]), wordFor(["team-a", "team-b"])]).toEqual(["team-a", "team-a", "2"]);
});

test("no command makes up a word to type", () => {
  const cli = join(import.meta.dirname, "../../cli");
  const files = readdirSync(cli, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && file !== "terminal.ts");
  const asked = files.flatMap((file) =>
    [...readFileSync(join(cli, file), "utf8").matchAll(/await confirm\((`[^`]*`), ([^,]+), /g)].map(([, , about]) => about),
  );
  expect(asked.length).toBeGreaterThan(8);
  expect(asked.filter((about) => !/^(stack|stacks|plan\.stack|name|bucket)$/.test(about!))).toEqual([]);
});

test("--member: GitHub ids, one or several, each once; anything else is told at once", () => {
  expect(members("octocat, hubot", ["octocat"])).toEqual(["octocat", "hubot"]);
  for (const wrong of ["", " ", "-x", "octocat,not a user!", "https://github.com/octocat"])
    expect(() => members(wrong, []), wrong).toThrow(/expected a GitHub id of .*, got `/);
});
