// The package, as a team gets it: packed, installed into an empty folder, made a team's folder, and a machine brought up with a role of the team's own.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeFolders } from "../../cli/quick/inputs.ts";
import { checkout } from "../../provisioners/project.ts";
import { ownStack } from "../support/own.ts";

const place = mkdtempSync(join(tmpdir(), "fleet-package-"));
const team = join(place, "team");
const stack = ownStack("package");
const stackFile = join(team, "stacks", `Pulumi.${stack}.yaml`);

const { FLEET_PROJECT: _, ...env } = process.env;
function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: team, env, encoding: "utf8", maxBuffer: 2 ** 26 });
  return { status, stdout, said: `${stdout}${stderr}` };
}
const fleet = (...args: string[]) => run("./fleet", ...args);

beforeAll(() => {
  mkdirSync(team);
  execFileSync("npm", ["pack", "--pack-destination", place], { cwd: checkout, stdio: "pipe" });
  const [tarball = ""] = readdirSync(place).filter((name) => name.endsWith(".tgz"));
  const installed = run("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", join("..", tarball));
  expect(installed.status, installed.said).toBe(0);
});

afterAll(() => {
  if (existsSync(stackFile)) fleet("down", stack, "--yes");
});

test("it holds JavaScript and what that reads, the types of what roles import, and nothing else", () => {
  const root = join(team, "node_modules/contest-fleet");
  expect(readdirSync(root).sort()).toEqual(["LICENSE", "README.ja.md", "README.md", "dist", "fleet", "package.json"]);
  const files = readdirSync(join(root, "dist"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + "/dist/".length));
  expect(files.filter((name) => /\.ts$/.test(name) && !/\.d\.ts$/.test(name))).toEqual([]);
  expect(files.filter((name) => /^(test|stacks)\/|(^|\/)(node_modules|\.fleet)\//.test(name))).toEqual([]);
  // What is read beside the code is there as it is in the checkout, in every room.
  const beside = execFileSync("git", ["ls-files", ...codeFolders], { cwd: checkout, encoding: "utf8" });
  const assets = beside.split("\n").filter((name) => name !== "" && !/\.(ts|md|mjs)$/.test(name));
  expect(assets.length).toBeGreaterThan(20);
  expect(assets.filter((name) => !files.includes(name))).toEqual([]);
  expect(files.filter((name) => name.endsWith(".d.ts"))).toContain("provisioners/roles/kit.d.ts");
});

describe("a team's folder", () => {
  test("is made by it, where its package.json stays the team's", () => {
    const { status, said } = run("npx", "fleet", "init", ".", "--no-stack");
    expect(status, said).toBe(0);
    expect(readFileSync(join(team, "package.json"), "utf8")).toContain("contest-fleet-0.1.0.tgz");
    expect(readFileSync(join(team, "Pulumi.yaml"), "utf8")).toContain("main: node_modules/contest-fleet/dist/index.js");
  });

  test("has the commands of the checkout: check, docs, its own roles among them", () => {
    writeFileSync(
      stackFile,
      `config:\n  contest-fleet:fleet:\n    team: ${stack}\n    target: practice\n    params: { motd: { text: Go! } }\n    servers:\n      isu1: { roles: [base, motd] }\n`,
    );
    // All of them are loaded for it.
    expect(fleet("--help").status).toBe(0);
    expect(fleet("check")).toMatchObject({ status: 0, stdout: `${stack}: no problems\n` });
    expect(run("npx", "fleet", "check", stack).status).toBe(0);
    expect(fleet("docs", "motd").stdout).toContain("string; default Good luck!");
    expect(fleet("docs", "redis").stdout).toContain("persistence: none");
    // Editors know the kit by its types.
    const checked = spawnSync(process.execPath, [join(checkout, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", team], {
      encoding: "utf8",
    });
    expect(checked.stdout).toBe("");
  });

  test("brings a machine up with a role of its own, sees a changed template, and takes it away", () => {
    const up = fleet("up", stack, "--yes");
    expect(up.status, up.said).toBe(0);
    expect(up.said).toContain("isu1 motd: file[/etc/motd]: ");
    expect(fleet("ssh", "isu1", "--stack", stack, "--", "cat", "/etc/motd").stdout).toContain(`isu1 of ${stack}. Go!`);
    expect(fleet("up", stack, "--yes").stdout).toContain("nothing to do");
    writeFileSync(join(team, "roles/motd/motd.liquid"), "{{ server }}: {{ text }} {{ team }}\n");
    const preview = fleet("preview", stack);
    expect(preview.said).toContain("the team's own roles changed since its last complete run");
    expect(preview.stdout).toContain(`+isu1: Go! ${stack}`);
    const down = fleet("down", stack, "--yes");
    expect(down.status, down.said).toBe(0);
    // State is the folder's own, and git leaves it out.
    expect(existsSync(join(team, ".fleet"))).toBe(true);
    expect(run("git", "status", "--short", "--untracked-files=all").stdout).not.toMatch(/\.fleet|node_modules/);
  });
});
