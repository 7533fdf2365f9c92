// Whose mistake an error is: told by what it carries, not by a list of names, and the same in every copy of the code.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MachineError } from "../../machines/machine.ts";
import { HostError } from "../../provisioners/engine/shell.ts";
import { PartlyDone } from "../../provisioners/provider/resource.ts";
import { isUserError, isUserFacing, UserError } from "../../spec/problem.ts";

test("a sentence for its reader is known by its mark; a bug of ours has none", () => {
  const told = [
    new UserError("x"),
    new HostError("isu1", "auth", "x"),
    new MachineError("x"),
    new PartlyDone("x", { id: "x", outputs: {}, reasons: [] }),
  ];
  expect(told.every(isUserFacing)).toBe(true);
  expect(told.filter(isUserError)).toEqual([told[0]]);
  for (const other of [new TypeError("x"), "x", undefined, null]) expect([isUserFacing(other), isUserError(other)]).toEqual([false, false]);
});

test("another copy of the code, as of another commit, makes errors that are known as well", async () => {
  const copy = "../../spec/problem.ts?copy";
  const { UserError: Other } = (await import(/* @vite-ignore */ copy)) as typeof import("../../spec/problem.ts");
  expect(Other).not.toBe(UserError);
  expect([isUserFacing(new Other("x")), isUserError(new Other("x"))]).toEqual([true, true]);
});

test("no other file tells such errors by their names, or has a class of its own by one", () => {
  const root = join(import.meta.dirname, "../..");
  const folders = ["cli", "components", "machines", "operations", "policy", "provisioners", "pulumi", "spec", "templates"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const telling = /"(?:UserError|HostError|MachineError|PartlyDone)"/;
  const found = files.filter((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .some((line) => telling.test(line) && !/override readonly name/.test(line)),
  );
  expect(found).toEqual([join(root, "spec/problem.ts")]);
  expect(files.filter((file) => /class UserError/.test(readFileSync(file, "utf8")))).toEqual([join(root, "spec/problem.ts")]);
});
