// The JSON Schema that editors check stack files with, from the same constants that read.ts parses with.
import { z } from "zod";
import { marks } from "./scalars.ts";
import { fleetKey } from "./secrets.ts";
import { type Choices, fleetWith, StackFile } from "./spec.ts";

type Json = Record<string, unknown>;

/** What Pulumi writes for a secret. */
const secure = {
  type: "object",
  properties: { secure: { type: "string" } },
  required: ["secure"],
  additionalProperties: false,
  description: "a Pulumi secret: pulumi config set --secret --path …",
};

/** What zod can't know: secrets stand where free text may, roles have names. */
function refine(schema: z.core.$ZodType, json: Json, path: readonly (string | number)[], roles: readonly string[]): void {
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

/** In place of what it was. */
function become(json: Json, now: Json): void {
  for (const key of Object.keys(json)) delete json[key];
  Object.assign(json, now);
}

/** The fleet, and the parameters of all roles: those stand once, whoever has them. */
function fleetSchema(choices: Choices): { readonly fleet: Json; readonly params: unknown } {
  const names = Object.keys(choices.roles).sort();
  const zod = fleetWith(choices);
  let params: Json = {};
  const override = (schema: z.core.$ZodType, json: Json, path: readonly (string | number)[]) => {
    const { description, ...rest } = json;
    // `target` has a short form.
    if (schema === zod.shape.target) return become(json, { description, anyOf: [{ enum: choices.targets.map(({ kind }) => kind) }, rest] });
    // Each place has a description of its own, over the same definition.
    if (schema._zod.def !== zod.shape.params._zod.def) return refine(schema, json, path, names);
    // What a description is added to comes first, and is done then.
    if (!("$ref" in rest)) params = rest;
    become(json, { description, $ref: "#/$defs/params" });
  };
  const fleet = z.toJSONSchema(zod, {
    ...options,
    override: ({ zodSchema, jsonSchema, path }) => override(zodSchema, jsonSchema as Json, path),
  });
  return { fleet: fleet as unknown as Json, params: withoutRequired(params) };
}

const options = { io: "input", unrepresentable: "any", reused: "inline" } as const;

/** The schema of a stack file with these roles and targets to choose from, as JSON text with a newline at the end. */
export function schemaText(choices: Choices): string {
  const { fleet: whole, params } = fleetSchema(choices);
  const { $schema: _, $defs: fleetDefs, ...fleet } = whole;
  const file = z.toJSONSchema(StackFile, options) as unknown as { properties: { config: Json } };
  const config = {
    type: "object",
    description: file.properties.config.description,
    properties: { [fleetKey]: fleet },
    required: [fleetKey],
  };
  const schema = { ...file, properties: { ...file.properties, config }, $defs: { ...(fleetDefs as Json | undefined), params, secure } };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
