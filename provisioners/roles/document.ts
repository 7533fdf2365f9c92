// docs/roles.md, from the roles' own schemas: what each takes, with its defaults.
import { z } from "zod";
import { roles } from "./roles.ts";

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function typeOf(node: Node): string {
  if (node.enum) return node.enum.map((each) => `\`${String(each)}\``).join(", ");
  const either = node.anyOf ?? node.oneOf;
  if (either) return [...new Set(either.map(typeOf))].join(" or ");
  if (node.type === "array") return `list of ${node.items ? typeOf(node.items) : "anything"}`;
  if (node.type === "object") return node.properties ? "map" : "map by name";
  return node.type ?? "anything";
}

/** A row for each parameter, those of nested maps with their whole path. */
function rows(node: Node, path: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, each]) => {
    const at = path ? `${path}.${name}` : name;
    const value = each.default === undefined || typeof each.default === "object" ? "" : ` Default \`${String(each.default)}\`.`;
    const said = each.description ?? "";
    const own = `| \`${at}\` | ${cell(typeOf(each))} | ${cell(`${said}${/default/i.test(said) ? "" : value}`)} |`;
    const inner = each.properties ? each : each.items?.properties ? each.items : undefined;
    return inner ? [own, ...rows(inner, each.items ? `${at}[]` : at)] : [own];
  });
}

/** Markdown; the same for the same schemas. */
export function rolesText(): string {
  const sections = roles.map(({ name, summary, params }) => {
    const schema = z.toJSONSchema(params, { io: "input", unrepresentable: "any" }) as Node;
    return [
      `## ${name}`,
      "",
      `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
      "",
      "| parameter | type | what it is |",
      "| --- | --- | --- |",
      ...rows(schema, ""),
    ].join("\n");
  });
  const head = `# Roles

Generated from the roles' schemas (\`provisioners/roles/\`): do not edit. Parameters stand under \`params.<role>\` of the stack file for all
servers, and under \`servers.<server>.params.<role>\` for one, laid over them: maps merge, lists and values replace.
A role works without any of them.`;
  return `${[head, ...sections].join("\n\n")}\n`;
}
