// How memcached comes to another server: with nothing, since it is a cache.
import type { MemcachedParams } from "../../../templates/memcached/memcached-conf.ts";
import type { Move } from "../move.ts";

/** `-l 127.0.0.1` */
const listen = ({ path, text }: { readonly path: string; readonly text: string }, address: string): string =>
  path === "/etc/memcached.conf"
    ? text.replace(/^(-l[ \t]*)((?:127\.[\d.]+|localhost|::1)(?:,(?:127\.[\d.]+|localhost|::1))*)[ \t]*$/gm, `$1$2,${address}`)
    : text;

export const memcachedMove = ({ listen: place }: Pick<MemcachedParams, "listen">): Move => ({
  clients: { ports: "port" in place ? [place.port] : [], words: ["MEMCACHE"], schemes: ["memcached", "memcache"] },
  units: ["memcached.service"],
  listen,
  note: "memcached keeps nothing: it begins empty on the new server",
  refuse: () => ("port" in place ? undefined : "it listens on its unix socket alone, which no other server reaches; next: give it a port"),
});
