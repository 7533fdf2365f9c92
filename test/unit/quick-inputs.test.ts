// What sends a command to the engine: each thing that decides what the engine would do, changed alone.
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Around, changed, codeFolders, inputsOf } from "../../cli/quick/inputs.ts";
import { checkout } from "../../provisioners/project.ts";

let root: string;
const write = (path: string, content = "x\n"): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "fleet-inputs-")));
  for (const folder of codeFolders) write(`${folder}/deep/one.ts`);
  for (const file of ["index.ts", "Pulumi.yaml", "package.json", "package-lock.json", "node_modules/.package-lock.json"]) write(file);
  for (const file of ["Pulumi.team-a.yaml", "Pulumi.team-b.yaml", "samples/Pulumi.x.yaml", "scripts/warm.sh"]) write(`stacks/${file}`);
  for (const file of ["roles/motd/role.ts", "roles/motd/motd.liquid", "roles/shared.ts", "elsewhere/linked/role.ts"]) write(file);
  symlinkSync("../elsewhere/linked", join(root, "roles/linked"));
  for (const folder of ["files-a", "files-b"]) write(`stacks/${folder}/common/etc/motd`);
  for (const program of ["pulumi", "pulumi-language-nodejs"]) write(`bin/${program}`);
});
afterEach(() => rmSync(root, { recursive: true }));

const around = (more: Partial<Around> = {}): Around => ({
  root,
  project: root,
  stack: "team-a",
  files: join(root, "stacks", "files-a"),
  env: { PATH: join(root, "bin"), PULUMI_CONFIG_PASSPHRASE: "one" },
  runtime: "v24 linux x64 2",
  ...more,
});

/** The parts that differ after `change`. */
function after(change: () => void, more: Partial<Around> = {}): readonly string[] {
  const before = inputsOf(around());
  change();
  return changed(before, inputsOf(around(more)));
}

const own = "stacks/Pulumi.team-a.yaml";

describe("each alone", () => {
  test.for<[what: string, part: string, change: () => void]>([
    ["a line of the stack file", own, () => write(own, "y\n")],
    ["a secret or a parameter in it, as long as before", own, () => write(own, "z\n")],
    ["the stack file gone", own, () => rmSync(join(root, own))],
    ["an overlay file", "the overlay files", () => write("stacks/files-a/common/etc/motd", "y\n")],
    ["an overlay file more", "the overlay files", () => write("stacks/files-a/isu1/etc/motd")],
    ["an overlay file less", "the overlay files", () => rmSync(join(root, "stacks/files-a/common/etc/motd"))],
    ["an overlay file's mode", "the overlay files", () => chmodSync(join(root, "stacks/files-a/common/etc/motd"), 0o755)],
    ["a script of a hook", "what else lies in stacks/", () => write("stacks/scripts/warm.sh", "y\n")],
    ["a role of the team's own", "the team's own roles", () => write("roles/motd/role.ts", "y\n")],
    ["a template beside it", "the team's own roles", () => write("roles/motd/motd.liquid", "y\n")],
    ["what a role shares with others", "the team's own roles", () => write("roles/shared.ts", "y\n")],
    ["a role that comes by a link", "the team's own roles", () => write("elsewhere/linked/role.ts", "y\n")],
    ...codeFolders.map((folder): [string, string, () => void] => [
      `code in ${folder}/`,
      "the program",
      () => write(`${folder}/deep/one.ts`, "y\n"),
    ]),
    ["a template more", "the program", () => write("templates/deep/two.ts")],
    ["the program's first file", "the program", () => write("index.ts", "y\n")],
    ["Pulumi.yaml", "the program", () => write("Pulumi.yaml", "y\n")],
    ["the packages' versions", "the program", () => write("package-lock.json", "y\n")],
    ["the packages that are there", "the program", () => write("node_modules/.package-lock.json", "y\n")],
    ["the engine's version", "the engine", () => write("bin/pulumi", "y\n")],
    ["the engine's host of Node", "the engine", () => rmSync(join(root, "bin/pulumi-language-nodejs"))],
  ])("%s: %s", ([, part, change]) => {
    expect(after(change)).toEqual([part]);
  });

  test("the engine through a link: another one behind it", () => {
    write("versions/2/pulumi");
    const name = join(root, "bin/pulumi");
    const relink = () => {
      rmSync(name);
      symlinkSync("../versions/2/pulumi", name);
    };
    expect(after(relink)).toEqual(["the engine"]);
  });

  test("a file that was changed and made to look as old as before", () => {
    const file = join(root, "templates/deep/one.ts");
    const changeAndHide = () => {
      writeFileSync(file, "y\n");
      utimesSync(file, 1, 1);
    };
    utimesSync(file, 1, 1);
    expect(after(changeAndHide)).toEqual(["the program"]);
  });

  test("Node, the kind of computer, and its cores", () => {
    for (const runtime of ["v25 linux x64 2", "v24 linux arm64 2", "v24 linux x64 4"])
      expect(after(() => {}, { runtime })).toEqual(["Node or this computer"]);
  });

  test("a setting of Pulumi's in the environment, set, changed or gone", () => {
    const env = { ...around().env, PULUMI_PARALLEL: "1" };
    expect(after(() => {}, { env })).toEqual(["the environment's PULUMI settings"]);
    expect(changed(inputsOf(around({ env })), inputsOf(around({ env: { ...env, PULUMI_PARALLEL: "2" } })))).toEqual([
      "the environment's PULUMI settings",
    ]);
  });
});

