// memcached: memory from the machine; reached by the team's servers.
import type { z } from "zod";
import { MemcachedParams, memcachedConf, memcachedVariables } from "../../../templates/memcached/memcached-conf.ts";
import { want } from "../../resources/want.ts";
import { machineOf } from "../machine.ts";
import { defineRole, reachable, reachedAt } from "../role.ts";
import { memcachedMove } from "./move.ts";

const Params = MemcachedParams;
type Params = z.infer<typeof Params>;

export const memcached = defineRole<Params>({
  name: "memcached",
  summary: "memcached, sized from the memory; keeps nothing over a restart",
  params: Params,
  territory: [
    { name: "memcached", paths: ["/etc/memcached.conf", "/etc/sysconfig/memcached"], unit: "memcached.service", hears: "restart" },
  ],
  services: ({ listen }) => [{ unit: "memcached.service", ports: "port" in listen ? { "listen.port": listen.port } : {} }],
  provides: ({ listen }) => ({
    memcached: { protocol: "memcached", ...("port" in listen ? { port: listen.port } : { socket: listen.socket }) },
  }),
  memory: "share",
  move: memcachedMove,
  resources(context) {
    const { params } = context;
    const listen = "port" in params.listen ? { ...params.listen, addresses: reachable(context, params.listen.addresses) } : params.listen;
    const [path, text] =
      context.facts.packageManager === "dnf" ? ["/etc/sysconfig/memcached", memcachedVariables] : ["/etc/memcached.conf", memcachedConf];
    const file = want.file({ path, content: text({ ...params, listen }, machineOf(context)) });
    const check =
      "port" in listen
        ? want.check({ name: "memcached", port: { port: listen.port, program: "memcached", ...reachedAt(context, listen.port) } })
        : want.check({ name: "memcached", command: `test -S ${listen.socket}` });
    return [want.package({ name: "memcached" }), file, want.service({ unit: "memcached.service", restartOn: [file.address] }), check];
  },
});
