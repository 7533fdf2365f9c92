// redis: memory from the machine, persistence stated; reached by the team's servers.
import type { z } from "zod";
import { RedisParams, redisConf } from "../../../templates/redis/redis-conf.ts";
import { want } from "../../resources/want.ts";
import { machineOf } from "../machine.ts";
import { defineRole, reachable, reachedAt } from "../role.ts";
import { redisMove } from "./move.ts";

type Params = z.infer<typeof RedisParams>;

export const redis = defineRole<Params>({
  name: "redis",
  summary: "redis, sized from the memory; writes outlive a restart unless the stack says otherwise",
  params: RedisParams,
  packageManagers: ["apt"],
  territory: [
    { name: "redis", paths: ["/etc/redis"], unit: "redis-server.service", hears: "restart", live: "redis", liveFiles: /\.conf$/ },
  ],
  services: ({ port }) => [{ unit: "redis-server.service", ports: port > 0 ? { port } : {} }],
  provides: ({ port, socket }) => ({ redis: { protocol: "redis", ...(port > 0 && { port }), socket } }),
  memory: "share",
  move: redisMove,
  resources(context) {
    const { params } = context;
    const content = redisConf({ ...params, bind: reachable(context, params.bind) }, machineOf(context));
    const file = want.file({
      path: "/etc/redis/redis.conf",
      content,
      mode: "0640",
      owner: "redis",
      group: "redis",
      sensitive: params.password !== undefined,
    });
    const check =
      params.port > 0
        ? want.check({ name: "redis", port: { port: params.port, program: "redis-server", ...reachedAt(context, params.port) } })
        : want.check({ name: "redis", command: `test -S ${params.socket}` });
    const service = want.service({ unit: "redis-server.service", restartOn: [file.address] });
    const live = want.live({ of: "redis", file: "/etc/redis/redis.conf", after: [service.address, check.address] });
    return [want.package({ name: "redis-server" }), file, service, check, live];
  },
});
