// Imports point one way; what knows a library that bites is named.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

const mayImport: Readonly<Record<string, readonly string[]>> = {
  stacks: [],
  templates: ["stacks"],
  provisioners: ["stacks", "templates"],
  components: ["stacks", "templates", "provisioners"],
  cli: ["stacks", "templates", "provisioners", "components"],
};

const filesOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), "utf8").matchAll(/from "([^"]+)"/g)].map(([, name]) => name ?? "");

describe("imports", () => {
  test.for(Object.entries(mayImport))("%s/ imports only what lies below it", ([layer, below]) => {
    const crossings = filesOf(layer).flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith("."))
        .map((name) => [file, relative(root, resolve(root, file, "..", name))] as const)
        .filter(([, target]) => ![layer, ...below].includes(target.split("/")[0] ?? "")),
    );
    expect(crossings).toEqual([]);
  });

  const knowing = (name: string) =>
    Object.keys(mayImport)
      .flatMap(filesOf)
      .filter((file) => importsOf(file).includes(name))
      .sort();

  test("only these know ssh2 and node-ssh", () => {
    expect(knowing("node-ssh")).toEqual(["provisioners/host/link.ts"]);
    expect(knowing("ssh2")).toEqual([
      "provisioners/host/auth.ts",
      "provisioners/host/link.ts",
      "provisioners/plugin/key-pair.ts",
      "provisioners/plugin/team-keys.ts",
    ]);
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
