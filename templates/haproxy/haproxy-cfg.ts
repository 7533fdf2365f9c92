// /etc/haproxy/haproxy.cfg: frontends that listen, backends with their servers, and a socket by which servers are drained at run time.
import { z } from "zod";
import { AbsolutePath, Port, ServerRef } from "../../spec/scalars.ts";
import { conf, ownedBy, when } from "../conf.ts";
import { Label, ServerAddress, UrlPath } from "../words.ts";

const Weight = z.int().min(0).max(256);

export const HaproxyServer = z.strictObject({
  name: Label.describe("Name by which it is drained."),
  host: ServerAddress.describe("Host name or address."),
  port: Port.describe("Port of the server."),
  down: z.boolean().default(false).describe("Gets no requests, and keeps its place."),
  weight: Weight.default(100).describe("Share of the requests, beside the other servers' weights; 0 sends none."),
});
export type HaproxyServer = z.infer<typeof HaproxyServer>;

export const HaproxyBackend = z.strictObject({
  mode: z.enum(["http", "tcp"]).default("http").describe("What is balanced: requests, or connections of any protocol."),
  role: z.string().optional().describe("Role whose endpoints on the team's servers become its servers: `app`, `nginx`, `mysql`."),
  protocol: z.string().default("http").describe("Protocol of those endpoints: `http`, `mysql`, `redis`."),
  weights: z
    .partialRecord(ServerRef, Weight)
    .default({})
    .describe("Weights of the team's servers, 100 each without; 0 sends none: `{isu1: 50}`."),
  servers: z.array(HaproxyServer).default([]).describe("Further servers, by host and port."),
  balance: z
    .enum(["roundrobin", "leastconn", "source", "uri"])
    .default("roundrobin")
    .describe("Who gets the next: in turn by weight, the fewest connections, by the client's address, or by the URL (for caches)."),
  healthCheck: UrlPath.optional().describe("Path that must answer with 2xx or 3xx; without it, a connection is enough."),
  maxConnections: z.int().min(1).optional().describe("Requests at once that a server gets; more wait in a queue. Without it, no limit."),
});
export type HaproxyBackend = z.infer<typeof HaproxyBackend>;

export const HaproxyFrontend = z.strictObject({
  name: Label.describe("Name in statistics and logs."),
  port: Port.describe("Port to listen on."),
  backend: Label.describe("Backend that gets the requests."),
  certificate: AbsolutePath.optional().describe("PEM file with certificate, chain and key: serves TLS with HTTP/2."),
});
export type HaproxyFrontend = z.infer<typeof HaproxyFrontend>;

export interface HaproxyConf {
  readonly maxConnections: number;
  readonly timeout: number;
  readonly statsPort: number | false;
  readonly frontends: readonly HaproxyFrontend[];
  readonly backends: Readonly<Record<string, { readonly settings: HaproxyBackend; readonly servers: readonly HaproxyServer[] }>>;
}

export const haproxyCfg = ({ maxConnections, timeout, statsPort, frontends, backends }: HaproxyConf): string => conf`
  # ${ownedBy("haproxy", "templates/haproxy/haproxy-cfg.ts")}
  global
      log /dev/log local0
      chroot /var/lib/haproxy
      user haproxy
      group haproxy
      maxconn ${maxConnections}
      # Drains a server without a reload: echo "set server app/isu1 state drain" | socat - /run/haproxy/admin.sock
      stats socket /run/haproxy/admin.sock mode 660 level admin

  defaults
      log global
      timeout connect 2s
      timeout client ${timeout}s
      timeout server ${timeout}s
      timeout queue ${timeout}s
      # A request whose server went away goes to another, once it is safe: nothing was answered yet.
      retries 3
      option redispatch 1
  ${frontends.map((each) => frontend(each, backends[each.backend]?.settings.mode ?? "http"))}
  ${Object.entries(backends).map(([name, each]) => backend(name, each.settings, each.servers))}
  ${when(statsPort !== false, stats(statsPort || 0))}
`;

const frontend = ({ name, port, backend: to, certificate }: HaproxyFrontend, mode: "http" | "tcp"): string => conf`

  frontend ${name}
      bind *:${port}${certificate === undefined ? "" : ` ssl crt ${certificate} alpn h2,http/1.1`}
      mode ${mode}
      ${when(mode === "http", "option forwardfor")}
      ${when(mode === "http" && certificate !== undefined, "http-request set-header X-Forwarded-Proto https")}
      default_backend ${to}
`;

const backend = (
  name: string,
  { mode, balance, healthCheck, maxConnections }: HaproxyBackend,
  servers: readonly HaproxyServer[],
): string => conf`

  backend ${name}
      mode ${mode}
      balance ${balance}
      ${when(mode === "http", "retry-on conn-failure empty-response", "http-reuse safe")}
      ${when(healthCheck !== undefined, "option httpchk", `http-check send meth GET uri ${healthCheck ?? "/"}`, "http-check expect status 200-399")}
      default-server check inter 1s fall 2 rise 1${maxConnections === undefined ? "" : ` maxconn ${maxConnections}`}
      ${servers.map((each) => `server ${each.name} ${each.host}:${each.port} weight ${each.weight}${each.down ? " disabled" : ""}`)}
`;

const stats = (port: number): string => conf`

  listen stats
      bind 127.0.0.1:${port}
      mode http
      stats enable
      stats uri /
      stats refresh 2s
`;
