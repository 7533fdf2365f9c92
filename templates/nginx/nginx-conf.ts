// /etc/nginx/nginx.conf: workers, limits, the LTSV log that alp reads, and a status page on loopback.
import { z } from "zod";
import { AbsolutePath, Port, UserName } from "../../spec/scalars.ts";
import { conf, ownedBy, when } from "../conf.ts";

export const NginxMain = z.strictObject({
  user: UserName.optional().describe("User of the workers. Default: the one that the server's nginx.conf has, else www-data."),
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
  accessLog: z.boolean().default(true).describe("LTSV access log. Switch off for the final run: writing it costs score."),
  accessLogPath: AbsolutePath.default("/var/log/nginx/access.log").describe("File of the access log."),
  statusPort: z
    .union([Port, z.literal(false)])
    .default(8088)
    .describe("Port of /nginx_status on 127.0.0.1; false for none."),
});
export type NginxMain = z.infer<typeof NginxMain>;

/** Label and variable, in the order in which alp's guide gives them. */
const ltsvFields = {
  time: "$time_iso8601",
  host: "$remote_addr",
  forwardedfor: "$http_x_forwarded_for",
  req: "$request",
  method: "$request_method",
  uri: "$request_uri",
  status: "$status",
  size: "$body_bytes_sent",
  referer: "$http_referer",
  ua: "$http_user_agent",
  reqtime: "$request_time",
  runtime: "$upstream_http_x_runtime",
  apptime: "$upstream_response_time",
  cache: "$upstream_http_x_cache",
  vhost: "$host",
} as const;

/** nginx reads `\t` in a quoted string as a tab, and writes a tab inside a value as `\x09`: the fields can't run into each other. */
const ltsv = (): readonly string[] => {
  const fields = Object.entries(ltsvFields).map(([label, variable]) => `${label}:${variable}`);
  return fields.map((field, index) => `"${field}${index < fields.length - 1 ? String.raw`\t"` : '";'}`);
};

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

export const nginxConf = (main: NginxMain): string => conf`
  # ${ownedBy("nginx", "templates/nginx/nginx-conf.ts")}
  user ${main.user ?? "www-data"};
  worker_processes ${main.workerProcesses};
  worker_cpu_affinity auto;
  worker_rlimit_nofile ${main.workerRlimitNofile ?? 4 * main.workerConnections};
  pid /run/nginx.pid;
  error_log /var/log/nginx/error.log warn;
  include /etc/nginx/modules-enabled/*.conf;

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

      log_format ltsv
          ${ltsv()}
      access_log ${main.accessLog ? [main.accessLogPath, "ltsv"] : "off"};

      ${main.statusPort === false ? [] : status(main.statusPort)}
      include /etc/nginx/conf.d/*.conf;
      include /etc/nginx/sites-enabled/*;
  }
`;
