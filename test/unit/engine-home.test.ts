// The engine's home folder: no automatic log, and everything else the user's own.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withoutLog } from "../../pulumi/home.ts";
import { hasPlugin } from "../../pulumi/plugins.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fleet-home-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const own = () => join(root, "own");
const given = () => join(root, "given");
const prepared = (more = {}) => withoutLog(given(), { PULUMI_HOME: own(), ...more });

test("the log's folder can't be made", () => {
  expect(prepared().PULUMI_HOME).toBe(given());
  expect(() => mkdirSync(join(given(), "logs"), { recursive: true })).toThrow("EEXIST");
});

test("the user's plugins, templates and workspaces are found, also those that came later", () => {
  mkdirSync(join(own(), "plugins", "resource-aws-v7.48.0"), { recursive: true });
  mkdirSync(join(own(), "bin"));
  prepared();
  expect(hasPlugin("aws", "7.48.0", { PULUMI_HOME: given(), PATH: "" })).toBe(true);
  expect(readdirSync(given()).sort()).toEqual(
    ["bin", "logs", "plugins", "policies", "schemas", "templates", "templates-packages", "templates-policy", "workspaces"].sort(),
  );
  writeFileSync(join(own(), "later"), "x");
  prepared();
  expect(readFileSync(join(given(), "later"), "utf8")).toBe("x");
});

test("what the engine fetches lands in the user's own folder", () => {
  prepared();
  mkdirSync(join(given(), "plugins", "resource-command-v1.2.1"));
  expect(existsSync(join(own(), "plugins", "resource-command-v1.2.1"))).toBe(true);
});

test("credentials stay where the user has them, and are never in the other folder", () => {
  mkdirSync(own());
  writeFileSync(join(own(), "credentials.json"), "{}");
  expect(prepared().PULUMI_CREDENTIALS_PATH).toBe(own());
  expect(existsSync(join(given(), "credentials.json"))).toBe(false);
  expect(prepared({ PULUMI_CREDENTIALS_PATH: "/elsewhere" }).PULUMI_CREDENTIALS_PATH).toBe("/elsewhere");
});

test("a file that the engine put in a link's place gives way to the user's own", () => {
  mkdirSync(own());
  writeFileSync(join(own(), ".cachedVersionInfo"), "own");
  prepared();
  rmSync(join(given(), ".cachedVersionInfo"));
  writeFileSync(join(given(), ".cachedVersionInfo"), "replaced");
  prepared();
  expect(readFileSync(join(given(), ".cachedVersionInfo"), "utf8")).toBe("own");
});

test("who wants the log has it, and nothing is made", () => {
  expect(prepared({ FLEET_ENGINE_LOG: "1" })).toEqual({});
  expect(existsSync(given())).toBe(false);
  expect(prepared({ FLEET_ENGINE_LOG: "0" }).PULUMI_HOME).toBe(given());
});

test("nobody else may read what lies there", () => {
  prepared();
  expect(statSync(given()).mode & 0o077).toBe(0);
});
