// A team's own roles: found, checked and told of as ours are; a broken one is the business of whoever uses it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { completeFacts, expandRole } from "../../provisioners/expand.ts";
import { checkout } from "../../provisioners/project.ts";
import * as kit from "../../provisioners/roles/kit.ts";
import { useRolesIn } from "../../provisioners/roles/roles.ts";
import { planOf } from "../../provisioners/stack.ts";

let team: string;
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(team, path)), { recursive: true });
  writeFileSync(join(team, path), text);
};
const stack = (name: string, roles: string, params = "{}"): void =>
  write(
    `stacks/Pulumi.${name}.yaml`,
    `config:\n  contest-fleet:fleet:\n    team: ${name}\n    target: practice\n    params: ${params}\n    servers:\n      isu1: { roles: ${roles} }\n`,
  );
const role = (name: string, text: string): void => write(`roles/${name}/role.ts`, text);

const motd = `import { defineRole, template, want, z } from "contest-fleet/role";
import { loud } from "../loud.ts";
const Params = z.strictObject({ text: z.string().default("hello").describe("what it says"), mode: z.string().default("0644") });
export default defineRole<z.infer<typeof Params>>({
  summary: "a greeting at login",
  params: Params,
  resources: ({ params, self }) => [
    want.file({ path: "/etc/motd", mode: params.mode, content: template(import.meta, "motd.liquid")({ text: loud(params.text), self: self.name }) }),
  ],
});
`;

beforeEach(() => {
  team = mkdtempSync(join(tmpdir(), "fleet-team-"));
  write("Pulumi.yaml", "name: contest-fleet\n");
  write("outside.ts", "export const x = 1;\n");
  write("roles/loud.ts", "export const loud = (text: string): string => text.toUpperCase();\n");
  write("roles/motd/motd.liquid", "{{ text }} from {{ self }}\n");
  role("motd", motd);
});
afterEach(() => {
  useRolesIn(join(team, "nowhere"));
  rmSync(team, { recursive: true });
});

const plan = (name: string) => planOf(name, join(team, "stacks"));
const wantsOf = (name: string, of: string) => {
  const all = plan(name);
  const [server] = all.servers;
  return expandRole(all, server!, of, completeFacts(server!.declared)!);
};
const fleet = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(join(checkout, "fleet"), ["--cwd", team, ...args], { encoding: "utf8", cwd: team });
  return { status, stdout, stderr };
};

