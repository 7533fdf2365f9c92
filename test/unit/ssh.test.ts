// What `fleet ssh` makes of the words behind a server's name.
import { expect, test } from "vitest";
import { behindName } from "../../cli/commands/ssh.ts";

test.each([
  ["", undefined, ""],
  ["--stack team-a", "team-a", ""],
  ["-s team-a hostname", "team-a", "hostname"],
  ["--stack=team-a -- ls -s /", "team-a", "ls -s /"],
  ["ls -s /", undefined, "ls -s /"],
  ["-- -s team-a", undefined, "-s team-a"],
  ["sudo journalctl --unit nginx --help", undefined, "sudo journalctl --unit nginx --help"],
])("isu1 %s", (words, stack, command) => {
  const found = behindName(words.split(" ").filter(Boolean));
  expect([found.stack, found.command.join(" ")]).toEqual([stack, command]);
});

test("a stack that is not named is told", () => {
  expect(() => behindName(["--stack"])).toThrow("argument missing");
});
