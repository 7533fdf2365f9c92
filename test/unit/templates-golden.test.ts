// Every template rendered once, against its reviewed text. UPDATE_GOLDEN=1 writes the texts anew; the diff is what to review.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AppEnvironment, envFile } from "../../templates/app/env-file.ts";
import { SupervisorProgram, supervisorProgram } from "../../templates/app/supervisor.ts";
import { Timer, timedService, timerUnit } from "../../templates/app/timer.ts";
import { RuntimeDirectory, tmpfiles } from "../../templates/app/tmpfiles.ts";
import { AppUnit, appUnit, dropIn } from "../../templates/app/unit.ts";
import { hostsBlock } from "../../templates/base/hosts.ts";
import { Sshd, sshdDropIn } from "../../templates/base/sshd.ts";
import { sudoers } from "../../templates/base/sudoers.ts";
import { MemcachedParams, memcachedConf } from "../../templates/memcached/memcached-conf.ts";
import { mysqlDropIn } from "../../templates/mysql/limits.ts";
import { MysqlSettings, myCnf } from "../../templates/mysql/my-cnf.ts";
import type { MysqlPreset } from "../../templates/mysql/presets.ts";
import type { MysqlServer } from "../../templates/mysql/server.ts";
import { NginxMain, nginxConf } from "../../templates/nginx/nginx-conf.ts";
import { Site, site } from "../../templates/nginx/site.ts";
import { PhpIni, phpIni } from "../../templates/php-fpm/ini.ts";
import { PhpPool, phpPool } from "../../templates/php-fpm/pool.ts";
import { RedisParams, redisConf } from "../../templates/redis/redis-conf.ts";
import { modulesConf } from "../../templates/sysctl/entries.ts";
import { wordpressKeys, wpConfig } from "../../templates/wordpress/wp-config.ts";

const goldens = join(import.meta.dirname, "../golden/templates");
const machine = { memoryMiB: 1024, cores: 1, shared: true };
const mariadb: MysqlServer = { product: "mariadb", version: "10.11" };
const mysql: MysqlServer = { product: "mysql", version: "8.4" };
const mysqlText = (server: MysqlServer, preset: MysqlPreset) => myCnf({ ...MysqlSettings.parse({ preset }), server, machine }).text;

const wordpressSite = Site.parse({
  name: "wordpress",
  root: "/usr/share/wordpress",
  index: ["index.php"],
  tls: { certificate: "/etc/ssl/fleet/site.pem", key: "/etc/ssl/fleet/site.key" },
  upstreams: [{ name: "php", servers: [{ socket: "/run/php/fleet.sock" }] }],
  routes: [
    { kind: "static", path: "/", endings: ["css", "js", "png", "woff2"], accessLog: false },
    { kind: "front", path: "/" },
    { kind: "fastcgi", upstream: "php" },
    { kind: "return", path: "/xmlrpc.php", exact: true, status: 403 },
  ],
});

/** ISUCON7: the application beside nginx, icons and profile pictures on one server alone. */
const isuconSite = Site.parse({
  name: "isucon",
  serverNames: ["isucon.example", "www.isucon.example"],
  default: false,
  root: "/home/isucon/public",
  upstreams: [
    {
      name: "app",
      servers: [
        { socket: "/run/app/app.sock", maxFails: 0 },
        { host: "isu2", port: 8080, weight: 2 },
      ],
      leastConnections: true,
    },
    { name: "isu3", servers: [{ host: "isu3", port: 8080 }], keepalive: 0 },
  ],
  routes: [
    { kind: "proxy", path: "/", upstream: "app" },
    { kind: "proxy", path: "/icons", upstream: "isu3", buffering: false },
    { kind: "proxy", path: "/profile", exact: true, upstream: "app", byMethod: { POST: "isu3" } },
    { kind: "static", path: "/css/", fallback: "app", immutable: true },
    { kind: "return", path: "/old", status: 301, text: "/new" },
  ],
});

const appService = AppUnit.parse({
  user: "isucon",
  workingDirectory: "/home/isucon/webapp/go",
  command: ["/home/isucon/webapp/go/isubata", "-title", "50 % off", "-price", "$5"],
  environmentFile: "/home/isucon/env.sh",
  after: ["mariadb.service"],
});
const timer = Timer.parse({
  name: "backup",
  calendar: "*-*-* 03:00:00",
  command: ["/usr/local/bin/backup", "all databases"],
  persistent: true,
});
const wordpress = {
  database: { host: "isu3", port: 3306, name: "wordpress", user: "wordpress", password: "⟦secret:params.app.password⟧" },
  keys: Object.fromEntries(wordpressKeys.map((name) => [name, `it's \\ ${name}`])) as Record<(typeof wordpressKeys)[number], string>,
};

