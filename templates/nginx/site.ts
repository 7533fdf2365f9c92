// /etc/nginx/sites-available/<site>: names, ports, TLS, upstreams and where each path goes.
import { z } from "zod";
import { AbsolutePath, Port } from "../../spec/scalars.ts";
import { conf, ownedBy, type Part, when } from "../conf.ts";
import { Bare, FileLabel } from "../words.ts";
import { Raw, rawLines } from "./raw.ts";
import { clashesIn, fallback, location, Route, upstreamsOf } from "./route.ts";
import { Upstream, upstream } from "./upstream.ts";
import { Headers, headerLines } from "./values.ts";

const protocols = ["TLSv1.2", "TLSv1.3"] as const;

export const Tls = z.strictObject({
  certificate: AbsolutePath.describe("PEM file of the certificate and its chain."),
  key: AbsolutePath.describe("PEM file of its private key."),
  port: Port.default(443).describe("Port with TLS."),
  protocols: z
    .array(z.enum(protocols))
    .min(1)
    .default([...protocols])
    .describe("Versions of TLS that are offered."),
  http2: z.boolean().default(true).describe("Offer HTTP/2."),
});
export type Tls = z.infer<typeof Tls>;

const SiteShape = z.strictObject({
  name: FileLabel.describe("File name of the site (`isuride.conf`)."),
  serverNames: z.array(Bare).min(1).default(["_"]).describe("Names that the site answers to; `_` for any."),
  listen: z.array(Port).default([80]).describe("Ports without TLS; none to serve TLS alone."),
  default: z.boolean().default(true).describe("Answers requests for names that no site has."),
  tls: Tls.optional().describe("TLS; without it the site is served without."),
  root: AbsolutePath.optional().describe("Folder of the files."),
  index: z.array(Bare).default([]).describe("Files that answer for a folder: [index.php]."),
  headers: Headers.describe("Headers of all answers: `{Strict-Transport-Security: max-age=60}`."),
  upstreams: z.array(Upstream).default([]).describe("Groups of servers that routes send requests to."),
  routes: z.array(Route).min(1).describe("The longest matching path wins; routes by ending win over paths, unless those are exact."),
  raw: Raw.optional().describe("Lines of nginx's own in `server`, for what has no parameter: `ssl_ciphers`, further locations."),
});

/** A site. Refused where a route names an upstream that the site does not have, or where nothing listens. */
export const Site = SiteShape.superRefine((site, context) => {
  const known = new Set(site.upstreams.map(({ name }) => name));
  for (const [index, route] of site.routes.entries()) {
    for (const name of upstreamsOf(route)) {
      if (!known.has(name)) {
        const message = `expected one of the site's upstreams (${[...known].join(", ") || "none yet"}), got \`${name}\``;
        context.addIssue({ code: "custom", path: ["routes", index], message });
      }
    }
    for (const [field, message] of clashesIn(route)) context.addIssue({ code: "custom", path: ["routes", index, field], message });
    if (route.kind === "static" && route.root === undefined && route.alias === undefined && site.root === undefined) {
      context.addIssue({ code: "custom", path: ["routes", index, "root"], message: "expected a folder here or as the site's `root`" });
    }
  }
  if (site.listen.length === 0 && !site.tls) context.addIssue({ code: "custom", path: ["listen"], message: "expected a port, or `tls`" });
});
export type Site = z.infer<typeof Site>;

/** The ports that a site listens on: what the kernel must not hand out, and what `verify` asks. */
export const sitePorts = ({ listen, tls }: Pick<Site, "listen" | "tls">): readonly number[] => [...listen, ...(tls ? [tls.port] : [])];

/** `http2` in the listen line is what nginx 1.22 takes, and newer ones still do. */
const listenLines = ({ listen, tls, default: isDefault }: Site): readonly string[] => {
  const suffix = isDefault ? " default_server" : "";
  return [
    ...listen.map((port) => `listen ${port}${suffix};`),
    ...(tls ? [`listen ${tls.port} ssl${tls.http2 ? " http2" : ""}${suffix};`] : []),
  ];
};

const tlsLines = ({ certificate, key, protocols: versions }: Tls): readonly Part[] => [
  `ssl_certificate ${certificate};`,
  `ssl_certificate_key ${key};`,
  `ssl_protocols ${versions.join(" ")};`,
  "ssl_session_cache shared:fleet:10m;",
  "ssl_session_timeout 1d;",
];

const fallbacks = (routes: readonly Route[]): readonly string[] => [
  ...new Set(routes.flatMap((route) => (route.kind === "static" && route.fallback !== undefined ? [route.fallback] : []))),
];

export const site = (params: Site): string => conf`
  # ${ownedBy("nginx", "templates/nginx/site.ts")}
  ${params.upstreams.map(upstream)}

  server {
      ${listenLines(params)}
      server_name ${params.serverNames};
      ${params.tls ? tlsLines(params.tls) : []}
      ${params.root === undefined ? [] : `root ${params.root};`}
      ${when(params.index.length > 0, `index ${params.index.join(" ")};`)}

      ${headerLines(params.headers)}
      ${rawLines(params.raw)}
      ${params.routes.map((route) => location(route, params.headers))}
      ${fallbacks(params.routes).map(fallback)}
  }
`;