describe("a role in roles/", () => {
  test("wants what its code says, with its parameters, its template and what it shares", () => {
    stack("a", "[base, motd]", "{motd: {text: hi}}");
    expect(wantsOf("a", "motd")).toMatchObject({ "file[/etc/motd]": { content: "HI from isu1\n", mode: "0644" } });
  });

  test("is checked by its schema, at the place in the stack file", () => {
    stack("a", "[motd]", "{motd: {txt: hi}}");
    expect(() => plan("a")).toThrow(/Pulumi\.a\.yaml:5:\d+ params\.motd\.txt: unknown key; did you mean `text`\?/);
  });

  test("is in the schema that editors use, in fleet docs, and in fleet check", () => {
    stack("a", "[base, motd]");
    const { status, stdout, stderr } = fleet("check");
    expect({ status, stdout }).toEqual({ status: 0, stdout: "a: no problems\n" });
    expect(stderr).toContain("stacks/fleet.schema.json: written anew");
    const schema = JSON.parse(readFileSync(join(team, "stacks/fleet.schema.json"), "utf8"));
    expect(schema.$defs.params.properties.motd.properties.text.description).toBe("what it says");
    expect(fleet("check").stderr).not.toContain("written");
    expect(fleet("docs").stdout).toMatch(/your own roles\nmotd +a greeting at login/);
    expect(fleet("docs", "motd.text").stdout).toContain("string; default hello");
  });

  test("stays apart from another folder's role of the same name", () => {
    stack("a", "[motd]");
    const other = mkdtempSync(join(tmpdir(), "fleet-team-"));
    execFileSync("cp", ["-r", `${team}/.`, other]);
    writeFileSync(join(other, "roles/motd/motd.liquid"), "other\n");
    const content = (folder: string) => {
      const all = planOf("a", join(folder, "stacks"));
      const [server] = all.servers;
      return (expandRole(all, server!, "motd", completeFacts(server!.declared)!) as Record<string, { content?: string }>)[
        "file[/etc/motd]"
      ]!.content;
    };
    expect([content(team), content(other), content(team)]).toEqual(["HELLO from isu1\n", "other\n", "HELLO from isu1\n"]);
    rmSync(other, { recursive: true });
  });

  test("of an earlier commit is what a preview of two commits compares with, with the packages that are here now", () => {
    write("node_modules/shout/package.json", '{"name": "shout", "type": "module", "exports": "./index.js"}');
    write("node_modules/shout/index.js", "export const shout = (text) => `${text}!`;");
    write(".gitignore", "node_modules/\n");
    role(
      "x",
      'import { want } from "contest-fleet/role";\nimport { shout } from "shout";\nexport default { summary: "x", resources: () => [want.file({ path: "/etc/x", content: shout("one") })] };\n',
    );
    stack("a", "[x]");
    const git = (...args: string[]) => execFileSync("git", ["-C", team, "-c", "user.name=x", "-c", "user.email=x@x", ...args]);
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "one");
    write("roles/x/role.ts", readFileSync(join(team, "roles/x/role.ts"), "utf8").replace('"one"', '"two"'));
    expect(fleet("preview", "a", "--offline", "--base", "HEAD").stdout).toMatch(/-content: one!\n +\+content: two!/);
  });

  test("may come by a link, as from a folder that several teams share", () => {
    execFileSync("mv", [join(team, "roles/motd"), join(team, "shared")]);
    writeFileSync(join(team, "shared/role.ts"), motd.replaceAll(/import \{ loud \}.*\n/g, "").replace("loud(params.text)", "params.text"));
    symlinkSync("../shared", join(team, "roles/motd"));
    stack("a", "[motd]");
    expect(wantsOf("a", "motd")).toMatchObject({ "file[/etc/motd]": { content: "hello from isu1\n" } });
  });

  test("takes part in what roles say of themselves: ports, endpoints, needs", () => {
    role("two", 'export default { summary: "x", services: () => [{ unit: "x.service", ports: { port: 6379 } }], resources: () => [] };\n');
    stack("a", "[redis, two]");
    expect(() => plan("a")).toThrow(/params\.two\.port: expected a port of its own on `isu1`, got 6379, which/);
    role("three", 'export default { summary: "x", needs: () => [{ protocol: "mysql", at: "database" }], resources: () => [] };\n');
    stack("b", "[three]");
    // A process loads a folder's roles once.
    expect(fleet("check", "b").stderr).toContain("params.three.database: expected one server that provides `mysql`, got none");
  });
});

test("says where it fetches code, how it moves, and which package managers it knows", () => {
  role(
    "full",
    'export default { summary: "x", repositories: () => ["git@github.com:x/y.git"], move: () => ({ clients: { ports: [], words: [], schemes: [] } }), packageManagers: ["apt"], resources: () => [] };\n',
  );
  stack("full", "[full]");
  expect(fleet("check", "full")).toMatchObject({ status: 0 });
});