test("a project in another folder: its own stack file, its own overlay, and the product's code", () => {
  write("project/stacks/Pulumi.team-a.yaml");
  write("project/Pulumi.yaml");
  const there = { project: join(root, "project"), files: join(root, "project/stacks/files") };
  const before = inputsOf(around(there));
  const now = () => changed(before, inputsOf(around(there)));
  write("stacks/Pulumi.team-a.yaml", "y\n");
  expect(now()).toEqual([]);
  write("project/stacks/Pulumi.team-a.yaml", "y\n");
  expect(now()).toEqual([own]);
  write("project/Pulumi.yaml", "y\n");
  expect(now()).toEqual([own, "the program"]);
});

test("what decides nothing, changes nothing", () => {
  expect(
    after(() => {
      write("stacks/Pulumi.team-b.yaml", "y\n");
      write("stacks/files-b/common/etc/motd", "y\n");
      write("stacks/samples/Pulumi.x.yaml", "y\n");
      write("docs/page.md");
      write("report.xml");
      write(".fleet/x");
      readdirSync(join(root, "templates"));
    }),
  ).toEqual([]);
  expect(after(() => {}, { env: { ...around().env, PULUMI_CONFIG_PASSPHRASE: "two", PULUMI_DEBUG_COMMANDS: "true", LANG: "C" } })).toEqual(
    [],
  );
});

test("packages that another checkout shares by hard links", () => {
  expect(after(() => linkSync(join(root, "node_modules/.package-lock.json"), join(root, "linked")))).toEqual([]);
});

test("an overlay folder that comes", () => {
  const files = join(root, "stacks", "files-c");
  const before = inputsOf(around({ files }));
  mkdirSync(files);
  write("stacks/files-c/common/x");
  expect(changed(before, inputsOf(around({ files })))).toEqual(["the overlay files"]);
});

test("everything that program, provider and policies import is counted", () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    const named = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"|new URL\("([^"]+)", import\.meta\.url\)|require\("(\.[^"]+)"\)/g)];
    for (const [, imported, beside, required] of named) {
      const target = resolve(dirname(file), (imported ?? beside ?? required)!);
      if (/\.(ts|cjs|mjs)$/.test(target)) visit(target);
      else seen.add(target);
    }
  };
  for (const entry of ["index.ts", "provisioners/provider/main.ts", "policy/main.ts", "cli/main.ts"]) visit(join(checkout, entry));
  const rooms = [...new Set([...seen].map((file) => relative(checkout, file).split("/")[0]))];
  expect(rooms.filter((room) => !["index.ts", ...codeFolders].includes(room ?? ""))).toEqual([]);
  expect(seen.size).toBeGreaterThan(150);
});
