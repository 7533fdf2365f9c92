// Tests keep to what is theirs: nothing that the user has in the checkout is judged, and nothing is written beside it.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { folderIn, noProject } from "../../cli/cwd.ts";
import { checkout } from "../../provisioners/project.ts";
import { projectFile } from "../../pulumi/project.ts";
import { refuseWithoutCode } from "../../pulumi/project-code.ts";
import { chosenFiles, concerns } from "../choose.ts";
import { timesText } from "../file-times.ts";
import { inOrder, longest } from "../sequence.ts";
import { start } from "../support/fleet.ts";
import { own, ownNetwork, ownProject, ownStack } from "../support/own.ts";
import { disown, isAlive, makeFolder, owners, root, stacksOf } from "../support/own-runs.ts";

describe("a test file", () => {
  test("has a project, temporary files and names of its own", () => {
    expect(process.env.FLEET_PROJECT).toBe(ownProject);
    expect(tmpdir()).toBe(join(own, "tmp"));
    expect(owners()).toContain(basename(own));
    expect(isAlive(basename(own))).toBe(true);
    const stack = ownStack("footprint");
    expect(stacksOf(basename(own))).toContain(stack);
  });

  test("shares no network with another, until that one is gone", () => {
    const networks = [ownNetwork(), ownNetwork()];
    expect(new Set(networks).size).toBe(2);
    for (const network of networks) expect(network).toMatch(/^10\.213\.\d{1,3}$/);
  });

  test("that was killed is known as dead by its process, and is forgotten with its networks", () => {
    const folder = makeFolder();
    expect(isAlive(basename(folder))).toBe(true);
    // The same process id, of a process that started at another time.
    expect(isAlive(basename(folder).replace(/-\d+-/, "-1-"))).toBe(process.platform !== "linux");
    disown(basename(folder));
    expect(existsSync(folder)).toBe(false);
    expect(owners()).not.toContain(basename(folder));
    expect(existsSync(root)).toBe(true);
  });
});

describe("in a checkout where its user has a stack file that is not right", () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), "checkout-"));
    const leave = new Set(["node_modules", ".git", ".fleet", "archives"]);
    for (const name of readdirSync(checkout).filter((each) => !leave.has(each)))
      cpSync(join(checkout, name), join(copy, name), { recursive: true });
    symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
    writeFileSync(join(copy, "stacks", "Pulumi.mine.yaml"), "config:\n  contest-fleet:fleet:\n    team: [\n");
    mkdirSync(join(copy, "stacks", "files-mine"));
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  test("the tests of stack files pass, and leave stacks/ as it was", async () => {
    const before = readdirSync(join(copy, "stacks")).sort();
    const files = ["stacks-schema", "parallel"].map((name) => `test/unit/${name}.test.ts`);
    const args = [join(copy, "node_modules/vitest/vitest.mjs"), "run", "--root", copy, "--project", "unit", ...files];
    const { FLEET_PROJECT: _, TMPDIR: __, VITEST: ___, VITEST_WORKER_ID: ____, ...env } = process.env;
    const { code, said } = await start(process.execPath, args, { env: { ...env, FLEET_PROJECT: undefined } }).done;
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    expect(readdirSync(join(copy, "stacks")).sort()).toEqual(before);
    expect(existsSync(join(copy, ".fleet"))).toBe(false);
  });
});

describe("a project outside the checkout", () => {
  test("is named before the command alone", () => {
    expect(folderIn(["--cwd", "/srv/day", "up", "team-a"])).toBe("/srv/day");
    expect(folderIn(["--cwd=/srv/day", "up"])).toBe("/srv/day");
    expect(folderIn(["ssh", "isu1", "ls", "--cwd", "/tmp"])).toBeUndefined();
    expect(folderIn([])).toBeUndefined();
  });

  test("that is none is said", () => {
    expect(noProject(join(own, "nowhere"))).toBe(
      `${join(own, "nowhere")}: expected a project (a folder with Pulumi.yaml and stacks/), got none; next: name its folder in --cwd or FLEET_PROJECT, or make one: ./fleet init`,
    );
    expect(noProject(ownProject)).toBeUndefined();
    expect(noProject("")).toBeUndefined();
  });

  test("whose packages nobody installed is told what to type; one that has its code is not", () => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-uninstalled-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const at = (code: string) => {
      writeFileSync(join(folder, "Pulumi.yaml"), projectFile(code));
      return () => refuseWithoutCode(folder);
    };
    const code = "node_modules/contest-fleet";
    expect(at(code)).toThrow(/got no node_modules\/contest-fleet\S*; next: cd \S+ && npm install$/);
    expect(at("/nonexistent/checkout")).toThrow(/got no \/nonexistent\/checkout\S*; next: name in \S+Pulumi.yaml where the code is/);
    expect(at(checkout)).not.toThrow();
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(checkout, join(folder, code));
    expect(at(code)).not.toThrow();
  });

  test("names the checkout's code by its place", () => {
    const text = projectFile();
    for (const part of ["index.ts", "provisioners/provider", "policy"]) expect(text).toContain(join(checkout, part));
  });

  test("is where `fleet` looks for stacks", async () => {
    writeFileSync(join(ownProject, "stacks", "Pulumi.elsewhere.yaml"), "config:\n  contest-fleet:fleet:\n    team: [\n");
    const { code, stderr } = await start(join(checkout, "fleet"), ["--cwd", ownProject, "check"], { env: { FLEET_PROJECT: "" } }).done;
    expect(code).toBe(2);
    expect(stderr).toContain("elsewhere");
  });
});

describe("which tests run, and when", () => {
  test("a word chooses the files that are named after it or speak of it, and no others", () => {
    expect(concerns("test/unit/nginx.test.ts", "", ["nginx"])).toBe(true);
    expect(concerns("test/unit/roles.test.ts", "the role `nginx` has", ["nginx"])).toBe(true);
    expect(concerns("test/unit/roles.test.ts", "nginxes and my-nginx", ["nginx"])).toBe(false);
    expect(concerns("test/unit/roles.test.ts", "a.b", ["a+b"])).toBe(false);
    expect(chosenFiles(checkout, "test/integration", ["memcached"])).toContain("test/integration/renames.test.ts");
    expect(chosenFiles(checkout, "test/unit", ["no-test-has-this-word".replace("has", "speaks of")])).toEqual([]);
  });

  test("what took longest is said at the end of a run, the longest first", () => {
    const times = [
      { file: "test/a.test.ts", seconds: 7.4 },
      { file: "test/b.test.ts", seconds: 61 },
      { file: "test/c.test.ts", seconds: 4.9 },
    ];
    expect(timesText(times)).toBe("what took longest\n    61 s  b.test.ts\n     7 s  a.test.ts");
    expect(timesText(times.slice(2))).toBe("");
  });

  test("the longest begin first, and each that is named is there", () => {
    expect(inOrder(["b/zzz.test.ts", "b/aaa.test.ts", `a/${longest[1]}`, `a/${longest[0]}`])).toEqual([
      `a/${longest[0]}`,
      `a/${longest[1]}`,
      "b/aaa.test.ts",
      "b/zzz.test.ts",
    ]);
    const there = ["integration", "long", "unit"].flatMap((folder) => readdirSync(join(checkout, "test", folder)));
    expect(longest.filter((name) => !there.includes(name))).toEqual([]);
  });
});
