// The JSON Schema that editors check stack files with, from the same constants that read.ts parses with.
import { z } from "zod";
import { marks } from "./scalars.ts";
import { fleetKey } from "./secrets.ts";
import { fleetWith, type RoleSchemas, StackFile, Target, targetKinds } from "./spec.ts";

type Json = Record<string, unknown>;

/** What Pulumi writes for a secret. */
const secure = {
  type: "object",
  properties: { secure: { type: "string" } },
  required: ["secure"],
  additionalProperties: false,
  description: "a Pulumi secret: pulumi config set --secret --path …",
};

/** What zod can't know: secrets stand where free text may, `target` has a short form, roles have names. */
function refine(schema: z.core.$ZodType, json: Json, path: readonly (string | number)[], roles: readonly string[]): void {
  if (schema === Target) {
    const { description, ...long } = json;
    for (const key of Object.keys(long)) delete json[key];
    Object.assign(json, { description, anyOf: [{ enum: [...targetKinds] }, long] });
    return;
  }
  const mark = marks.get(schema as z.ZodType)?.mark;
  if (mark === "role" && json.type === "string" && roles.length > 0) json.enum = [...roles];
  if (json.type !== "string" || path.at(-1) === "propertyNames") return;
  if (["enum", "const", "format", "pattern"].some((key) => key in json)) return;
  const { type, minLength, maxLength } = json;
  for (const key of ["type", "minLength", "maxLength"]) delete json[key];
  json.anyOf = [
    { type, ...(minLength === undefined ? {} : { minLength }), ...(maxLength === undefined ? {} : { maxLength }) },
    { $ref: "#/$defs/secure" },
  ];
}

/** Parameters are partial in each place. The entries of a list are whole: lists replace each other. */
function withoutRequired(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutRequired);
  if (typeof json !== "object" || json === null) return json;
  const kept = Object.entries(json).filter(([key, value]) => !(key === "required" && Array.isArray(value)));
  return Object.fromEntries(kept.map(([key, value]) => [key, key === "items" || key === "prefixItems" ? value : withoutRequired(value)]));
}

/** The schema of a stack file whose roles take these parameters, as JSON text with a newline at the end. */
export function schemaText(roles: RoleSchemas): string {
  const names = Object.keys(roles).sort();
  const options = { io: "input", unrepresentable: "any", reused: "inline" } as const;
  const {
    $schema: _fleet,
    $defs: fleetDefs,
    ...fleet
  } = z.toJSONSchema(fleetWith(roles), {
    ...options,
    override: ({ zodSchema, jsonSchema, path }) => refine(zodSchema, jsonSchema as Json, path, names),
  });
  const { properties } = fleet as unknown as { properties: { params: unknown; servers: { additionalProperties: { properties: Json } } } };
  properties.params = withoutRequired(properties.params);
  const server = properties.servers.additionalProperties.properties;
  server.params = withoutRequired(server.params);
  const file = z.toJSONSchema(StackFile, options) as unknown as { properties: { config: Json } };
  const config = {
    type: "object",
    description: file.properties.config.description,
    properties: { [fleetKey]: fleet },
    required: [fleetKey],
  };
  const whole = { ...file, properties: { ...file.properties, config }, $defs: { ...(fleetDefs as Json | undefined), secure } };
  return `${JSON.stringify(whole, null, 2)}\n`;
}
