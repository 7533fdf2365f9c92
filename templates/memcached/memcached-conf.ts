// /etc/memcached.conf: memory from the machine, a port or a unix socket. Keeps nothing over a restart: it is a cache.
import { z } from "zod";
import { AbsolutePath, Port } from "../../spec/scalars.ts";
import { conf, ownedBy } from "../conf.ts";
import { clamp, type Machine, ServerAddress } from "../words.ts";

export const MemcachedParams = z.strictObject({
  memory: z
    .int()
    .min(8)
    .optional()
    .describe("MiB for items. Default: an eighth of the machine's memory, half where it has the machine alone."),
  connections: z.int().min(16).default(1024).describe("Connections at once; more need LimitNOFILE in the unit."),
  maxItemSize: z
    .string()
    .regex(/^\d+[km]?$/)
    .default("1m")
    .describe("Largest item, such as `4m`."),
  listen: z
    .union([
      z.strictObject({
        addresses: z.array(ServerAddress).min(1).describe("Addresses to listen on."),
        port: Port.default(11211).describe("TCP port."),
      }),
      z.strictObject({ socket: AbsolutePath.describe("Unix socket, instead of addresses.") }),
    ])
    .default({ addresses: ["127.0.0.1"], port: 11211 })
    .describe("Has no password: loopback, private addresses, or a unix socket."),
});
export type MemcachedParams = z.infer<typeof MemcachedParams>;

/** MiB: an eighth of the memory where it is shared, half where not; at least 64, memcached's own default. */
export const memcachedMiB = ({ memoryMiB, shared }: Machine): number => clamp(Math.floor(memoryMiB / (shared ? 8 : 2)), 64, 65536);

/** Red Hat's unit reads variables instead; what has none is its `OPTIONS`. */
export function memcachedVariables({ memory, connections, maxItemSize, listen }: MemcachedParams, machine: Machine): string {
  const options = [
    `-I ${maxItemSize}`,
    `-t ${clamp(machine.cores, 1, 16)}`,
    ...("socket" in listen ? [`-s ${listen.socket}`, "-a 0666"] : ["-U 0", `-l ${listen.addresses.join(",")}`]),
  ];
  return conf`
    # ${ownedBy("memcached", "templates/memcached/memcached-conf.ts")}
    # Nothing is kept over a restart: a cache.
    PORT="${"port" in listen ? listen.port : 0}"
    USER="memcached"
    MAXCONN="${connections}"
    CACHESIZE="${memory ?? memcachedMiB(machine)}"
    OPTIONS="${options.join(" ")}"
  `;
}

export function memcachedConf({ memory, connections, maxItemSize, listen }: MemcachedParams, machine: Machine): string {
  return conf`
    # ${ownedBy("memcached", "templates/memcached/memcached-conf.ts")}
    # Nothing is kept over a restart: a cache.
    -u memcache
    -m ${memory ?? memcachedMiB(machine)}
    -c ${connections}
    -I ${maxItemSize}
    -t ${clamp(machine.cores, 1, 16)}
    ${"socket" in listen ? [`-s ${listen.socket}`, "-a 0666"] : [`-p ${listen.port}`, "-U 0", `-l ${listen.addresses.join(",")}`]}
    -P /var/run/memcached/memcached.pid
  `;
}
