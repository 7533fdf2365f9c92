// What a team may write into its stack file and its overlay on a contest's day. Each goes with each: an `up` of any mixture must succeed.
import type { Fleet } from "../fleet.ts";

interface Server {
  roles: string[];
  params?: Record<string, Fleet>;
}

export interface Draft {
  readonly fleet: Fleet & { servers: Record<string, Server>; params: Record<string, Fleet> };
  readonly server: Server;
}

const role =
  (name: string) =>
  ({ server }: Draft) =>
    void server.roles.push(name);
/** Parameters of a role, and the role. */
const param =
  (name: string, params: Fleet) =>
  ({ fleet, server }: Draft) => {
    if (!server.roles.includes(name)) server.roles.push(name);
    fleet.params[name] = merged(fleet.params[name] ?? {}, params);
  };

function merged(a: Fleet, b: Fleet): Fleet {
  const both = (x: unknown, y: unknown): unknown => {
    if (Array.isArray(x) && Array.isArray(y)) return [...x, ...y];
    return typeof x === "object" && x !== null && typeof y === "object" && y !== null && !Array.isArray(y)
      ? merged(x as Fleet, y as Fleet)
      : y;
  };
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([name, value]) => [name, name in a ? both(a[name], value) : value])) };
}

const memberKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const sleeper = { user: "isucon", workingDirectory: "/home/isucon", command: ["/bin/sleep", "1000000"] };

/** What the role computes is for a server with a disk. */
const small = { settings: { innodb_buffer_pool_size: "134217728", innodb_log_file_size: "100663296" } };

/** By name. Those of one group exclude each other. */
export const options: Readonly<Record<string, { readonly group?: string; apply(draft: Draft): void }>> = {
  nginx: { apply: role("nginx") },
  "nginx tuned": { apply: param("nginx", { main: { workerConnections: 4096, accessLogFormat: "json" } }) },
  "nginx site": {
    apply: param("nginx", {
      sites: [{ name: "team", listen: [8081], default: false, routes: [{ kind: "return", path: "/", status: 200, text: "team" }] }],
    }),
  },
  "nginx their site": {
    group: "notes",
    apply: param("nginx", {
      sites: [{ name: "notes.conf", listen: [80], root: "/home/isucon/webapp/public", routes: [{ kind: "static", path: "/" }] }],
    }),
  },
  "nginx certificate": { apply: param("nginx", { certificates: { team: { names: ["team.example"] } } }) },
  mysql: { apply: param("mysql", small) },
  "mysql tuned": { apply: param("mysql", { settings: { ...small.settings, max_connections: 300, long_query_time: 0.2 } }) },
  "mysql slow log": { apply: param("mysql", { ...small, slowLog: { enabled: true } }) },
  "mysql user": { apply: param("mysql", { ...small, users: { team: { grants: { notes: ["SELECT"] } } } }) },
  memcached: { apply: role("memcached") },
  redis: { apply: role("redis") },
  "app environment": { apply: param("app", { environment: { TEAM_MODE: "fast", CONTEST_NAME: "ours" } }) },
  "app other environment": { apply: param("app", { environment: { TEAM_LEVEL: 2 }, environmentFile: "/home/isucon/webapp/team.env" }) },
  "app their service": {
    group: "notes-python",
    apply: param("app", { services: { "notes-python": { ...sleeper, command: ["/usr/bin/python3", "/home/isucon/webapp/app.py"] } } }),
  },
  "app sleeping service": { apply: param("app", { services: { "notes.sh": sleeper } }) },
  "app own service": { apply: param("app", { services: { "team-worker": sleeper } }) },
  "app timer": { apply: param("app", { timers: [{ name: "team-clean", calendar: "daily", command: ["/bin/true"] }] }) },
  "app socket folder": { apply: param("app", { runtimeDirectories: [{ path: "/run/team", user: "isucon", group: "www-data" }] }) },
  packages: { apply: param("base", { packages: ["jq"] }) },
  member: { apply: ({ fleet }) => void Object.assign(fleet, { members: [{ name: "ada", keys: [memberKey] }] }) },
  sysctl: { apply: param("base", { sysctl: { preset: "isucon" } }) },
  "sysctl own": { apply: param("base", { sysctl: { overrides: { "net.core.somaxconn": 4096 } } }) },
  timezone: { apply: param("base", { timezone: "Asia/Tokyo" }) },
  sshd: { apply: param("base", { sshd: { passwords: true, maxSessions: 32 } }) },
  cron: { apply: param("base", { cron: { team: { jobs: [{ schedule: "@daily", run: "true" }] } } }) },
  mount: { apply: param("base", { mounts: [{ where: "/srv/cache", what: "tmpfs", type: "tmpfs", options: "size=1m,mode=0755" }] }) },
  groups: { apply: param("base", { groups: { adm: ["isucon"], team: ["isucon"] } }) },
  limits: { apply: param("base", { limits: { nofile: 100000 } }) },
  "no host name": { apply: param("base", { hostname: false }) },
};

