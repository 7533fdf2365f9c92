// The workload `role-web`: 40 resources a host, in words that every contestant understands. What a web server of a contest gets.

export interface UserItem {
  readonly kind: "user";
  readonly name: string;
  readonly comment: string;
}
export interface DirectoryItem {
  readonly kind: "directory";
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
}
export interface FileItem {
  readonly kind: "file";
  readonly path: string;
  /** A template where it names `{{ host }}`. */
  readonly content: string;
  readonly mode: string;
  readonly owner: string;
}
export interface LinkItem {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}
export interface PackageItem {
  readonly kind: "package";
  readonly name: string;
}
/** Must succeed and change nothing. */
export interface CheckItem {
  readonly kind: "check";
  readonly name: string;
  readonly command: string;
}
export type Item = UserItem | DirectoryItem | FileItem | LinkItem | PackageItem | CheckItem;

/** Where the hosts' sshd says who it is: there is no systemd in a host, so a service is checked by its process. */
export const pidFile = "/run/sshd.pid";

const users = ["deploy", "app"];

/** About as long as such files are: 25 to 40 lines. */
const settings = (topic: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `${topic}.option_${String(index).padStart(2, "0")} = ${(index * 7919) % 1000}\n`).join("");

const config = (name: string, content: string): FileItem => ({
  kind: "file",
  path: `/etc/web/conf.d/${name}.conf`,
  content: `# ${name}\n${content}`,
  mode: "0644",
  owner: "root",
});

const site = (name: string, index: number): FileItem => ({
  kind: "file",
  path: `/etc/web/sites.d/${name}.conf`,
  content: `server {\n  server_name ${name}.{{ host }}.example;\n  listen ${8000 + index};\n  root /srv/web/${name};\n}\n${settings(name, 30)}`,
  mode: "0644",
  owner: "root",
});

const key = (user: string): readonly Item[] => [
  { kind: "directory", path: `/home/${user}/.ssh`, mode: "0700", owner: user },
  {
    kind: "file",
    path: `/home/${user}/.ssh/authorized_keys`,
    content: [1, 2, 3].map((each) => `ssh-ed25519 ${"A".repeat(60)}${user}${each} ${user}${each}@laptop\n`).join(""),
    mode: "0600",
    owner: user,
  },
];

const plainFile = (path: string, content: string): FileItem => ({ kind: "file", path, content, mode: "0644", owner: "root" });

const plainConfigs = ["core", "events", "gzip", "log", "mime", "proxy", "cache", "limits", "tls", "static", "uwsgi", "status", "errors"];
const sites = ["front", "api", "admin", "images", "metrics", "health"];

/** The one file that differs between two revisions is `/etc/web/web.conf`. */
export function roleWeb(revision: number): readonly Item[] {
  return [
    ...users.map((name): Item => ({ kind: "user", name, comment: `${name} of the web role` })),
    ...["/etc/web", "/etc/web/conf.d", "/etc/web/sites.d", "/srv/web", "/var/log/web"].map(
      (path): Item => ({ kind: "directory", path, mode: "0755", owner: path === "/srv/web" ? "app" : "root" }),
    ),
    ...users.flatMap(key),
    plainFile("/etc/web/web.conf", `# revision ${revision}\nworker_processes 4;\n${settings("web", 25)}`),
    ...plainConfigs.map((name) => config(name, settings(name, 35))),
    ...sites.map(site),
    plainFile("/etc/sysctl.d/60-web.conf", "net.core.somaxconn = 4096\nnet.ipv4.tcp_tw_reuse = 1\nvm.swappiness = 10\n"),
    // No limits.d: what logins go through arms a revert on the server, which takes systemd there, and which no peer does.
    plainFile("/etc/default/web", "NOFILE=65536\nWORKERS=4\n"),
    { kind: "link", path: "/etc/web/current", target: "/etc/web/sites.d/front.conf" },
    { kind: "link", path: "/srv/logs", target: "/var/log/web" },
    ...["openssh-server", "sudo", "curl"].map((name): Item => ({ kind: "package", name })),
    { kind: "check", name: "sshd-runs", command: `read -r pid < ${pidFile} && kill -0 "$pid"` },
    { kind: "check", name: "web-configured", command: "grep -q '^worker_processes 4;' /etc/web/web.conf" },
  ];
}

export const isTemplate = ({ content }: FileItem): boolean => content.includes("{{ host }}");

export const render = ({ content }: FileItem, host: string): string => content.replaceAll("{{ host }}", host);

/** What a first run brings about: packages and checks hold before it, but for the check of a file that it writes. */
export const changing = (items: readonly Item[]): readonly Item[] => items.filter(({ kind }) => kind !== "package" && kind !== "check");