const rendered: Readonly<Record<string, () => string>> = {
  "app.env": () => envFile(AppEnvironment.parse({ ISUBATA_DB_HOST: "isu3", ISUBATA_DB_PASSWORD: 'a "b" $c `d` \\e', PORT: 8080 })),
  "app.service": () => appUnit(appService),
  "app.tmpfiles": () => tmpfiles([RuntimeDirectory.parse({ path: "/run/app", user: "isucon", group: "www-data" })]),
  "backup.service": () => timedService(timer),
  "backup.timer": () => timerUnit(timer),
  "drop-in": () =>
    dropIn({ role: "nginx", unit: { StartLimitIntervalSec: 0 }, service: { LimitNOFILE: 65536, ExecStart: ["", "/usr/bin/app"] } }),
  hosts: () =>
    hostsBlock([
      { address: "10.0.0.11", name: "isu1" },
      { address: "10.0.0.12", name: "isu2", aliases: ["db", "cache"] },
    ]),
  "memcached.conf": () => memcachedConf(MemcachedParams.parse({ listen: { socket: "/run/memcached/memcached.sock" } }), machine),
  "modules.conf": () => modulesConf(["nf_conntrack"]),
  "my-mariadb-default.cnf": () => mysqlText(mariadb, "default"),
  "my-mariadb-isucon.cnf": () => mysqlText(mariadb, "isucon"),
  "my-mariadb-serverfest.cnf": () => mysqlText(mariadb, "serverfest"),
  "my-mysql-isucon.cnf": () => mysqlText(mysql, "isucon"),
  "my-mysql-serverfest.cnf": () => mysqlText(mysql, "serverfest"),
  "mysql-drop-in": () => mysqlDropIn({ server: mysql, maxConnections: 16384 }),
  "nginx-off.conf": () =>
    nginxConf(NginxMain.parse({ accessLog: false, statusPort: false, gzip: false, openFileCache: 0, workerProcesses: 2 })),
  "nginx.conf": () => nginxConf(NginxMain.parse({})),
  "php.ini": () => phpIni(PhpIni.parse({ settings: { expose_php: null, memory_limit: "256M" } }), machine),
  "pool.conf": () => phpPool(PhpPool.parse({ pm: "dynamic", ini: { memory_limit: "128M", display_errors: false } }), machine),
  "redis.conf": () => redisConf(RedisParams.parse({ bind: ["10.0.0.13"], socket: "/run/redis/redis-server.sock" }), machine),
  "redis-password.conf": () => redisConf(RedisParams.parse({ bind: ["0.0.0.0"], password: 'a"b\\c', persistence: "none" }), machine),
  "site-isucon": () => site(isuconSite),
  "site-wordpress": () => site(wordpressSite),
  "sshd.conf": () => sshdDropIn(Sshd.parse({ rsaSha1: true })),
  sudoers: () => sudoers([{ who: "isucon" }, { who: "%staff", noPassword: false }]),
  "supervisor.conf": () =>
    supervisorProgram(
      SupervisorProgram.parse({
        name: "syncer",
        command: ["/usr/bin/ruby", "syncer.rb", "5", "it's ;a 9 %"],
        user: "syncer",
        directory: "/home/syncer",
        environment: { LEVEL: "10 %, $x" },
      }),
    ),
  "wp-config.php": () => wpConfig(wordpress),
};

test.each(Object.entries(rendered))("%s", (name, render) => {
  const path = join(goldens, `${name}.txt`);
  const text = render();
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, text);
  expect(existsSync(path), "run the tests with UPDATE_GOLDEN=1, and review the new file").toBe(true);
  expect(text).toBe(readFileSync(path, "utf8"));
});

test("no golden is left over from a template that is gone", () => {
  expect(readdirSync(goldens).sort()).toEqual(
    Object.keys(rendered)
      .map((name) => `${name}.txt`)
      .sort(),
  );
});

test.each(Object.keys(rendered).filter((name) => name !== "hosts"))(
  "%s says in its first line who owns it, by a template that exists",
  (name) => {
    const [first = ""] = readFileSync(join(goldens, `${name}.txt`), "utf8").split("\n");
    const owner = /Managed by fleet \(role [a-z-]+, (templates\/[a-z/-]+\.ts)\)\. Local edits are undone at the next up\.$/.exec(first);
    expect(existsSync(join(import.meta.dirname, "../..", owner?.[1] ?? "no such line"))).toBe(true);
  },
);

test("a site refuses an upstream that it does not have, files without a folder, and no port at all", () => {
  const result = Site.safeParse({
    name: "x",
    listen: [],
    routes: [
      { kind: "proxy", path: "/", upstream: "ap" },
      { kind: "static", path: "/s" },
    ],
  });
  expect(result.error?.issues.map(({ path, message }) => [path.join("."), message])).toEqual([
    ["routes.0", "expected one of the site's upstreams (none yet), got `ap`"],
    ["routes.1.root", "expected a folder here or as the site's `root`"],
    ["listen", "expected a port, or `tls`"],
  ]);
});

test("a folder of static files has its index answer", () => {
  const files = { name: "x", root: "/srv/x", index: ["index.html"], routes: [{ kind: "static", path: "/" }] };
  expect(site(Site.parse(files))).toMatch(/index index\.html;[\s\S]*location \/ \{\n +try_files \$uri \$uri\/ =404;/);
});

test.each(["/a;b", "/a{", "/a b", "/$x", '/"', "a", "/a\n"])("a path that would end nginx's directive is refused: %j", (path) => {
  expect(Site.safeParse({ name: "x", routes: [{ kind: "return", path, status: 204 }] }).success).toBe(false);
});

test("redis on every address needs a password", () => {
  expect(RedisParams.safeParse({ bind: ["0.0.0.0"] }).success).toBe(false);
});

test("redis listens somewhere: no address without `port: 0` is a problem", () => {
  expect(RedisParams.safeParse({ bind: [] }).error?.issues[0]?.message).toContain("expected an address, got none");
  expect(RedisParams.safeParse({ bind: [], port: 0, socket: "/run/redis/redis.sock" }).success).toBe(true);
});
