// Which passphrase the engine gets, and what is said where it is the wrong one.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { stacksFolder } from "../../provisioners/project.ts";
import { ownPassphrase, refuseNoPassphrase, refuseWrongPassphrase } from "../../pulumi/own-passphrase.ts";
import { freshSalt } from "../../pulumi/passphrase.ts";
import { UserError } from "../../spec/problem.ts";

const stack = "own-passphrase";
const file = join(stacksFolder, `Pulumi.${stack}.yaml`);
afterEach(() => rmSync(file, { force: true }));

const practice = { stack, engine: { passphrase: "practice" } };
const exported = { PULUMI_CONFIG_PASSPHRASE: "of team-a" };
const own = { PULUMI_CONFIG_PASSPHRASE: "practice" };

async function written(passphrase: string): Promise<void> {
  mkdirSync(stacksFolder, { recursive: true });
  const { salt } = await freshSalt(passphrase);
  writeFileSync(file, `encryptionsalt: ${salt}\nconfig: {}\n`);
}

test("a practice stack opens whatever was exported for another one, by value or by file", async () => {
  await written("practice");
  expect(await ownPassphrase(practice, exported)).toEqual(own);
  expect(await ownPassphrase(practice, { PULUMI_CONFIG_PASSPHRASE_FILE: "/nowhere" })).toEqual(own);
});

test("what was exported counts where the stack file was written with it, or has no salt yet", async () => {
  await written("of team-a");
  expect(await ownPassphrase(practice, exported)).toEqual({});
  writeFileSync(file, "config: {}\n");
  expect(await ownPassphrase(practice, exported)).toEqual({});
  rmSync(file);
  expect(await ownPassphrase(practice, exported)).toEqual({});
});

test("a stack with a passphrase of the team's has no other, also where the practice one would open it", async () => {
  await written("practice");
  expect(await ownPassphrase({ stack, engine: {} }, exported)).toEqual({});
  expect(await ownPassphrase(practice, {})).toEqual({});
  expect(await ownPassphrase(undefined, exported)).toEqual({});
});

const said = "error: could not create secrets manager for new stack: incorrect passphrase";

test.each([
  ["PULUMI_CONFIG_PASSPHRASE", { ...exported, PULUMI_CONFIG_PASSPHRASE_FILE: "/x" }, "<the stack's own>"],
  ["PULUMI_CONFIG_PASSPHRASE_FILE", { PULUMI_CONFIG_PASSPHRASE_FILE: "/x" }, "<a file that holds the stack's own>"],
])("a wrong one by %s is told with the stack, the variable and what to type", (variable, env, what) => {
  const sentence =
    `team-b: expected the passphrase that stacks/Pulumi.team-b.yaml is encrypted with, got another one by ${variable}; ` +
    `next: export ${variable}=${what}`;
  expect(() => refuseWrongPassphrase("team-b", said, env)).toThrow(new UserError(sentence));
});

test("none is told so before the engine begins, by whatever asks, and where the engine says it", async () => {
  const sentence = (of: string) =>
    `${of}: expected the passphrase that stacks/Pulumi.${of}.yaml is encrypted with, got none; next: export PULUMI_CONFIG_PASSPHRASE=<the stack's own>`;
  await written("of team-a");
  expect(() => refuseNoPassphrase({ stack, engine: {} }, {})).toThrow(new UserError(sentence(stack)));
  expect(() => refuseNoPassphrase({ stack, engine: {} }, exported)).not.toThrow();
  expect(() => refuseNoPassphrase(practice, {})).not.toThrow();
  expect(() => refuseNoPassphrase({ stack: "no-secrets-yet", engine: {} }, {})).not.toThrow();
  const raw = "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables";
  expect(() => refuseWrongPassphrase("team-b", raw, {})).toThrow(new UserError(sentence("team-b")));
});

test("other failures stay Pulumi's to tell", () => {
  expect(() => refuseWrongPassphrase("team-b", "error: no space left on device", exported)).not.toThrow();
});
