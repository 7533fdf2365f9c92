// What a team's own role imports, by the name `contest-fleet/role`: docs/own-roles.md. Names that are here stay.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { derived, literal } from "../engine/placeholders.ts";
import { defineRole as defined, type Role } from "./role.ts";
import { liquid } from "./template.ts";

export { z } from "zod";
export { UserError } from "../../spec/problem.ts";
export {
  AbsolutePath,
  Address,
  Cidr,
  Duration,
  EnvName,
  FilePath,
  Identifier,
  Ipv4,
  Line,
  Mode,
  OwnName,
  PackageName,
  Port,
  SecretText,
  ServerRef,
  Sha256,
  Size,
  SysctlKey,
  UnitName,
  Url,
  UserName,
} from "../../spec/scalars.ts";
export { dropIn } from "../../templates/app/unit.ts";
export { assignments, conf, when } from "../../templates/conf.ts";
export type { Facts } from "../engine/facts.ts";
export { type Declared, want } from "../resources/want.ts";
export { type EndpointServer, endpointServers } from "./endpoints.ts";
export {
  type Account,
  accountNamed,
  appAccount,
  type ByFacts,
  type Endpoint,
  endpointOf,
  type Need,
  type RoleContext,
  reachable,
  type ServerView,
  type ServiceContract,
  type TeamEndpoint,
  type TeamView,
  type Territory,
} from "./role.ts";
export { derived };

/** A role as its folder's `role.ts` hands it over: the folder is its name. */
export type OwnRole<Params> = Omit<Role<Params>, "name" | "folder" | "params"> & {
  /** What the stack file may say under `params.<role>`: `z.strictObject({…})`, each field with a default where it can have one. @default none */
  readonly params?: z.ZodType<Params, unknown>;
};

/** `export default defineRole({ summary, params, resources })`. */
export const defineRole = <Params = Record<string, never>>(role: OwnRole<Params>): OwnRole<Params> => defined(role as Role<Params>);

/**
 * A file beside the role as a function from values to text, by Liquid: `template(import.meta, "motd.liquid")({ team: team.name })`.
 * What the values lack is an error with the template's line. Values may hold secrets of the stack file: they go in on the server.
 */
export const template =
  (role: object, file: string) =>
  (values: Readonly<Record<string, unknown>>): string => {
    try {
      // An object: who has no types of Node's knows nothing of `dirname`.
      const { dirname } = role as ImportMeta;
      return liquid(literal(readFileSync(join(dirname, file), "utf8")), values);
    } catch (error) {
      throw new Error(`${file}: ${(error as Error).message}`);
    }
  };
