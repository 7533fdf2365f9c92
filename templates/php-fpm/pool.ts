// A php-fpm pool: its socket, and as many children as the memory carries.
import { z } from "zod";
import { AbsolutePath, Line, UserName } from "../../spec/scalars.ts";
import { assignments, conf, ownedBy, when } from "../conf.ts";
import { clamp, Label, type Machine } from "../words.ts";

const Directive = z.string().regex(/^[a-z][a-z0-9_.]*$/, "expected a php.ini directive such as `memory_limit`");
/** Ends at `;` in an INI file, so none goes in; the rest travels between double quotes. */
export const IniValue = z.union([Line.regex(/^[^"\\;$]*$/, 'expected text without `"`, `\\`, `;` and `$`'), z.number(), z.boolean()]);

export const PhpPool = z.strictObject({
  name: Label.default("www").describe("Name of the pool, and of its file in pool.d."),
  user: UserName.default("www-data").describe("User that scripts run as."),
  group: UserName.default("www-data").describe("Group that scripts run as."),
  socket: AbsolutePath.default("/run/php/fleet.sock").describe("Unix socket that nginx hands scripts to."),
  pm: z.enum(["static", "dynamic"]).default("static").describe("`static`: all children at once, none is started under load."),
  children: z.int().min(1).optional().describe("Default: what the memory carries."),
  childMiB: z.int().min(8).default(64).describe("Memory that a child is counted with, MiB."),
  maxRequests: z.int().min(0).default(0).describe("Requests after which a child is replaced; 0 never."),
  requestTimeout: z.int().min(0).default(60).describe("Seconds until a request is ended; 0 never."),
  ini: z.record(Directive, IniValue).default({}).describe("php.ini directives that scripts can't change."),
});
export type PhpPool = z.infer<typeof PhpPool>;

/** Children: half of the memory where others share the machine, three quarters where not, at `childMiB` each; 2 to 512. */
export const phpChildren = ({ memoryMiB, shared }: Machine, childMiB: number): number =>
  clamp(Math.floor((memoryMiB * (shared ? 0.5 : 0.75)) / childMiB), 2, 512);

export const iniText = (value: string | number | boolean): string =>
  typeof value === "boolean" ? (value ? "On" : "Off") : typeof value === "number" ? String(value) : `"${value}"`;

const dynamic = (children: number): readonly string[] =>
  assignments({
    "pm.start_servers": Math.max(1, Math.floor(children / 2)),
    "pm.min_spare_servers": Math.max(1, Math.floor(children / 4)),
    "pm.max_spare_servers": Math.max(1, Math.floor((children * 3) / 4)),
  });

/** `/etc/php/<version>/fpm/pool.d/<name>.conf` */
export function phpPool(pool: PhpPool, machine: Machine): string {
  const children = pool.children ?? phpChildren(machine, pool.childMiB);
  return conf`
    ; ${ownedBy("php-fpm", "templates/php-fpm/pool.ts")}
    [${pool.name}]
    user = ${pool.user}
    group = ${pool.group}
    listen = ${pool.socket}
    listen.owner = ${pool.user}
    listen.group = ${pool.group}
    listen.mode = 0660
    listen.backlog = 8192
    pm = ${pool.pm}
    pm.max_children = ${children}
    ${when(pool.pm === "dynamic", dynamic(children))}
    pm.max_requests = ${pool.maxRequests}
    pm.status_path = /fpm-status
    request_terminate_timeout = ${pool.requestTimeout}s
    catch_workers_output = yes
    ${Object.entries(pool.ini).map(([name, value]) => `php_admin_value[${name}] = ${iniText(value)}`)}
  `;
}
