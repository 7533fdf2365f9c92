// What `fleet ssh` makes of the words behind a server's name.
import { expect, test } from "vitest";
import { behindName, noServer } from "../../cli/commands/ssh.ts";

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

test("ports that lead to a server may stand on either side of its name", () => {
  const words = ["-L", "8080:127.0.0.1:80", "-s", "team-a", "-L", "9000:127.0.0.1:9000", "ls", "-L"];
  expect(behindName(words)).toEqual({ stack: "team-a", forward: ["8080:127.0.0.1:80", "9000:127.0.0.1:9000"], command: ["ls", "-L"] });
});

test("a stack that is not named is told", () => {
  expect(() => behindName(["--stack"])).toThrow("argument missing");
});

test("a server that is not there: the one that was meant, or what brings it", () => {
  expect(noServer("team-a", "isu9", ["isu1", "isu2"]).message).toBe("isu9: expected a server of team-a that is up; did you mean `isu1`?");
  expect(noServer("team-a", "isu9", []).message).toBe("isu9: expected a server of team-a that is up; next: ./fleet up team-a");
});
