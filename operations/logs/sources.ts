// What the logs of a server are: units of its journal, and files that its services write.
import type { FleetServer } from "../fleet-up.ts";

export interface Sources {
  /** As journalctl's `-u` takes them; empty: the whole journal. Undefined: nothing of it. */
  readonly units: readonly string[] | undefined;
  /** Paths, with patterns as a shell knows them. */
  readonly files: readonly string[];
  /** Those that somebody asked for by name: where one is not there, it is told. */
  readonly named?: { readonly units: readonly string[]; readonly files: readonly string[] };
}

export interface LogWish {
  readonly units: readonly string[];
  readonly roles: readonly string[];
  readonly files: readonly string[];
}

/** What services write beside the journal, where Debian's packages put it. */
const filesOfRole: Readonly<Record<string, readonly string[]>> = {
  nginx: ["/var/log/nginx/*.log"],
  mysql: ["/var/log/mysql/*.log"],
  postgresql: ["/var/log/postgresql/*.log"],
  redis: ["/var/log/redis/*.log"],
  varnish: ["/var/log/varnish/*.log"],
  haproxy: ["/var/log/haproxy.log"],
  "php-fpm": ["/var/log/php*-fpm.log"],
};

/** Pure. Without a wish: the whole journal, and the files of all roles. */
export function sourcesOf({ roles, wants }: Pick<FleetServer, "roles" | "wants">, wish: LogWish): Sources {
  const none = wish.units.length + wish.roles.length + wish.files.length === 0;
  if (none) return { units: [], files: roles.flatMap((role) => filesOfRole[role] ?? []) };
  const chosen = roles.filter((role) => wish.roles.includes(role));
  const units = [...wish.units, ...chosen.flatMap((role) => servicesIn(wants[role] ?? {}))];
  return {
    units: units.length > 0 ? [...new Set(units)] : undefined,
    files: [...new Set([...wish.files, ...chosen.flatMap((role) => filesOfRole[role] ?? [])])],
    ...(wish.units.length + wish.files.length > 0 && { named: { units: wish.units, files: wish.files } }),
  };
}

const servicesIn = (wants: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.keys(wants).flatMap((address) => /^service\[(.+)\]$/.exec(address)?.[1] ?? []);