describe("a role that is broken", () => {
  const ok = "resources: () => []";
  test.for<[what: string, text: string, told: RegExp]>([
    [
      "a syntax error",
      "export default {\n  resources: ( => [],\n};\n",
      /roles\/x\/role\.ts:2 x: expected a module that can be loaded, got SyntaxError/,
    ],
    ["what Node can't strip", "enum A { B }\nexport default {};\n", /role\.ts:1 x: .*enum is not supported/],
    ["no default export", "export const x = 1;\n", /role\.ts x: expected a default export, got none; write `export default defineRole/],
    ["code that throws", '\nthrow new Error("no luck");\n', /role\.ts:2:7 x: .*got Error: no luck/],
    ["an await outside a function", `await 1;\nexport default { summary: "x", ${ok} };\n`, /role\.ts x: .*an `await` outside a function/],
    ["a module that is not there", `import "./gone.ts";\nexport default { summary: "x", ${ok} };\n`, /role\.ts\S* x: .*Cannot find module/],
    [
      "a file outside roles/",
      'import "../../outside.ts";\n',
      /expected `contest-fleet\/role`, a package, or a file below roles\/ to import, got `\.\.\/\.\.\/outside\.ts`/,
    ],
    [
      "a word that no role has",
      `export default { summary: "x", need: 1, ${ok} };\n`,
      /role\.ts x need: unknown key; did you mean `needs`\?/,
    ],
    [
      "no summary and no resources",
      "export default {};\n",
      /x summary: expected text, got nothing[\s\S]*x resources: expected a function, got nothing/,
    ],
    ["parameters that are no schema", `export default { summary: "x", params: {}, ${ok} };\n`, /x params: expected a schema of `z`/],
    [
      "parameters that are no map",
      `import { z } from "contest-fleet/role";\nexport default { summary: "x", params: z.string(), ${ok} };\n`,
      /x params: expected a schema of a map .*, got `string`/,
    ],
    [
      "another name than its folder's",
      `export default { name: "y", summary: "x", ${ok} };\n`,
      /x name: expected the name of its folder, got `y`/,
    ],
    [
      "a contract that throws",
      `export default { summary: "x", provides: () => { throw new TypeError("oh"); }, ${ok} };\n`,
      /role\.ts:1:\d+ x: expected its code to end well, got TypeError: oh/,
    ],
    [
      "a contract that answers nonsense",
      `export default { summary: "x", services: () => [{ ports: { port: "80" } }], ${ok} };\n`,
      /x services\[0\]\.ports\.port: expected a port/,
    ],
    [
      "a resource of a wrong property",
      'import { want } from "contest-fleet/role";\nexport default {\n  summary: "x",\n  resources: () => [\n    want.file({ path: "/etc/x", content: "", mode: "9" }),\n  ],\n};\n',
      /role\.ts:5:10 servers\.isu1 x file\[\/etc\/x\] mode: expected four octal digits .*, got `9`/,
    ],
    [
      "a resource without what names it",
      'import { want } from "contest-fleet/role";\nexport default { summary: "x", resources: () => [want.file({ content: "" } as never)] };\n',
      /servers\.isu1 x file path: expected an absolute path .*, got nothing/,
    ],
    [
      "resources that are none",
      'export default { summary: "x", resources: () => ["file"] };\n',
      /x resources\[0\]: expected a map, got `file`/,
    ],
    [
      "resources that throw",
      'export default {\n  summary: "x",\n  resources: ({ params }) => params.list.map(String),\n};\n',
      /role\.ts:3:\d+ servers\.isu1 x: expected its code to end well, got TypeError: Cannot read/,
    ],
    [
      "a template that asks for what is not there",
      'import { template, want } from "contest-fleet/role";\nexport default { summary: "x", resources: () => [want.file({ path: "/x", content: template(import.meta, "../motd/motd.liquid")({}) })] };\n',
      /x: .*motd\.liquid: undefined variable: text, line:1/,
    ],
  ])("%s is told with its file, by whoever uses it, and stops nobody else", ([, text, told]) => {
    role("x", text);
    stack("a", "[base, x]");
    stack("b", "[base, motd]");
    const use = () => wantsOf("a", "x");
    expect(use).toThrow(told);
    expect(use).toThrow(expect.objectContaining({ name: "UserError" }));
    expect(Object.keys(wantsOf("b", "motd"))).toEqual(["file[/etc/motd]"]);
  });

  test.for(["nginx", "files"])("has a name that is the fleet's: %s", (name) => {
    role(name, `export default { summary: "x", ${ok} };\n`);
    stack("a", `[base, ${name === "files" ? "motd" : name}]`);
    stack("b", "[base, motd]");
    const { status, stderr } = fleet("check");
    expect(status).toBe(2);
    expect(stderr).toContain(
      `roles/${name}/role.ts ${name}: expected a name that is free, got \`${name}\`, which the fleet has; rename the folder`,
    );
    if (name === "nginx") expect(() => plan("a")).toThrow("rename the folder");
    expect(fleet("check", "b").status).toBe(0);
  });

  test("the faults of several roles are told at once", () => {
    role("x", 'export default { summary: "x", resources: () => [].at(0).y };\n');
    role("y", 'export default { summary: "x", resources: () => [1] };\n');
    stack("a", "[x, y]");
    expect(fleet("check", "a", "--json").stdout).toMatch(/servers\.isu1 x[\s\S]*y resources\[0\]/);
  });
});

test("the page of the kit names all that it has", () => {
  const page = readFileSync(join(checkout, "docs/own-roles.md"), "utf8");
  expect(Object.keys(kit).filter((name) => !page.includes(`\`${name}`))).toEqual([]);
});
