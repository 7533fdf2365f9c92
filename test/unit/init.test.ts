// fleet init: what a team's folder holds at its beginning, and what of a folder that is there already stays.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkout } from "../../provisioners/project.ts";

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "fleet-init-"));
});
afterEach(() => rmSync(place, { recursive: true }));

const { FLEET_PROJECT: _, ...env } = process.env;
function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: place, env, encoding: "utf8" });
  return { status, stdout, stderr };
}
const init = (...args: string[]) => run(join(checkout, "fleet"), "init", ...args, "--no-install");
const read = (file: string): string => readFileSync(join(place, file), "utf8");
/** As `npm install` leaves it. */
function link(folder: string): void {
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(checkout, join(folder, "node_modules/contest-fleet"));
  symlinkSync("../contest-fleet/fleet", join(folder, "node_modules/.bin/fleet"));
}

test("an empty folder becomes a project whose commands are its own, wherever they are typed", () => {
  const { status, stdout } = init("team");
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^team: made Pulumi\.yaml, package\.json, .*roles\/motd\/role\.ts.*\ngit: a new repository\n\nnext:\n {2}cd team\n {2}npm install/,
  );
  const folder = join(place, "team");
  expect(run(join(folder, "fleet"), "check").stderr).toBe("the packages are not there: type `npm install`\n");
  link(folder);
  writeFileSync(
    join(folder, "stacks/Pulumi.a.yaml"),
    "config:\n  contest-fleet:fleet:\n    team: a\n    target: practice\n    servers:\n      isu1: { roles: [base, motd] }\n",
  );
  expect(run(join(folder, "fleet"), "check")).toMatchObject({ status: 0, stdout: "a: no problems\n" });
  // As npx calls it, in a folder below.
  expect(run("sh", "-c", 'cd team/stacks && "$OLDPWD/team/node_modules/.bin/fleet" check').stdout).toBe("a: no problems\n");
  expect(run(join(folder, "fleet"), "docs").stdout).toContain("motd  a greeting at login");
  expect(JSON.parse(read("team/stacks/fleet.schema.json")).$defs.params.properties.motd.properties.text).toBeDefined();
});

test("git takes the team's work, and neither state nor keys", () => {
  init("team");
  const folder = join(place, "team");
  const kept = ["stacks/Pulumi.a.yaml", "roles/motd/role.ts", "stacks/files/common/etc/hosts", "package-lock.json"];
  const out = [".fleet/.pulumi/stacks/x.json", "node_modules/x/y.js", "archives/a/b", "isucon.pem", "id_ed25519", ".env"];
  const { stdout } = spawnSync("git", ["check-ignore", "--no-index", ...kept, ...out], { cwd: folder, encoding: "utf8" });
  expect(stdout.trim().split("\n")).toEqual(out);
});

test("what is there stays, a package.json gets the dependency alone, and a second time changes nothing", () => {
  mkdirSync(join(place, "team"));
  writeFileSync(join(place, "team/package.json"), '{"name": "ours", "dependencies": {"left-pad": "1.3.0"}}');
  writeFileSync(join(place, "team/README.md"), "ours\n");
  expect(init("team").stdout).toContain("package.json (the dependency alone)");
  expect(read("team/README.md")).toBe("ours\n");
  const { dependencies, ...rest } = JSON.parse(read("team/package.json"));
  expect(rest).toEqual({ name: "ours" });
  expect(Object.keys(dependencies)).toEqual(["left-pad", "contest-fleet"]);
  expect(dependencies["contest-fleet"]).toMatch(/^file:/);
  writeFileSync(join(place, "team/roles/motd/motd.liquid"), "mine\n");
  expect(init("team").stdout).toContain("team: all there already");
  expect(read("team/roles/motd/motd.liquid")).toBe("mine\n");
});

test("a folder of somebody's repository stays part of it", () => {
  execFileSync("git", ["init", "-q", place]);
  expect(init("infra").stdout).not.toContain("git:");
  expect(existsSync(join(place, "infra/.git"))).toBe(false);
});

test.for<[what: string, make: () => void, told: RegExp]>([
  ["a file", () => writeFileSync(join(place, "x"), ""), /^x: expected a folder, or nothing, got a file$/m],
  [
    "a package.json that is none",
    () => {
      mkdirSync(join(place, "x"));
      writeFileSync(join(place, "x/package.json"), "{");
    },
    /package\.json: expected JSON, got .*; mend it, and type the same again/,
  ],
])("%s in the way is a sentence", ([, make, told]) => {
  make();
  const { status, stderr } = init("x");
  expect(status).toBe(2);
  expect(stderr).toMatch(told);
});
