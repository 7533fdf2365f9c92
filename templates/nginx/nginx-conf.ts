// /etc/nginx/nginx.conf: workers, limits, the log that alp reads, and a status page on loopback.
import { z } from "zod";
import { AbsolutePath, Port, UserName } from "../../spec/scalars.ts";
import { conf, ownedBy, when } from "../conf.ts";
import { Caches, cachePath } from "./cache.ts";
import { logFields, logFormats, logHead } from "./log.ts";
import { Maps, mapBlock } from "./map.ts";
import { Raw, rawLines } from "./raw.ts";
import { Stream, streamBlock } from "./stream.ts";

export const NginxMain = z.strictObject({
  user: UserName.optional().describe(
    "User of the workers. Default: the one that the server's nginx.conf has, else the distribution's (www-data, nginx).",
  ),
  workerProcesses: z
    .union([z.literal("auto"), z.int().min(1)])
    .default("auto")
    .describe("`auto`: one a core."),
  workerConnections: z.int().min(16).default(8192).describe("Connections a worker, those to upstreams included."),
  workerRlimitNofile: z.int().min(64).optional().describe("Open files a worker. Default: 4 times the connections."),
  keepaliveTimeout: z.int().min(0).default(600).describe("Seconds that an idle client connection is kept."),
  keepaliveRequests: z.int().min(1).default(1_000_000).describe("Requests over one client connection before it is closed."),
  clientMaxBodySize: z
    .string()
    .regex(/^\d+[kmg]?$/)
    .default("32m")
    .describe("Largest request body, such as an upload; 0 for no limit."),
  gzip: z.boolean().default(true).describe("Compress text answers. Costs CPU time, saves bytes on the wire."),
  openFileCache: z.int().min(0).default(10000).describe("Files whose handles and sizes are remembered for 60 s; 0 looks each time."),
  accessLog: z.boolean().default(true).describe("Access log. Switch off for the final run: writing it costs score."),
  accessLogFormat: z.enum(logFormats).default("ltsv").describe("Format of the access log: for `alp ltsv`, or for `alp json`."),
  accessLogPath: AbsolutePath.default("/var/log/nginx/access.log").describe("File of the access log."),
  statusPort: z
    .union([Port, z.literal(false)])
    .default(8088)
    .describe("Port of /nginx_status on 127.0.0.1; false for none."),
  maps: Maps.default({}).describe("Variables that follow from others, by name without `$`: `map` of nginx."),
  caches: Caches.default({}).describe("Caches of answers by name, which proxy routes use: `proxy_cache`."),
  streams: z.array(Stream).default([]).describe("Ports whose connections of any protocol are handed on: `stream` of nginx."),
  raw: Raw.optional().describe("Lines of nginx's own in `http`, for what has no parameter."),
});
export type NginxMain = z.infer<typeof NginxMain>;

const status = (port: number): string => conf`
  server {
      listen 127.0.0.1:${port};
      server_name localhost;
      access_log off;
      location = /nginx_status { stub_status; }
      location / { return 404; }
  }
`;

const gzip = [
  "gzip on;",
  "gzip_vary on;",
  "gzip_proxied any;",
  "gzip_types text/css text/plain application/javascript application/json image/svg+xml;",
];

const openFiles = (files: number): readonly string[] => [`open_file_cache max=${files} inactive=60s;`, "open_file_cache_valid 60s;"];

/** Where the distribution's package has what belongs to it. */
export interface NginxPlace {
  readonly modules: string;
  /** The folder of the sites that are served, where there is one. */
  readonly enabled?: string;
}

const debian: NginxPlace = { modules: "/etc/nginx/modules-enabled", enabled: "/etc/nginx/sites-enabled" };

export const nginxConf = (main: NginxMain, { modules, enabled }: NginxPlace = debian): string => conf`
  # ${ownedBy("nginx", "templates/nginx/nginx-conf.ts")}
  user ${main.user ?? "www-data"};
  worker_processes ${main.workerProcesses};
  worker_cpu_affinity auto;
  worker_rlimit_nofile ${main.workerRlimitNofile ?? 4 * main.workerConnections};
  pid /run/nginx.pid;
  error_log /var/log/nginx/error.log warn;
  include ${modules}/*.conf;

  events {
      worker_connections ${main.workerConnections};
      multi_accept on;
  }

  http {
      include /etc/nginx/mime.types;
      default_type application/octet-stream;
      server_tokens off;
      types_hash_max_size 2048;
      server_names_hash_bucket_size 128;

      sendfile on;
      tcp_nopush on;
      tcp_nodelay on;
      keepalive_timeout ${main.keepaliveTimeout};
      keepalive_requests ${main.keepaliveRequests};
      client_max_body_size ${main.clientMaxBodySize};
      proxy_buffers 100 32k;
      proxy_buffer_size 32k;
      ${when(main.openFileCache > 0, openFiles(main.openFileCache))}
      ${when(main.gzip, gzip)}

      log_format ${logHead(main.accessLogFormat)}
          ${logFields(main.accessLogFormat)}
      access_log ${main.accessLog ? [main.accessLogPath, main.accessLogFormat] : "off"};

      ${Object.entries(main.maps).map(mapBlock)}
      ${Object.entries(main.caches).map(cachePath)}
      ${rawLines(main.raw)}
      ${main.statusPort === false ? [] : status(main.statusPort)}
      include /etc/nginx/conf.d/*.conf;
      ${enabled ? `include ${enabled}/*;` : []}
  }
  ${main.streams.length > 0 ? streamBlock(main.streams) : []}
`;
