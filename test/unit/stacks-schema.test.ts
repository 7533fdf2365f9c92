// The JSON Schema that editors use is checked in; UPDATE_GOLDEN=1 writes it anew after a change of the spec or of a role's parameters.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { targets } from "../../components/targets/targets.ts";
import { roleSchemas } from "../../provisioners/roles/roles.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { schemaText } from "../../spec/schema.ts";
import type { RoleSchemas } from "../../spec/spec.ts";
import { roles } from "../support/stack-roles.ts";

const stacks = join(import.meta.dirname, "../../stacks");
const cases = join(import.meta.dirname, "../cases/stacks");
/** Those that come with the product; what else lies there is its user's. */
const samples = readdirSync(join(stacks, "samples")).filter((file) => /^Pulumi\..*\.yaml$/.test(file));
const stackFiles = ["Pulumi.practice.yaml", ...samples.map((file) => join("samples", file))];
/** Whoever copies a sample puts in the passwords. */
const textOf = (file: string): string =>
  readFileSync(join(stacks, file), "utf8").replaceAll(/^( +)user: isucon$/gm, '$&\n$1password: { secure: "v1:x" }');

type Fields = Readonly<Record<string, Node>>;
interface Node {
  readonly $ref?: string;
  readonly description?: string;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly items?: Node;
  readonly additionalProperties?: Node;
  readonly properties?: Fields;
}

describe("fleet.schema.json", () => {
  test("is fresh", () => {
    const file = join(stacks, "fleet.schema.json");
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, schemaText(choices));
    expect(readFileSync(file, "utf8"), "run this test with UPDATE_GOLDEN=1").toBe(schemaText(choices));
  });

  test("is named in the first line of every stack file that comes with the product", () => {
    expect(stackFiles.length).toBeGreaterThan(1);
    for (const file of stackFiles) {
      expect(readFileSync(join(stacks, file), "utf8").split("\n")[0], file).toBe("# yaml-language-server: $schema=./fleet.schema.json");
    }
  });
});

describe("the schema of the roles it is handed", () => {
  const schema = JSON.parse(schemaText({ roles, targets })) as Node;
  const fleet = schema.properties!.config!.properties!["contest-fleet:fleet"]!.properties as Fields;
  const server = fleet.servers!.additionalProperties!.properties as Fields;
  const params = (schema as { $defs?: Fields }).$defs!.params!.properties!;

  test("describes every field", () => {
    const bare = (fields: Fields, path: string): readonly string[] =>
      Object.entries(fields).flatMap(([key, { description, properties = {} }]) => [
        ...(description ? [] : [`${path}${key}`]),
        ...bare(properties, `${path}${key}.`),
      ]);
    const { params: _shared, ...ours } = fleet;
    const { params: _own, ...itsFields } = server;
    expect(bare(ours, "")).toEqual([]);
    expect(bare(itsFields, "server.")).toEqual([]);
  });

  test("lists the roles, and their parameters wherever they may stand, none of them required there", () => {
    expect(server.roles!.items!.enum).toEqual(["app", "base", "mysql", "nginx", "site"]);
    expect(Object.keys(params)).toEqual(Object.keys(roles));
    expect(params.site!.required).toBeUndefined();
    const places = JSON.stringify(fleet).match(/"params":\{"description":"parameters [^"]*","\$ref":"#\/\$defs\/params"\}/g);
    // The fleet's, a server's, a pool's and a pipeline's.
    expect(places).toHaveLength(4);
  });

  test("takes every right case and refuses keys it does not know", () => {
    const check = z.fromJSONSchema(JSON.parse(schemaText({ roles, targets })));
    const data = (name: string) => parse(readFileSync(join(cases, name), "utf8"));
    for (const name of readdirSync(cases).filter((file) => /^right-.*\.yaml$/.test(file))) {
      expect(check.safeParse(data(name)).error, name).toBeUndefined();
    }
    for (const name of ["unknown-key.yaml", "misspelt-role.yaml", "practice-without-team.yaml", "secret-where-a-name-belongs.yaml"]) {
      expect(check.safeParse(data(name)).success, name).toBe(false);
    }
  });
});

describe("the stack files of this project", () => {
  test.each(stackFiles)("%s is right, but for the roles' own parameters", (file) => {
    const names = ["base", "php-fpm", "app", "nginx", "mysql", "memcached", "redis", ...Object.keys(roleSchemas)];
    const any: RoleSchemas = Object.fromEntries(names.map((name) => [name, z.looseObject({})]));
    const { spec } = parseStack(textOf(file), file, { roles: any, targets });
    expect(basename(file)).toBe(`Pulumi.${spec.team}.yaml`);
  });
});
