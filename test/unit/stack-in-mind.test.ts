// Which stack is meant where none is named: never one of several.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { beforeEach, expect, test, vi } from "vitest";
import { verify } from "../../cli/commands/verify.ts";
import { stackInMind } from "../../cli/stack-in-mind.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import { localStack } from "../../pulumi/state.ts";

/** With a stack file, and in the backend; `up`: with a server in it. */
function stack(name: string, up: boolean): void {
  writeFileSync(join(stacksFolder, `Pulumi.${name}.yaml`), "config: {}\n");
  const resources = [{ urn: "a", type: "pulumi:pulumi:Stack" }, ...(up ? [{ urn: "b", type: "fleet:index:Host" }] : [])];
  mkdirSync(dirname(localStack(name)), { recursive: true });
  writeFileSync(localStack(name), JSON.stringify({ version: 3, checkpoint: { latest: { resources } } }));
}

beforeEach(() => {
  for (const name of ["team-a", "team-b"]) {
    rmSync(join(stacksFolder, `Pulumi.${name}.yaml`), { force: true });
    rmSync(localStack(name), { force: true });
  }
});

test("the one that FLEET_STACK names, whatever is up", async () => {
  stack("team-a", true);
  expect(await stackInMind("team-b")).toBe("team-b");
});

test("the only one that is up; one that was only begun is not", async () => {
  stack("team-a", true);
  stack("team-b", false);
  expect(await stackInMind("")).toBe("team-a");
  expect(await stackInMind("")).toBe("team-a");
});

test("of several, none: what to type instead", async () => {
  stack("team-a", true);
  stack("team-b", true);
  await expect(stackInMind("")).rejects.toThrow(
    "expected one stack that is up, got team-a, team-b; next: add -s STACK, or export FLEET_STACK=STACK",
  );
});

test("none is up: what to type first", async () => {
  await expect(stackInMind("")).rejects.toThrow("expected a stack that is up, got none; next: ./fleet up STACK");
});

test("verify looks at it, too", async () => {
  stack("team-a", true);
  stack("team-b", true);
  vi.stubEnv("FLEET_STACK", "team-b");
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  verify(program, async (code) => void (await code));
  await expect(program.parseAsync(["verify", "--engine"], { from: "user" })).rejects.toThrow("Pulumi.team-b.yaml");
  vi.unstubAllEnvs();
});
