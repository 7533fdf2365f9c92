// What there is of kinds and roles is what lies in their folders. The registries are made from those: nobody keeps a list by hand.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { kinds } from "../../provisioners/resources/kinds.ts";
import { roles } from "../../provisioners/roles/roles.ts";

const root = join(import.meta.dirname, "../..");
const resources = join(root, "provisioners/resources");
const rolesFolder = join(root, "provisioners/roles");

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
const pascal = (name: string): string => camel(`-${name}`);
/** A word of the language can't be a constant's name: `packageKind`. */
const constant = (name: string): string => (name === "package" ? "packageKind" : camel(name));
const madeBy = "// Made from the folder by test/unit/registries.test.ts: UPDATE_GOLDEN=1 makes it anew.\n\n";

const kindNames = readdirSync(resources)
  .filter((file) => file.endsWith(".ts") && /^export const \w+ = define(?:File)?Kind</m.test(readFileSync(join(resources, file), "utf8")))
  .map((file) => file.replace(/\.ts$/, ""))
  .sort();

const registryOfKinds = (): string =>
  [
    madeBy,
    ...[...kindNames, "builder"]
      .sort()
      .map((name) => `import { ${name === "builder" ? name : `type ${pascal(name)}Want, ${constant(name)}`} } from "./${name}.ts";\n`),
    "\nexport const registered = [\n",
    ...kindNames.map((name) => `  ${constant(name)},\n`),
    "];\n\nexport const want = {\n",
    ...kindNames.map((name) => `  ${camel(name)}: builder<typeof ${pascal(name)}Want>(${constant(name)}),\n`),
    "};\n",
  ].join("");

/** `base` first: the others stand on it, in the documents too. */
const roleNames = readdirSync(rolesFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort((one, other) => Number(other === "base") - Number(one === "base") || (one < other ? -1 : 1));

const registryOfRoles = (): string =>
  [
    madeBy,
    ...[...roleNames].sort().map((name) => `import { ${constant(name)} } from "./${name}/role.ts";\n`),
    `\nexport const registered = [${roleNames.map(constant).join(", ")}];\n`,
  ].join("");

test.for([
  ["provisioners/resources/registry.ts", registryOfKinds],
  ["provisioners/roles/registry.ts", registryOfRoles],
] as const)("%s is what its folder holds", ([file, text]) => {
  const path = join(root, file);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, text());
  expect(readFileSync(path, "utf8"), "run this test with UPDATE_GOLDEN=1").toBe(text());
});

describe("kinds", () => {
  test("each has a rank of its own, by which a role does them", () => {
    const ranks = kinds.map(({ rank }) => rank);
    expect(new Set(ranks).size).toBe(ranks.length);
    expect(ranks).toEqual(ranks.toSorted((one, other) => one - other));
    expect(kinds.map(({ kind }) => kind).sort()).toEqual(kindNames);
  });
});

/** What the integration tests bring up on machines: stack files of theirs, and the practice stack. */
const onMachines = readdirSync(join(root, "test/integration"))
  .map((file) => readFileSync(join(root, "test/integration", file), "utf8"))
  .concat(readFileSync(join(root, "stacks/Pulumi.practice.yaml"), "utf8"))
  .join("\n");
const hasMachineCase = (role: string): boolean =>
  new RegExp(`roles: \\[[^\\]]*\\b${role}\\b(?!-)[^\\]]*\\]|import \\{ ${constant(role)} \\} from "[^"]*roles/${role}/role.ts"`).test(
    onMachines,
  );

describe.for(roleNames)("role %s", (role) => {
  test("is registered by the name of its folder", () => expect(roles.map(({ name }) => name)).toContain(role));

  test("has an example, a golden and a case on a machine", () => {
    expect(existsSync(join(rolesFolder, role, "example.yaml")), `provisioners/roles/${role}/example.yaml`).toBe(true);
    expect(existsSync(join(root, `test/golden/roles/example-${role}.json`)), `test/golden/roles/example-${role}.json`).toBe(true);
    expect(hasMachineCase(role), `${role}: a test in test/integration/ that brings it up`).toBe(true);
  });
});
