// The roles, by name. Adding one is a line here, its folder, its templates and its cases.
import type { z } from "zod";
import { app } from "./app/role.ts";
import { base } from "./base/role.ts";
import { haproxy } from "./haproxy/role.ts";
import { keepalived } from "./keepalived/role.ts";
import { memcached } from "./memcached/role.ts";
import { mysql } from "./mysql/role.ts";
import { nginx } from "./nginx/role.ts";
import { phpFpm } from "./php-fpm/role.ts";
import { redis } from "./redis/role.ts";
import type { Role, Territory } from "./role.ts";
import { varnish } from "./varnish/role.ts";
import { wordpress } from "./wordpress/role.ts";

// biome-ignore lint/suspicious/noExplicitAny: each role has its own parameters; they are checked by its schema before they get here
export const roles: readonly Role<any>[] = [base, nginx, phpFpm, app, wordpress, mysql, memcached, redis, haproxy, varnish, keepalived];

const byName = new Map(roles.map((role) => [role.name, role]));

/** For the stack file's reader: it checks parameters and names what it doesn't know. */
export const roleSchemas: Readonly<Record<string, z.ZodType>> = Object.fromEntries(roles.map(({ name, params }) => [name, params]));

export function roleNamed(name: string): Role {
  const role = byName.get(name);
  if (!role) throw new Error(`unknown role \`${name}\`; known: ${[...byName.keys()].join(", ")}`);
  return role;
}

/** Where the files of a role lie, with these parameters. */
export function territoryOf(name: string, params: unknown): readonly Territory[] {
  const { territory = [] } = roleNamed(name);
  return typeof territory === "function" ? territory(params) : territory;
}

/** Of all roles but these, as they are without parameters. */
export const otherTerritory = (names: readonly string[]): readonly Territory[] =>
  roles.filter(({ name }) => !names.includes(name)).flatMap(({ name, params }) => territoryOf(name, params.parse({})));