/** Where an overlay's file lies, and what may stand there: text, or a link to `→ …`. */
export const files: Readonly<Record<string, readonly string[]>> = {
  "/etc/nginx/conf.d/team.conf": ["map_hash_max_size 2048;\n", "map_hash_max_size 4096;\n"],
  "/etc/nginx/sites-available/notes.conf": [
    'server { listen 80 default_server; location / { return 200 "a\\n"; } }\n',
    'server { listen 80 default_server; location / { return 200 "b\\n"; } }\n',
  ],
  "/etc/nginx/sites-enabled/notes.conf": [
    "→ ../sites-available/notes.conf",
    'server { listen 80; location / { return 200 "here\\n"; } }\n',
  ],
  "/etc/nginx/sites-available/more.conf": ['server { listen 8082; location / { return 200 "more\\n"; } }\n'],
  "/etc/mysql/mariadb.conf.d/99-isucon.cnf": ["[mysqld]\nmax_allowed_packet = 64M\n", "[mysqld]\nlong_query_time = 3\n"],
  "/etc/mysql/mariadb.conf.d/zzz-team.cnf": ["[mysqld]\nlong_query_time = 0.5\n", "[mysqld]\nlong_query_time = 0.25\n"],
  "/etc/systemd/system/notes-python.service": [
    "[Service]\nUser=isucon\nWorkingDirectory=/home/isucon/webapp\nExecStart=/usr/bin/python3 app.py\nEnvironment=CONTEST_NAME=unit\n[Install]\nWantedBy=multi-user.target\n",
  ],
  "/etc/systemd/system/notes-python.service.d/team.conf": [
    "[Service]\nEnvironment=TEAM=1\n",
    "[Service]\nEnvironment=TEAM=2\nLimitNOFILE=4321\n",
  ],
  "/etc/systemd/system/notes-matcher.service": [
    "[Service]\nUser=isucon\nExecStart=/bin/sleep 2000000\n[Install]\nWantedBy=multi-user.target\n",
  ],
  "/etc/systemd/system/team-x.service": ["[Service]\nExecStart=/bin/sleep 3000000\n[Install]\nWantedBy=multi-user.target\n"],
  "/etc/sysctl.d/99-isucon.conf": ["net.core.somaxconn = 2048\n", "net.ipv4.tcp_fin_timeout = 17\n"],
  "/etc/sysctl.d/99-team.conf": ["net.ipv4.tcp_fin_timeout = 19\n"],
  "/etc/hosts": ["127.0.0.1 localhost\n192.0.2.77 ours\n"],
  "/etc/sudoers.d/team": ["Defaults:isucon !lecture\n"],
  "/etc/cron.d/team-files": ["0 0 1 1 * root true\n"],
  "/etc/security/limits.d/isucon.conf": ["* soft nofile 70000\n"],
  "/home/isucon/env.sh": ['CONTEST_NAME="laid"\nCONTEST_INTERVAL=0.4\n', 'CONTEST_NAME="laid again"\nCONTEST_INTERVAL=0.5\n'],
  "/home/isucon/webapp/public/index.html": ["ours\n"],
  "/home/isucon/webapp/team/deep/file.txt": ["deep\n", "deeper\n"],
  "/opt/team": ["a file\n", "→ /opt/checker"],
  "/opt/team/inner.txt": ["inner\n", "→ ../checker/check"],
  "/etc/team.conf": ["one\n", "two\n", "→ hostname"],
};

/** Those of a team that lie below or above each other can't both be there. */
export const crosses = (path: string, other: string): boolean =>
  path !== other && (path.startsWith(`${other}/`) || other.startsWith(`${path}/`));

/** Words of commands that leave something on a server where nobody takes it back. Where nothing is up yet they refuse. */
export const operations: Readonly<Record<string, readonly string[]>> = {
  bench: ["bench", "--", "sh", "-c", "sleep 1; echo score: 1"],
  "bench --final": ["bench", "--final", "--", "sh", "-c", "echo score: 1"],
  finalize: ["finalize", "--yes"],
  "finalize --undo": ["finalize", "--undo", "--yes"],
};

/** Shell text, of what somebody does on the server; only to what the fleet has there at that moment (`mine PATH`), whose undoing is its business. */
export const byHand: Readonly<Record<string, string>> = {
  "edits a file of ours":
    'for path in /etc/nginx/nginx.conf /etc/team.conf; do if mine "$path" && [ -f "$path" ]; then echo "# by hand" >> "$path"; fi; done',
  "removes a file of ours":
    'for path in /etc/nginx/conf.d/team.conf /opt/team/inner.txt /etc/cron.d/team; do if mine "$path"; then rm -f "$path"; fi; done',
  "changes a mode of ours":
    'for path in /etc/mysql/mariadb.conf.d/zz-fleet.cnf /etc/team.conf; do if mine "$path" && [ -f "$path" ]; then chmod 600 "$path"; fi; done',
  "removes a folder of ours": "if mine /opt/team && [ -d /opt/team ]; then rm -rf /opt/team; fi",
  "puts a folder in place of a file": "if mine /etc/team.conf; then rm -rf /etc/team.conf; mkdir /etc/team.conf; fi",
  "stops a service of ours": 'for unit in team-worker memcached; do if mine "$unit"; then systemctl stop "$unit"; fi; done',
  "disables a service of ours": 'for unit in team-worker memcached; do if mine "$unit"; then systemctl disable -q --now "$unit"; fi; done',
  "removes an account of ours": "if mine ada; then userdel -r ada 2> /dev/null; fi",
  "removes a package of ours": "if mine 'package\\[memcached'; then apt-get -q -y purge memcached; fi",
  "holds a package of ours": "if mine 'package\\[memcached' && dpkg -s memcached > /dev/null 2>&1; then apt-mark -q hold memcached; fi",
  "works in a folder of ours": "if mine /opt/team && [ -d /opt/team ] && [ ! -L /opt/team ]; then echo work > /opt/team/theirs.txt; fi",
  "sets a kernel setting of ours": "if mine somaxconn; then sysctl -q net.core.somaxconn=777; fi",
  "drops the database's user of ours":
    "if mine 'mysql-user\\[team'; then mariadb -e \"DROP USER IF EXISTS team@localhost; DROP USER IF EXISTS team@'%'\"; fi",
};
