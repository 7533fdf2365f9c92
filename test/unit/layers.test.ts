// Imports point one way; what knows a library that bites is named.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/**
 * The longest prefix of a file names its room. `provisioners/` alone is what compiles a stack's plan; `targets` are the files by which the
 * targets fulfil their contract, which lie beside their wiring in `components/targets/`.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  spec: [],
  templates: ["spec"],
  "provisioners/engine": ["spec", "templates", "provisioners/resources"],
  "provisioners/resources": ["spec", "templates", "provisioners/engine"],
  "provisioners/ssh": ["spec", "provisioners/engine"],
  "provisioners/roles": ["spec", "templates", "provisioners/engine", "provisioners/resources"],
  "provisioners/aws": ["spec", "provisioners/engine"],
  targets: ["spec", "provisioners/engine"],
  machines: ["spec", "provisioners/engine"],
  provisioners: ["targets", "spec", "templates", "provisioners/engine", "provisioners/resources", "provisioners/roles"],
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
    "targets",
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
  pulumi: ["spec", "provisioners", "provisioners/engine", "provisioners/provider", "targets"],
  operations: [
    "targets",
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
    "targets",
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

const filesOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), "utf8").matchAll(/from "([^"]+)"/g)].map(([, name]) => name ?? "");

const ours = (file: string, names: readonly string[]): string[] =>
  names.filter((name) => name.startsWith(".")).map((name) => relative(root, resolve(root, file, "..", name)));

/** Without what is only a type, which is gone when the program runs. */
const valuesOf = (file: string): string[] =>
  [...readFileSync(join(root, file), "utf8").matchAll(/^(?:import|export) (?!type )[^;]*?from "([^"]+)"/gm)].map(([, name]) => name ?? "");

/** What these files load with themselves. */
function loadedWith(entries: readonly string[], isFollowed: (file: string) => boolean = () => true): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file) || !isFollowed(file)) return;
    found.add(file);
    for (const other of ours(file, valuesOf(file))) visit(other);
  };
  for (const entry of entries) visit(entry);
  return found;
}

/** What runs where the contract of targets is asked, in their own folders. */
const contract = loadedWith(["components/targets/targets.ts", "components/targets/contract.ts"], (file) =>
  file.startsWith("components/targets/"),
);

const prefixOf = (room: string): string => (room === "targets" ? "components/targets" : room);
const rooms = Object.keys(mayImport).sort((a, b) => b.length - a.length);
const roomOf = (file: string): string | undefined => {
  if (contract.has(file)) return "targets";
  return rooms.find((room) => room !== "targets" && file.startsWith(`${room}/`));
};

describe("imports", () => {
  test.for(Object.entries(mayImport))("%s/ imports only what it may", ([room, others]) => {
    const files = filesOf(prefixOf(room)).filter((file) => roomOf(file) === room);
    // A contract may name the type of what its wiring makes.
    const names = room === "targets" ? valuesOf : importsOf;
    const crossings = files.flatMap((file) =>
      ours(file, names(file))
        .map((target) => [file, target] as const)
        .filter(([, target]) => ![room, ...others].includes(roomOf(target) ?? "")),
    );
    expect(crossings).toEqual([]);
  });

  const knowing = (name: string) =>
    [...new Set(rooms.map(prefixOf).flatMap(filesOf))]
      .sort()
      .filter((file) => importsOf(file).includes(name))
      .sort();

  test("only the door to them knows ssh2 and node-ssh, in tests too", () => {
    const all = [...new Set([...rooms.map(prefixOf), "test"].flatMap(filesOf))];
    const through = all.filter((file) => importsOf(file).some((name) => name === "ssh2" || name === "node-ssh"));
    expect(through).toEqual(["provisioners/ssh/ssh2.ts"]);
  });

  test("only components and the program know Pulumi's SDK; the provider knows its protocol alone", () => {
    const outside = knowing("@pulumi/pulumi").filter((file) => !file.startsWith("components/"));
    expect(outside).toEqual([]);
  });

  test("a module of ours is required by its name without `.ts`, which it has not in the package", () => {
    const requires = /\b(?:load|require)(?:<[^>]*>)?\(\s*"\.[^"]*\.ts"/;
    const all = [...new Set(rooms.map(prefixOf).flatMap(filesOf))];
    expect(all.filter((file) => requires.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
  });

  test.for(["up", "preview", "verify"])("%s loads no stack file's reader and no target before its quick answer", (command) => {
    const loaded = [...loadedWith([`cli/commands/${command}.ts`])];
    expect(loaded).toContain("cli/quick/quick.ts");
    expect(
      loaded.filter((file) => ["provisioners/stack.ts", "components/targets/targets.ts", "spec/yaml-source.ts"].includes(file)),
    ).toEqual([]);
  });

  test("what runs where a target is asked knows no Pulumi, but may name its types", () => {
    expect([...contract].filter((file) => valuesOf(file).some((name) => name.startsWith("@pulumi/")))).toEqual([]);
    expect(contract).toContain("components/targets/aws/target.ts");
  });
});

describe("each target", () => {
  /** Its folder, the commands' part of it, and what is AWS's alone. Others ask the contract. */
  const homes = ["components/targets/", "cli/targets/", "cli/aws/"];

  test("is asked by its contract: no other file compares its kind", () => {
    const kinds = '"(?:practice|inventory|aws)"';
    const compares = new RegExp(`kind\\)?\\s*[!=]==?\\s*${kinds}|${kinds}\\s*[!=]==?[^;]*kind\\b|case ${kinds}|target\\??\\.kind\\]`);
    for (const each of [
      'if (target.kind === "aws")',
      'spec.target.kind !== "practice"',
      "fates[plan.spec.target.kind]",
      'case "inventory":',
    ])
      expect(each).toMatch(compares);
    const files = [...new Set([...rooms.map(prefixOf), "policy"].flatMap(filesOf)), "index.ts"];
    const asking = files.filter((file) => !homes.some((home) => file.startsWith(home)));
    const found = asking.flatMap((file) =>
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .flatMap((line) => (compares.test(line) ? [`${file}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });
});

describe("each role", () => {
  test("is registered, and its folder holds its role.ts", async () => {
    const folders = readdirSync(join(root, "provisioners/roles"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const { roles } = await import("../../provisioners/roles/roles.ts");
    expect(roles.map(({ name }) => name).sort()).toEqual(folders.map(({ name }) => name).sort());
  });
});
