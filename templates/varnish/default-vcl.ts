// /etc/varnish/default.vcl: who answers, what is cached and for how long, pages put together by ESI, and bans from the team's servers.
import { z } from "zod";
import { Port } from "../../spec/scalars.ts";
import { conf, ownedBy, type Part, when } from "../conf.ts";
import { clamp, Label, type Machine, ServerAddress, UrlPath } from "../words.ts";

export const VarnishServer = z.strictObject({
  name: Label.describe("Name in statistics and logs."),
  host: ServerAddress.describe("Host name or address."),
  port: Port.describe("Port of the server."),
});
export type VarnishServer = z.infer<typeof VarnishServer>;

export const VarnishRule = z.strictObject({
  path: UrlPath.describe("Beginning of the paths that it is for; of several rules the first that fits counts."),
  ttl: z.int().min(0).describe("Seconds for which an answer is served again, whatever its headers say; 0 never caches."),
  cookies: z
    .enum(["respect", "ignore"])
    .default("respect")
    .describe("`respect`: a request with cookies is not answered from the cache; `ignore`: they are taken off, in both directions."),
});
export type VarnishRule = z.infer<typeof VarnishRule>;

export interface VarnishVcl {
  readonly healthCheck?: string | undefined;
  readonly timeout: number;
  readonly ttl: number;
  readonly grace: number;
  readonly rules: readonly VarnishRule[];
  readonly esi: readonly string[];
  readonly servers: readonly VarnishServer[];
  /** Addresses that may ban, beside the server's own. */
  readonly team: readonly string[];
}

/** MiB: a quarter of the memory where it is shared, half where not (objects have a head each, and what is on its way counts beside); at least 32. */
export const varnishMiB = ({ memoryMiB, shared }: Machine): number => clamp(Math.floor(memoryMiB / (shared ? 4 : 2)), 32, memoryMiB);

/** One argument a word; systemd splits at spaces, and nothing here has one. The administration listens where varnishadm finds it by itself. */
export const varnishCommand = (port: number, memoryMiB: number): string =>
  `/usr/sbin/varnishd -j unix,user=vcache -F -a :${port} -f /etc/varnish/default.vcl -s malloc,${memoryMiB}M`;

export const defaultVcl = (vcl: VarnishVcl): string => conf`
  # ${ownedBy("varnish", "templates/varnish/default-vcl.ts")}
  vcl 4.1;
  import directors;
  import std;

  ${vcl.healthCheck === undefined ? [] : probe(vcl.healthCheck)}
  ${vcl.servers.map((server) => backend(server, vcl))}
  acl team {
      "127.0.0.1";
      ${vcl.team.map((address) => `"${address}";`)}
  }

  sub vcl_init {
      new pool = directors.round_robin();
      ${vcl.servers.map(({ name }) => `pool.add_backend(at_${name});`)}
  }

  sub vcl_recv {
      set req.backend_hint = pool.backend();
      # What has expired is served only where no server is well.
      set req.grace = ${vcl.grace}s;
      if (std.healthy(req.backend_hint)) {
          set req.grace = 0s;
      }
      # curl -X BAN -H 'X-Ban: ^/posts' http://127.0.0.1:PORT/ drops all paths that fit; without the header, the one that is asked for.
      if (req.method == "BAN") {
          # What came through a proxy has the proxy's address.
          if (client.ip !~ team || req.http.X-Forwarded-For ~ ",") {
              return (synth(403, "Forbidden"));
          }
          if (req.http.X-Ban) {
              if (!std.ban("obj.http.X-Fleet-Url ~ " + req.http.X-Ban)) {
                  return (synth(400, std.ban_error()));
              }
          } else if (!std.ban("obj.http.X-Fleet-Url == " + req.url)) {
              return (synth(400, std.ban_error()));
          }
          return (synth(200, "Banned"));
      }
      # An application may ask for ESI by an answer's header: Surrogate-Control: content="ESI/1.0".
      set req.http.Surrogate-Capability = "varnish=ESI/1.0";
      ${chain("req.url", vcl.rules, receive)}
  }

  sub vcl_backend_response {
      set beresp.http.X-Fleet-Url = bereq.url;
      set beresp.grace = ${vcl.grace}s;
      if (beresp.http.Surrogate-Control ~ "ESI/1.0") {
          unset beresp.http.Surrogate-Control;
          set beresp.do_esi = true;
      }
      if (!beresp.http.Cache-Control && !beresp.http.Expires) {
          set beresp.ttl = ${vcl.ttl}s;
      }
      ${chain(
        "bereq.url",
        vcl.esi.map((path) => ({ path })),
        () => ["set beresp.do_esi = true;"],
      )}
      # Errors are not kept for longer than their headers say.
      if (beresp.status < 400) {
          ${chain("bereq.url", vcl.rules, respond)}
      }
  }

  ${when(vcl.servers.length > 1, retry(Math.min(vcl.servers.length, mostRetries)))}
  sub vcl_deliver {
      unset resp.http.X-Fleet-Url;
      if (obj.hits > 0) {
          set resp.http.X-Cache = "HIT";
      } else {
          set resp.http.X-Cache = "MISS";
      }
  }
`;

/** Begins as if it had answered well: what is new, or loaded anew, gets requests at once. */
const probe = (path: string): string => conf`
  probe health {
      .url = "${path}";
      .interval = 1s;
      .timeout = 1s;
      .window = 3;
      .threshold = 2;
      .initial = 2;
  }

`;

/** Of varnish's own (max_retries). */
const mostRetries = 4;

const retry = (times: number): string => conf`
  sub vcl_backend_error {
      # The next server in turn; only what changes nothing may be asked twice.
      if ((bereq.method == "GET" || bereq.method == "HEAD") && bereq.retries < ${times}) {
          return (retry);
      }
  }

`;

const backend = ({ name, host, port }: VarnishServer, { healthCheck, timeout }: VarnishVcl): string => conf`
  backend at_${name} {
      .host = "${host}";
      .port = "${port}";
      .connect_timeout = 1s;
      .first_byte_timeout = ${timeout}s;
      .between_bytes_timeout = ${timeout}s;
      ${when(healthCheck !== undefined, ".probe = health;")}
  }

`;

const escaped = (path: string): string => path.replace(/[.()*+$]/g, String.raw`\$&`);

/** Of the rules the first whose path the URL begins with. */
const chain = <Rule extends { readonly path: string }>(
  url: string,
  rules: readonly Rule[],
  then: (rule: Rule) => readonly string[],
): Part =>
  rules.length === 0
    ? []
    : [
        ...rules.flatMap((rule, at) => [
          `${at === 0 ? "if" : "} else if"} (${url} ~ "^${escaped(rule.path)}") {`,
          ...then(rule).map((line) => `    ${line}`),
        ]),
        "}",
      ];

const receive = ({ ttl, cookies }: VarnishRule): readonly string[] => [
  ...(cookies === "ignore" ? ["unset req.http.Cookie;"] : []),
  ...(ttl === 0 ? ["return (pass);"] : []),
];

/** Without what varnish itself would read in the headers, which go on to the client; somebody's cookies are still nobody else's. */
const stored = ['if (!beresp.http.Set-Cookie && beresp.http.Vary != "*") {', "    return (deliver);", "}"];

const respond = ({ ttl, cookies }: VarnishRule): readonly string[] => [
  ...(cookies === "ignore" ? ["unset beresp.http.Set-Cookie;"] : []),
  ...(ttl === 0 ? [] : [`set beresp.ttl = ${ttl}s;`, ...stored]),
];
