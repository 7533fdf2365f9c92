// Answers of upstreams that nginx keeps on disk: `proxy_cache`.
import { z } from "zod";
import { Label } from "../words.ts";

const CacheSize = z.string().regex(/^[1-9]\d{0,5}[kmg]$/, "expected a size as nginx has it, such as `256m`");

export const Cache = z.strictObject({
  maxSize: CacheSize.default("256m").describe("Size on disk from which the least used answers go."),
  keysSize: CacheSize.default("10m").describe("Shared memory of its keys: 1 MiB holds 8000."),
  inactive: z.int().min(1).default(600).describe("Seconds without a request after which an answer goes."),
});
export const Caches = z.record(Label, Cache);

export const RouteCache = z.strictObject({
  name: Label.describe("Name of one of `main.caches`."),
  seconds: z.int().min(1).default(1).describe("Seconds that an answer is kept, where its own headers do not say."),
  key: z
    .string()
    .regex(/^[\w$./:-]+$/)
    .default("$scheme$host$request_uri")
    .describe("What makes two requests the same: add `$cookie_session` where answers differ by user."),
});

export const cacheFolder = (name: string): string => `/var/cache/nginx-${name}`;

export const cachePath = ([name, { maxSize, keysSize, inactive }]: readonly [string, z.infer<typeof Cache>]): string =>
  `proxy_cache_path ${cacheFolder(name)} levels=1:2 keys_zone=${name}:${keysSize} max_size=${maxSize} inactive=${inactive}s use_temp_path=off;`;

/** Of requests for the same at once, one goes to the upstream. */
export const cacheLines = ({ name, seconds, key }: z.infer<typeof RouteCache>): readonly string[] => [
  `proxy_cache ${name};`,
  `proxy_cache_key ${key};`,
  `proxy_cache_valid 200 301 302 ${seconds}s;`,
  "proxy_cache_lock on;",
  "proxy_cache_use_stale updating error timeout;",
];
