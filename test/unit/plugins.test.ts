// Whether Pulumi's own provider is there: on PATH, or fetched in the version of its SDK.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasPlugin, versionOf } from "../../pulumi/plugins.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "fleet-plugins-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const env = () => ({ PULUMI_HOME: home, PATH: `${join(home, "bin")}:${join(home, "sbin")}` });

test("the versions are those of the SDKs, and of command the one that npm's newest is older than", () => {
  expect([versionOf("aws"), versionOf("command")]).toEqual(["7.48.0", "1.2.1"]);
});

test("one that nobody fetched is missing", () => {
  expect(hasPlugin("aws", "7.48.0", env())).toBe(false);
});

test("one that was fetched counts in its version alone", () => {
  mkdirSync(join(home, "plugins", "resource-aws-v7.47.0"), { recursive: true });
  expect(hasPlugin("aws", "7.48.0", env())).toBe(false);
  mkdirSync(join(home, "plugins", "resource-aws-v7.48.0"));
  expect(hasPlugin("aws", "7.48.0", env())).toBe(true);
});

test("a program on PATH counts, a file that can't be run does not", () => {
  mkdirSync(join(home, "sbin"));
  const program = join(home, "sbin", "pulumi-resource-aws");
  writeFileSync(program, "", { mode: 0o644 });
  expect(hasPlugin("aws", "7.48.0", env())).toBe(false);
  rmSync(program);
  writeFileSync(program, "", { mode: 0o755 });
  expect(hasPlugin("aws", "7.48.0", env())).toBe(true);
});
