// Imports point one way; what knows a library that bites is named.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The longest prefix of a file names its room. `provisioners/` alone is what compiles a stack's plan. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  spec: [],
  templates: ["spec"],
  "provisioners/engine": ["spec", "templates", "provisioners/resources"],
  "provisioners/resources": ["spec", "templates", "provisioners/engine"],
  "provisioners/ssh": ["spec", "provisioners/engine"],
  "provisioners/roles": ["spec", "templates", "provisioners/engine", "provisioners/resources"],
  "provisioners/aws": ["spec", "provisioners/engine"],
  machines: ["spec", "provisioners/engine"],
  provisioners: ["spec", "templates", "provisioners/engine", "provisioners/resources", "provisioners/roles", "provisioners/aws"],
  "provisioners/provider": [
    "spec",
    "provisioners",
    "provisioners/aws",
    "provisioners/engine",
    "provisioners/resources",
    "provisioners/ssh",
    "machines",
  ],
  components: [
    "spec",
    "templates",
    "machines",
    "provisioners",
    "provisioners/engine",
    "provisioners/resources",
    "provisioners/roles",
    "provisioners/aws",
    "provisioners/provider",
  ],
  iam: [],
  pulumi: ["spec", "provisioners", "provisioners/aws", "provisioners/engine", "components"],
  operations: [
    "spec",
    "templates",
    "machines",
    "provisioners",
    "provisioners/engine",
    "provisioners/resources",
    "provisioners/roles",
    "provisioners/ssh",
    "provisioners/provider",
    "pulumi",
  ],
  cli: [
    "spec",
    "templates",
    "machines",
    "provisioners",
    "provisioners/engine",
    "provisioners/resources",
    "provisioners/roles",
    "provisioners/ssh",
    "provisioners/aws",
    "provisioners/provider",
    "components",
    "pulumi",
    "operations",
    "iam",
  ],
};

const rooms = Object.keys(mayImport).sort((a, b) => b.length - a.length);
const roomOf = (file: string): string | undefined => rooms.find((room) => file.startsWith(`${room}/`));

const filesOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), "utf8").matchAll(/from "([^"]+)"/g)].map(([, name]) => name ?? "");

describe("imports", () => {
  test.for(Object.entries(mayImport))("%s/ imports only what it may", ([room, others]) => {
    const crossings = filesOf(room)
      .filter((file) => roomOf(file) === room)
      .flatMap((file) =>
        importsOf(file)
          .filter((name) => name.startsWith("."))
          .map((name) => [file, relative(root, resolve(root, file, "..", name))] as const)
          .filter(([, target]) => ![room, ...others].includes(roomOf(target) ?? "")),
      );
    expect(crossings).toEqual([]);
  });

  const knowing = (name: string) =>
    [...new Set(rooms.flatMap(filesOf))]
      .sort()
      .filter((file) => importsOf(file).includes(name))
      .sort();

  test("only the door to them knows ssh2 and node-ssh, in tests too", () => {
    const all = [...new Set([...rooms, "test"].flatMap(filesOf))];
    const through = all.filter((file) => importsOf(file).some((name) => name === "ssh2" || name === "node-ssh"));
    expect(through).toEqual(["provisioners/ssh/ssh2.ts"]);
  });

  test("only components and the program know Pulumi's SDK; the provider knows its protocol alone", () => {
    const outside = knowing("@pulumi/pulumi").filter((file) => !file.startsWith("components/"));
    expect(outside).toEqual([]);
  });
});

describe("each role", () => {
  test("is registered, and its folder holds its role.ts", async () => {
    const folders = readdirSync(join(root, "provisioners/roles"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const { roles } = await import("../../provisioners/roles/roles.ts");
    expect(roles.map(({ name }) => name).sort()).toEqual(folders.map(({ name }) => name).sort());
  });
});
