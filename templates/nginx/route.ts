// Where a path goes: to an upstream, to files, to php-fpm, or straight back with an answer.
import { z } from "zod";
import { AbsolutePath, Line } from "../../spec/scalars.ts";
import { conf, type Part, when } from "../conf.ts";
import { Label, UrlPath } from "../words.ts";
import { cacheLines, RouteCache } from "./cache.ts";
import { Raw, rawLines } from "./raw.ts";
import { Headers, headerLines, isPattern, LocationPath, locationPattern } from "./values.ts";

const prefix = {
  path: LocationPath.describe(
    "Requests for this path and all below it; or a regular expression after `~`, or `~*` for any case: `~ ^/api/`.",
  ),
  exact: z.boolean().default(false).describe("This path alone, not what lies below it."),
  headers: Headers.describe("Headers of the answers, beside the site's: `{X-Cache: $upstream_cache_status}`."),
  raw: Raw.optional().describe("Lines of nginx's own in the location, for what has no parameter."),
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
  cache: RouteCache.optional().describe("Keeps the answers in one of `main.caches`."),
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
  alias: AbsolutePath.optional().describe("Folder that stands for the path itself, in place of `root`: `/img/a.png` is `a.png` in it."),
  internal: z.boolean().default(false).describe("Only for answers of an upstream that name it (`X-Accel-Redirect`), not for clients."),
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

/** What can't be said together, each with the field that is to go. */
export function clashesIn(route: Route): readonly (readonly [field: string, message: string])[] {
  if (route.kind === "fastcgi") return [];
  const pattern = isPattern(route.path);
  const alone = "expected no such thing beside a regular expression as the path";
  return [
    ...(pattern && route.exact ? [["exact", alone] as const] : []),
    ...(route.kind === "static" && pattern && route.endings.length > 0 ? [["endings", alone] as const] : []),
    ...(route.kind === "static" && route.alias !== undefined && (pattern || route.exact || route.endings.length > 0)
      ? [["alias", "expected a path with all below it for a folder that stands for it"] as const]
      : []),
  ];
}

function at({ path, exact }: { readonly path: string; readonly exact: boolean }): string {
  if (isPattern(path)) return locationPattern(path);
  return exact ? `= ${path}` : path;
}

/** A location with headers of its own would lose the site's: both stand in each. */
const ends = ({ headers, raw }: { readonly headers: Headers; readonly raw?: string | undefined }, site: Headers): readonly string[] => [
  ...headerLines({ ...site, ...headers }),
  ...rawLines(raw),
];
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

function proxy(route: ProxyRoute, site: Headers): string {
  const choices = Object.entries(route.byMethod).map(
    ([method, name]) => `if ($request_method = ${method}) { set $fleet_upstream ${name}; }`,
  );
  return conf`
    location ${at(route)} {
        ${when(choices.length > 0, `set $fleet_upstream ${route.upstream};`, choices)}
        ${proxyTo(choices.length > 0 ? "$fleet_upstream" : route.upstream)}
        proxy_read_timeout ${route.timeout}s;
        ${when(!route.buffering, "proxy_buffering off;")}
        ${route.cache ? cacheLines(route.cache) : []}
        ${ends(route, site)}
    }
  `;
}

/** Said once: a header of this name in the stack file takes its place. */
const cacheControl = ({ maxAge, immutable, headers }: StaticRoute, site: Headers): readonly string[] =>
  Object.keys({ ...site, ...headers }).some((name) => name.toLowerCase() === "cache-control")
    ? []
    : [`add_header Cache-Control "public, max-age=${maxAge}${immutable ? ", immutable" : ""}";`];

/** The end of a path is cut off as it is written: with a slash at its end, or without. */
function folderOf({ root, alias, path }: StaticRoute): readonly string[] {
  if (alias !== undefined) return [`alias ${alias}${path.endsWith("/") ? "/" : ""};`];
  return root === undefined ? [] : [`root ${root};`];
}

/** A folder has its `index` answer; a route for endings of files has no folders. */
const otherwise = ({ fallback, endings }: StaticRoute): string => {
  if (fallback !== undefined) return `@${fallback}`;
  return endings.length > 0 ? "=404" : "$uri/ =404";
};

const staticFiles = (route: StaticRoute, site: Headers): string => conf`
  location ${route.endings.length > 0 ? ["~*", `^${regexText(route.path)}.*${endingsOf(route.endings)}`] : at(route)} {
      ${when(route.internal, "internal;")}
      ${folderOf(route)}
      try_files $uri ${otherwise(route)};
      etag on;
      if_modified_since before;
      ${cacheControl(route, site)}
      ${when(!route.accessLog, "access_log off;")}
      ${ends(route, site)}
  }
`;

const front = (route: FrontRoute, site: Headers): string => conf`
  location ${at(route)} {
      try_files $uri $uri/ ${route.script}?$args;
      ${ends(route, site)}
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

const returned = (route: ReturnRoute, site: Headers): string => conf`
  location ${at(route)} {
      ${ends(route, site)}
      return ${[route.status, ...when(route.text !== "", `"${route.text}"`)]};
  }
`;

/** The named location that a static route falls back to. */
export const fallback = (upstream: string): string => conf`
  location @${upstream} {
      ${proxyTo(upstream)}
  }
`;

export function location(route: Route, site: Headers): Part {
  switch (route.kind) {
    case "proxy":
      return proxy(route, site);
    case "static":
      return staticFiles(route, site);
    case "front":
      return front(route, site);
    case "fastcgi":
      return fastcgi(route);
    case "return":
      return returned(route, site);
    default:
      throw new TypeError(`unknown route ${route satisfies never}`);
  }
}
