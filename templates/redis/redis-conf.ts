// /etc/redis/redis.conf as Debian's unit starts it. Writes are kept over a restart unless the stack says otherwise.
import { z } from "zod";
import { AbsolutePath, SecretText } from "../../spec/scalars.ts";
import { conf, ownedBy, when } from "../conf.ts";
import { escapes } from "../escape.ts";
import { clamp, type Machine, ServerAddress } from "../words.ts";

const policies = ["noeviction", "allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lfu", "volatile-ttl"] as const;
const isLoopback = (address: string): boolean => /^127\./.test(address) || address === "localhost";

const RedisShape = z.strictObject({
  bind: z.array(ServerAddress).default(["127.0.0.1"]).describe("Addresses to listen on; none with `port: 0`."),
  port: z.int().min(0).max(65535).default(6379).describe("0 for the unix socket alone."),
  socket: AbsolutePath.optional().describe("Unix socket beside the port: /run/redis/redis-server.sock."),
  password: SecretText.optional().describe("Password that clients need; a Pulumi secret."),
  memory: z
    .int()
    .min(16)
    .optional()
    .describe("MiB for data. Default: a quarter of the machine's memory, half where it has the machine alone."),
  eviction: z
    .enum(policies)
    .default("noeviction")
    .describe("What goes when the memory is full. `noeviction`: writes fail, nothing is lost."),
  persistence: z
    .enum(["aof", "rdb", "none"])
    .default("aof")
    .describe(
      "`aof`: each write, synced once a second; `rdb`: a snapshot now and then; `none`: empty after a restart, which a retest finds.",
    ),
});
export const RedisParams = RedisShape.superRefine(({ bind, password, port }, context) => {
  if (bind.length === 0 && port > 0)
    context.addIssue({
      code: "custom",
      path: ["bind"],
      message: "expected an address, got none: with `port: 0` it listens on its socket alone",
    });
  if (bind.includes("0.0.0.0") && password === undefined) {
    context.addIssue({
      code: "custom",
      path: ["bind"],
      message: "expected private addresses, got `0.0.0.0` without `password`: set either",
    });
  }
});
export type RedisParams = z.infer<typeof RedisParams>;

/** MiB: a quarter of the memory where it is shared, half where not (a rewrite of the log needs room beside it); at least 32. */
export const redisMiB = ({ memoryMiB, shared }: Machine): number => Math.max(32, Math.floor(memoryMiB / (shared ? 4 : 2)));

const persistence = {
  aof: ["appendonly yes", "appendfsync everysec", 'save ""'],
  rdb: ["appendonly no", "save 300 1"],
  none: ["appendonly no", 'save ""'],
};

/** Protected mode turns other servers away where there is no password. */
const protectedMode = ({ password, bind }: RedisParams): readonly string[] =>
  password === undefined && !bind.every(isLoopback)
    ? ["# No password: the private addresses above are the fence.", "protected-mode no"]
    : ["protected-mode yes"];

export const redisConf = (redis: RedisParams, machine: Machine): string => conf`
  # ${ownedBy("redis", "templates/redis/redis-conf.ts")}
  ${when(redis.port > 0, `bind ${redis.bind.join(" ")}`)}
  port ${redis.port}
  ${redis.socket === undefined ? [] : [`unixsocket ${redis.socket}`, "unixsocketperm 770"]}
  ${protectedMode(redis)}
  ${redis.password === undefined ? [] : `requirepass "${escapes.redis(redis.password)}"`}
  tcp-backlog 511
  daemonize no
  supervised auto
  pidfile /run/redis/redis-server.pid
  logfile /var/log/redis/redis-server.log
  dir /var/lib/redis
  maxmemory ${redis.memory ?? redisMiB(machine)}mb
  maxmemory-policy ${redis.eviction}
  io-threads ${clamp(machine.cores - 1, 1, 4)}
  # Persistence: ${redis.persistence}
  ${persistence[redis.persistence]}
`;
