// docs/roles.md, from the roles' own schemas: every parameter, with its type and default. `parametersOf` is what tests judge, too.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Role } from "./role.ts";
import { roles } from "./roles.ts";

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

export interface Parameter {
  /** `sites[].routes[].path`; `<name>` stands for a key that the stack file chooses. */
  readonly path: string;
  readonly type: string;
  /** Empty where the schema has none. */
  readonly description: string;
  /** As YAML would have it; undefined where the schema has none. */
  readonly default?: string;
  readonly required: boolean;
}

const variantsOf = ({ anyOf, oneOf }: Node): readonly Node[] => anyOf ?? oneOf ?? [];
const constantOf = (node: Node): unknown => (node.enum?.length === 1 ? node.enum[0] : node.const);
const isEmpty = (value: unknown): boolean => typeof value === "object" && value !== null && Object.keys(value).length === 0;

function typeOf(node: Node): string {
  if (node.enum) return node.enum.map((each) => `\`${String(each)}\``).join(", ");
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  const variants = variantsOf(node);
  if (variants.length > 0) return [...new Set(variants.map(typeOf))].join(" or ");
  if (node.type === "array") return `list of ${node.items ? typeOf(node.items) : "anything"}`;
  if (node.type === "object") return node.properties ? "map" : "map by name";
  return node.type ?? "anything";
}

/** Of several kinds of a thing, each has its mark: `routes[proxy]`. Alternatives without one share their rows. */
function markOf(node: Node): string | undefined {
  const kind = node.properties?.kind;
  const value = kind && constantOf(kind);
  return typeof value === "string" ? value : undefined;
}

function below(node: Node, path: string): readonly Parameter[] {
  const named = Object.entries(node.properties ?? {}).flatMap(([name, each]) =>
    parameter(each, path ? `${path}.${name}` : name, node.required?.includes(name) ?? false),
  );
  const free = typeof node.additionalProperties === "object" ? below(node.additionalProperties, `${path}.<name>`) : [];
  const items = node.items ? below(node.items, `${path}[]`) : [];
  const variants = variantsOf(node).flatMap((each) => {
    const mark = markOf(each);
    return below(each, mark === undefined ? path : `${path.replace(/\[\]$/, "")}[${mark}]`);
  });
  return [...named, ...free, ...items, ...variants];
}

function parameter(node: Node, path: string, required: boolean): readonly Parameter[] {
  const shown = node.default === undefined || isEmpty(node.default) ? undefined : yaml(node.default);
  const own = {
    path,
    type: typeOf(node),
    description: node.description ?? "",
    required: required && node.default === undefined,
    ...(shown !== undefined && { default: shown }),
  };
  return [own, ...below(node, path)];
}

/** One line of YAML's flow style. */
function yaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yaml).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${key}: ${yaml(each)}`)
    .join(", ")}}`;
}

/** All parameters of a schema, parents before their children, each once. */
export function parametersOf(schema: z.ZodType): readonly Parameter[] {
  const all = below(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node, "");
  return [...new Map(all.map((each) => [each.path, each])).values()];
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
const sentence = (text: string): string => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}${/[.:)]$/.test(text) ? "" : "."}`;

const row = ({ path, type, description, default: value, required }: Parameter): string =>
  `| \`${path}\` | ${cell(type)} | ${required ? "required" : value === undefined ? "" : cell(`\`${value}\``)} | ${cell(sentence(description))} |`;

/** The example of a role, as YAML; a team's own need not have one. */
export function exampleOf({ name, folder = join(import.meta.dirname, name) }: Pick<Role, "name" | "folder">): string | undefined {
  const file = join(folder, "example.yaml");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd() : undefined;
}

/** Markdown; the same for the same schemas. */
export function rolesText(): string {
  const sections = roles.map(({ name, summary, params }) =>
    [
      `## ${name}`,
      "",
      sentence(summary),
      "",
      "| parameter | type | default | what it is |",
      "| --- | --- | --- | --- |",
      ...parametersOf(params).map(row),
      "",
      "```yaml",
      exampleOf({ name }) ?? "",
      "```",
    ].join("\n"),
  );
  const head = `# Roles

Generated from the roles' schemas (\`provisioners/roles/\`): do not edit. Parameters stand under \`params.<role>\` of the stack file for all
servers, and under \`servers.<server>.params.<role>\` for one, laid over them: maps merge, lists and values replace.
A role works without any of them. \`[]\` stands for each entry of a list, \`[proxy]\` for an entry of that kind, \`<name>\` for a key of your choice;
"required" is what such an entry needs. The examples are whole fleets, as they stand under \`contest-fleet:fleet\`; tests keep them right.`;
  return `${[head, ...sections].join("\n\n")}\n`;
}
