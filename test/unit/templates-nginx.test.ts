// What nginx's files may say in words of a stack file's own, and where that stays.
import { expect, test } from "vitest";
import { nginx } from "../../provisioners/roles/nginx/role.ts";
import { settledUpstream } from "../../provisioners/roles/nginx/sites.ts";
import { UserError } from "../../spec/problem.ts";
import { NginxMain, nginxConf } from "../../templates/nginx/nginx-conf.ts";
import { Raw } from "../../templates/nginx/raw.ts";
import { Site, site } from "../../templates/nginx/site.ts";
import { LocationPath } from "../../templates/nginx/values.ts";

const upstreams = [{ name: "app", servers: [{ host: "isu1", port: 8080 }] }];
const siteOf = (parts: object) => ({
  name: "app",
  root: "/srv",
  upstreams,
  routes: [{ kind: "proxy", path: "/", upstream: "app" }],
  ...parts,
});
const text = (parts: object) => site(Site.parse(siteOf(parts)));
const refused = (parts: object) => Site.safeParse(siteOf(parts)).error?.issues.map(({ path }) => path.join(".")) ?? [];

test.for([
  "limit_rate 1m;",
  "if ($x) { return 403; }",
  'add_header X "}";',
  "# { \ngzip off;",
  "set $a ${b}c;",
  "location ~ \\{ { return 404; }",
])("raw lines that stay where they are put: %s", (raw) => expect(Raw.safeParse(raw).error).toBeUndefined());

test.for(["limit_rate 1m", "} server { listen 81;", "if ($x) { return 403;", 'add_header X "a;', "return 403; }", "gzip off; # }\n}", ""])(
  "raw lines that would end or open a block elsewhere are refused: %s",
  (raw) => expect(Raw.safeParse(raw).success).toBe(false),
);

test.for(["~ ^/api/(\\d+)$", "~* \\.(?:png|jpe?g)$", "~^/x{2}"])("regular expressions are paths: %s", (path) =>
  expect(LocationPath.safeParse(path).success).toBe(true),
);
test.for(['~ a" { return 1; } location "', "~ a b", "~ a\\", "^/x", "~"])("other text is no path: %s", (path) =>
  expect(LocationPath.safeParse(path).success).toBe(false),
);

test("a regular expression is quoted, and goes with neither `exact`, `endings` nor `alias`", () => {
  const path = "~ ^/x{2}$";
  expect(text({ routes: [{ kind: "proxy", path, upstream: "app" }] })).toContain('location ~ "^/x{2}$" {');
  expect(refused({ routes: [{ kind: "proxy", path, upstream: "app", exact: true }] })).toEqual(["routes.0.exact"]);
  expect(refused({ routes: [{ kind: "static", path, endings: ["css"] }] })).toEqual(["routes.0.endings"]);
  expect(refused({ routes: [{ kind: "static", path, alias: "/srv/x" }] })).toEqual(["routes.0.alias"]);
});

test("the site's headers stand in each location too, where one of the location's own would hide them; a name once", () => {
  const made = text({
    headers: { "X-A": "site", "X-B": "site" },
    routes: [
      { kind: "proxy", path: "/", upstream: "app", headers: { "X-B": "$upstream_cache_status" } },
      { kind: "static", path: "/img/", alias: "/srv/img", internal: true, headers: { "cache-control": "no-store" } },
    ],
  });
  expect(made.match(/add_header X-A "site" always;/g)).toHaveLength(3);
  expect(made).toContain('add_header X-B "$upstream_cache_status" always;');
  expect(made).toMatch(/location \/img\/ \{\n +internal;\n +alias \/srv\/img\/;/);
  expect(made.match(/cache-control/gi)).toHaveLength(1);
});

test("a route's cache is one of those that there are", () => {
  const routes = [{ kind: "proxy", path: "/", upstream: "app", cache: { name: "answers" } }];
  const params = (caches: object) => nginx.params.safeParse({ main: { caches }, sites: [siteOf({ routes })] });
  expect(params({ answers: {} }).success).toBe(true);
  expect(params({}).error?.issues.map(({ path }) => path.join("."))).toEqual(["sites.0.routes.0.cache.name"]);
});

test("a map's words of nginx's own are refused, and streams stand beside http", () => {
  expect(NginxMain.safeParse({ maps: { x: { of: "$host", values: { include: "/etc/passwd" } } } }).success).toBe(false);
  const streams = [{ port: 13306, upstream: { name: "db", servers: [{ host: "isu3", port: 3306 }] } }];
  expect(nginxConf(NginxMain.parse({ streams }))).toMatch(/\n\}\n\nstream \{\n {4}upstream db \{\n {8}server isu3:3306;\n {4}\}\n/);
  expect(nginxConf(NginxMain.parse({}))).not.toContain("stream {");
});

test("an upstream's servers are the endpoints of a role, this server's own by loopback", () => {
  const self = { name: "isu1", privateAddress: "10.0.0.1", account: "isucon", roles: [], ports: [] };
  const server = (name: string, privateAddress: string) => ({ ...self, name, privateAddress });
  const team = {
    name: "t",
    members: [],
    servers: [self, server("isu2", "10.0.0.2")],
    endpoints: ["isu1", "isu2"].map((name) => ({ server: name, role: "app", protocol: "http", port: 8080 })),
  };
  const from = { role: "app", protocol: "http", weights: { isu2: 3 } };
  const upstream = { name: "app", from, servers: [], leastConnections: false, keepalive: 64 };
  expect(settledUpstream(upstream, { self, team }).servers).toMatchObject([
    { host: "127.0.0.1", port: 8080, weight: 1 },
    { host: "10.0.0.2", port: 8080, weight: 3 },
  ]);
  expect(() => settledUpstream({ ...upstream, from: { ...from, role: "varnish" } }, { self, team })).toThrow(UserError);
});
