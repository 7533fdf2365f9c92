// stacks/fleet.schema.json, which editors check stack files with: the product's, with a team's own roles in it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { checkout, project, rolesFolder, stacksFolder } from "../provisioners/project.ts";
import { ownRoles, useRolesIn } from "../provisioners/roles/roles.ts";
import { choices } from "../provisioners/stack.ts";
import { schemaText } from "../spec/schema.ts";

export const schemaFile = join(stacksFolder, "fleet.schema.json");
export const schemaName = (): string => relative(project, schemaFile);

/** Writes it where it is not what the roles say. @returns whether it wrote */
export function writeSchema(): boolean {
  useRolesIn(rolesFolder());
  const text = schemaText(choices);
  if (existsSync(schemaFile) && readFileSync(schemaFile, "utf8") === text) return false;
  writeFileSync(schemaFile, text);
  return true;
}

/** Of a team's folder that is being made. */
export function schemaOf(folder: string): { readonly path: string; readonly content: string } {
  useRolesIn(rolesFolder(join(folder, "stacks")));
  return { path: "stacks/fleet.schema.json", content: schemaText(choices) };
}

/** The checkout's own is the product's, unless somebody has roles in it. */
export function refreshSchema(): boolean {
  useRolesIn(rolesFolder());
  const ours = project !== checkout || ownRoles().length > 0;
  return ours && existsSync(stacksFolder) && writeSchema();
}
