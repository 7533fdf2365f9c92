// Where a path goes: to an upstream, to files, to php-fpm, or straight back with an answer.
import { z } from "zod";
import { AbsolutePath, Line } from "../../spec/scalars.ts";
import { conf, type Part, when } from "../conf.ts";
import { Label, UrlPath } from "../words.ts";

const prefix = {
  path: UrlPath.describe("Requests for this path and all below it."),
  exact: z.boolean().default(false).describe("This path alone, not what lies below it."),
};
const headerText = Line.regex(/^[^"\\$]*$/, 'expected text without `"`, `\\` and `$`');

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export const ProxyRoute = z.strictObject({
  kind: z.literal("proxy").describe("Hands requests to an upstream."),
  ...prefix,
  upstream: Label.describe("Name of one of the site's upstreams."),
  byMethod: z.partialRecord(z.enum(methods), Label).default({}).describe("Another upstream for requests of a method: `{POST: isu3}`."),
  buffering: z.boolean().default(true).describe("Off for answers that trickle (server-sent events)."),
  timeout: z.int().min(1).default(60).describe("Seconds to wait for the upstream."),
});
export type ProxyRoute = z.infer<typeof ProxyRoute>;

export const StaticRoute = z.strictObject({
  kind: z.literal("static").describe("Serves files."),
  ...prefix,
  endings: z
    .array(z.string().regex(/^[a-z0-9]+$/))
    .default([])
    .describe("Only files with these endings, anywhere below the path: [css, js, png]."),
  root: AbsolutePath.optional().describe("Folder that the whole path is looked up in. Default: the site's root."),
  maxAge: z
    .int()
    .min(0)
    .default(86400)
    .describe("Seconds that clients keep a file before they ask again; then an unchanged file answers 304."),
  immutable: z.boolean().default(false).describe("Clients never ask again within maxAge: for names that carry a hash."),
  fallback: Label.optional().describe("Upstream that answers where there is no such file. Default: 404."),
  accessLog: z.boolean().default(true).describe("Whether requests for these files are logged."),
});
export type StaticRoute = z.infer<typeof StaticRoute>;

export const FrontRoute = z.strictObject({
  kind: z.literal("front").describe("Serves files, and hands all else to a front controller."),
  ...prefix,
  script: UrlPath.default("/index.php").describe("Answers everything that is no file: a front controller, as WordPress has."),
});
export type FrontRoute = z.infer<typeof FrontRoute>;

export const FastcgiRoute = z.strictObject({
  kind: z.literal("fastcgi").describe("Hands scripts to php-fpm."),
  endings: z
    .array(z.string().regex(/^[a-z0-9]+$/))
    .min(1)
    .default(["php"])
    .describe("Scripts by their endings; a script must exist as a file."),
  upstream: Label.describe("Upstream of php-fpm."),
  timeout: z.int().min(1).default(60).describe("Seconds to wait for the script."),
});
export type FastcgiRoute = z.infer<typeof FastcgiRoute>;

export const ReturnRoute = z.strictObject({
  kind: z.literal("return").describe("Answers without asking anybody."),
  ...prefix,
  status: z.int().min(200).max(599).describe("HTTP status of the answer."),
  text: headerText.default("").describe("Body, or the address to go to with 301, 302, 303, 307 and 308."),
});
export type ReturnRoute = z.infer<typeof ReturnRoute>;

export const Route = z.discriminatedUnion("kind", [ProxyRoute, StaticRoute, FrontRoute, FastcgiRoute, ReturnRoute]);
export type Route = z.infer<typeof Route>;

/** The upstreams that a route names, for the check that they exist. */
export const upstreamsOf = (route: Route): readonly string[] => {
  if (route.kind === "proxy") return [route.upstream, ...Object.values(route.byMethod)];
  if (route.kind === "fastcgi") return [route.upstream];
  return route.kind === "static" && route.fallback !== undefined ? [route.fallback] : [];
};

const at = ({ path, exact }: { readonly path: string; readonly exact: boolean }): string => (exact ? `= ${path}` : path);
const regexText = (text: string): string => text.replace(/[.*+?()[\]|^$]/g, String.raw`\$&`);
const endingsOf = (endings: readonly string[]): string => String.raw`\.(?:${endings.join("|")})$`;

const proxyTo = (target: string): readonly string[] => [
  `proxy_pass http://${target};`,
  "proxy_http_version 1.1;",
  'proxy_set_header Connection "";', // else nginx says close to the upstream, and nothing is kept alive
  "proxy_set_header Host $host;",
  "proxy_set_header X-Real-IP $remote_addr;",
  "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
  "proxy_set_header X-Forwarded-Proto $scheme;",
];

function proxy(route: ProxyRoute): string {
  const choices = Object.entries(route.byMethod).map(
    ([method, name]) => `if ($request_method = ${method}) { set $fleet_upstream ${name}; }`,
  );
  return conf`
    location ${at(route)} {
        ${when(choices.length > 0, `set $fleet_upstream ${route.upstream};`, choices)}
        ${proxyTo(choices.length > 0 ? "$fleet_upstream" : route.upstream)}
        proxy_read_timeout ${route.timeout}s;
        ${when(!route.buffering, "proxy_buffering off;")}
    }
  `;
}

/** A folder has its `index` answer; a route for endings of files has no folders. */
const otherwise = ({ fallback, endings }: StaticRoute): string => {
  if (fallback !== undefined) return `@${fallback}`;
  return endings.length > 0 ? "=404" : "$uri/ =404";
};

const staticFiles = (route: StaticRoute): string => conf`
  location ${route.endings.length > 0 ? ["~*", `^${regexText(route.path)}.*${endingsOf(route.endings)}`] : at(route)} {
      ${route.root === undefined ? [] : `root ${route.root};`}
      try_files $uri ${otherwise(route)};
      etag on;
      if_modified_since before;
      add_header Cache-Control "public, max-age=${route.maxAge}${route.immutable ? ", immutable" : ""}";
      ${when(!route.accessLog, "access_log off;")}
  }
`;

const front = (route: FrontRoute): string => conf`
  location ${at(route)} {
      try_files $uri $uri/ ${route.script}?$args;
  }
`;

const fastcgi = (route: FastcgiRoute): string => conf`
  location ~ ${endingsOf(route.endings)} {
      try_files $uri =404;
      include /etc/nginx/fastcgi.conf;
      fastcgi_param HTTP_PROXY "";
      fastcgi_pass ${route.upstream};
      fastcgi_keep_conn on;
      fastcgi_buffers 64 16k;
      fastcgi_buffer_size 32k;
      fastcgi_read_timeout ${route.timeout}s;
  }
`;

const returned = (route: ReturnRoute): string => conf`
  location ${at(route)} {
      return ${[route.status, ...when(route.text !== "", `"${route.text}"`)]};
  }
`;

/** The named location that a static route falls back to. */
export const fallback = (upstream: string): string => conf`
  location @${upstream} {
      ${proxyTo(upstream)}
  }
`;

export function location(route: Route): Part {
  switch (route.kind) {
    case "proxy":
      return proxy(route);
    case "static":
      return staticFiles(route);
    case "front":
      return front(route);
    case "fastcgi":
      return fastcgi(route);
    case "return":
      return returned(route);
    default:
      throw new TypeError(`unknown route ${route satisfies never}`);
  }
}
