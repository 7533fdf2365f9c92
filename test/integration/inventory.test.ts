// Servers that were handed out, with somebody's work on them: taken over by password alone, converged, and given back byte for byte.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MachineState } from "../../machines/machine.ts";
import { fingerprint, parseHostKey } from "../../provisioners/ssh/host-key.ts";
import { checkout } from "../../provisioners/stack.ts";
import { ownHome } from "../../pulumi/home.ts";
import { type Fleet, inside, start, Trial } from "../support/fleet.ts";
import { handOut } from "../support/handed-out.ts";
import { ownNetwork } from "../support/own.ts";
import { soon, until } from "../support/soon.ts";

const network = ownNetwork();
const user = { name: "isucon", password: "pass of the contest", sudo: "free" } as const;
const memberKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const login = (host: number) => ({ address: `${network}.${host}`, user: "isucon" });

const trial = new Trial("inventory", {
  target: "inventory",
  members: [{ name: "ada", keys: [memberKey] }],
  servers: {
    isu1: { ...login(11), roles: ["base", "nginx"] },
    isu2: { ...login(12), roles: ["base", "nginx", "memcached"] },
    // Nothing but isu1 gets through to it.
    isu3: { ...login(13), jump: "isu1", roles: ["base", "mysql", "redis"] },
  },
  params: {
    base: { packages: ["jq", "vim-tiny"], timezone: "Asia/Tokyo", sshd: { passwords: true }, sysctl: { preset: "isucon" } },
    nginx: {
      sites: [{ name: "team", root: "/var/www/html", routes: [{ kind: "front", path: "/" }] }],
      certificates: { team: { names: ["team.example"] } },
    },
    mysql: { databases: { team: {} }, users: { shop: { grants: { team: ["ALL"] } } } },
  },
});

/** What the organisers, or the contest's application, left on every server. */
const everywhere = `
install -d -m 700 -o isucon -g isucon /home/isucon/.ssh
printf '${memberKey} organiser' > /home/isucon/.ssh/authorized_keys
chown isucon:isucon /home/isucon/.ssh/authorized_keys; chmod 640 /home/isucon/.ssh/authorized_keys
install -d -m 700 /root/.ssh
printf '# theirs\\n${memberKey} benchmarker\\n' > /root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys
printf '192.0.2.99 bench # do not touch' >> /etc/hosts
install -d /var/spool/cron/crontabs; printf '5 4 * * * true\\n' > /var/spool/cron/crontabs/isucon
printf '#!/bin/sh\\necho theirs\\n' > /usr/local/bin/theirs; chmod 4755 /usr/local/bin/theirs
printf 'net.core.somaxconn = 1024\\n' > /etc/sysctl.d/10-theirs.conf; sysctl -q -p /etc/sysctl.d/10-theirs.conf
export DEBIAN_FRONTEND=noninteractive
apt-get -q update`;

const nginxOfTheirs = `${everywhere}
apt-get -q -y install --no-install-recommends nginx
printf 'server { listen 8080; location / { return 200 "the shop\\\\n"; } }\\n' > /etc/nginx/sites-available/shop
ln -s ../sites-available/shop /etc/nginx/sites-enabled/shop
rm /etc/nginx/sites-enabled/default
chmod 640 /etc/nginx/nginx.conf
printf '# tuned by hand\\n' >> /etc/nginx/nginx.conf
systemctl restart nginx`;

/** Installed, and off: it must be off again afterwards. */
const sleepingNginx = `${everywhere}
apt-get -q -y install --no-install-recommends nginx
systemctl disable --now nginx`;

const databaseOfTheirs = `${everywhere}
apt-get -q -y install --no-install-recommends mariadb-server
printf '[mysqld]\\nmax_connections = 77\\n' > /etc/mysql/mariadb.conf.d/60-theirs.cnf
systemctl restart mariadb
mariadb -e "CREATE DATABASE shop; CREATE TABLE shop.items AS SELECT 42 AS answer; CREATE USER shop@localhost IDENTIFIED BY 'theirs'; GRANT SELECT ON shop.* TO shop@localhost;"`;

/**
 * Every file of the places where configuration lives, with its mode, owner and content; packages, units, kernel settings, accounts.
 * Left out: ld.so.cache (of the libraries' order on disk).
 */
const snapshot = `
cd /
find etc home root usr/local var/spool/cron var/lib/fleet -xdev -printf '%p %y %m %u:%g %l\\n' 2>/dev/null | grep -v '^etc/ld.so.cache ' | sort
find etc home root usr/local var/spool/cron -xdev -type f ! -path etc/ld.so.cache -exec sha256sum {} + | sort -k 2
dpkg-query -W -f '\${Package} \${Version} \${db:Status-Status}\\n'
systemctl list-unit-files --no-legend --no-pager --plain | sed 's/ *$//' | sort
systemctl list-units --all --type=service,timer,socket --no-legend --no-pager --plain 'nginx*' 'maria*' 'mysql*' 'redis*' 'memcached*' 'ssh.*' 'cron*' | awk '{ print $1, $2, $3, $4 }'
sysctl net.core.somaxconn net.ipv4.ip_local_port_range net.ipv4.tcp_fin_timeout
hostname; getent passwd; getent group; getent shadow | cut -d: -f1,2; ls -l /etc/localtime | sed 's/.*->//'
if command -v mariadb > /dev/null; then
  mariadb -N -e "SELECT User, Host, authentication_string FROM mysql.user ORDER BY 1, 2; SHOW DATABASES; SHOW GRANTS FOR shop@localhost; SELECT @@max_connections; SELECT * FROM shop.items"
fi`;

const shut = `fleet-shut-${process.pid}`;
const names = ["isu1", "isu2", "isu3"] as const;
let machines: Readonly<Record<string, MachineState>> = {};
const before = new Map<string, readonly string[]>();

async function lookAt(name: string): Promise<readonly string[]> {
  const { code, stdout, said } = await inside(trial.stack, name, snapshot);
  expect(code, said).toBe(0);
  return stdout.split("\n");
}

const prepared = async (name: string, script: string): Promise<void> => {
  const { code, said } = await inside(trial.stack, name, script);
  expect(code, said).toBe(0);
};

beforeAll(async () => {
  machines = await handOut(
    trial,
    network,
    names.map((name, index) => ({ name, host: 11 + index, user })),
  );
  await Promise.all([prepared("isu1", nginxOfTheirs), prepared("isu2", sleepingNginx), prepared("isu3", databaseOfTheirs)]);
  const rests = async (name: string) => (await inside(trial.stack, name, '[ -z "$(systemctl list-jobs --no-legend)" ]')).code === 0;
  for (const name of names) await until(() => rests(name), `${name} at rest`);
  for (const name of names) before.set(name, await lookAt(name));
  execFileSync("nft", ["-f", "-"], {
    input: `table inet ${shut} {\nchain out {\ntype filter hook output priority 0;\nip daddr ${network}.13 tcp dport 22 reject\n}\n}\n`,
  });
  for (const name of names) await trial.secret(`servers.${name}.password`, user.password);
  // Into folders that are not there.
  trial.overlay("isu1", "/usr/local/share/team/pages/index.html", "ours\n");
  await trial.secret("params.mysql.users.shop.password", "of the team's own");
});

afterAll(async () => {
  await trial.remove();
  execFileSync("nft", ["delete", "table", "inet", shut]);
});

/** What belongs to a resource in a preview: its line, and those under it. */
const itemIn = (text: string, address: string): string => {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.slice(4).startsWith(`${address}  `));
  const rest = lines.slice(first + 1);
  return [
    lines[first],
    ...rest.slice(
      0,
      rest.findIndex((line) => !line.startsWith("      ")),
    ),
  ].join("\n");
};

describe("the first preview, with one server that is off", () => {
  const servers = (fleet: Fleet) => fleet.servers as Record<string, { readonly roles: string[] }>;
  beforeAll(() =>
    trial.edit((fleet) =>
      Object.assign(servers(fleet), { off: { ...servers(fleet).isu1, ...login(99), roles: servers(fleet).isu3!.roles } }),
    ),
  );
  afterAll(() => trial.edit((fleet) => void delete servers(fleet).off));

  test("shows what it replaces and restarts as changes of what is there, and says why the roles of the other are not shown", async () => {
    const { code, stdout } = await trial.run("preview");
    expect(code, stdout).toBe(0);
    // What is the same on several stands once, under all of their names.
    const sections = stdout.split(/^(?=(?:isu[123]|off)(?:, isu[123])*$)/m);
    const of = (name: string) => sections.filter((section) => section.split("\n")[0]!.split(", ").includes(name)).join("");
    const [isu1, isu2, isu3, off] = [of("isu1"), of("isu2"), of("isu3"), of("off")];
    expect(itemIn(isu1, "file[/etc/nginx/nginx.conf]")).toMatch(/^ {2}~ .*-# tuned by hand/s);
    expect(itemIn(isu1, "service[nginx.service]")).toMatch(/^ {2}~ .*(?:reload|restart)/s);
    expect(itemIn(isu1, "block[/root/.ssh/authorized_keys:team]")).toMatch(/^ {2}\+ /);
    expect(itemIn(isu2, "service[nginx.service]")).toMatch(/^ {2}~ /);
    expect(itemIn(isu3, "service[mariadb.service]")).toMatch(/^ {2}~ .*restart/s);
    expect(isu3).not.toContain("package[mariadb-server]");
    expect(off).toMatch(/not looked at, shown from the stack file alone: off: no (?:route to|answer from) `/);
    expect(off).toContain(`\`${network}.99:22\``);
    for (const role of ["base", "mysql", "redis"]) expect(off).toContain(`+ role[${role}]`);
    expect(stdout).not.toMatch(/undefined|NaN|^\s+at /m);
  });

  test("verify tells of the same, server by server", async () => {
    const { code, stdout } = await trial.run("verify");
    expect(code, stdout).toBe(7);
    expect(stdout).toMatch(/! host\[off\]\n +off: no (?:route to|answer from)/);
    expect(stdout).toMatch(/- role\[mysql\]\n/);
    expect(stdout).toMatch(/\? file\[\/etc\/nginx\/nginx\.conf\]\n +content/);
    expect(stdout).not.toMatch(/undefined|NaN|^\s+at /m);
  });
});

test("servers are taken by address, user and password; the host key that each shows is said and pinned", async () => {
  const { code, said } = await trial.up();
  expect(said).toContain("pins what");
  expect(code, said).toBe(0);
  for (const name of names) expect(said).toContain(fingerprint(parseHostKey(machines[name]!.hostKey)!));
  expect(readFileSync(trial.file, "utf8")).not.toContain(user.password);
  expect((await inside(trial.stack, "isu1", "cat /usr/local/share/team/pages/index.html")).stdout).toBe("ours\n");
  const state = trial.stateFiles().find((path) => path.endsWith(`stacks/contest-fleet/${trial.stack}.json`))!;
  // What is on a lent server must be undone: it does not go away with a machine.
  expect(readFileSync(state, "utf8")).not.toContain("deletedWith");
});

test("a server behind another is entered through it", async () => {
  const { code, said } = await start(join(checkout, "fleet"), ["ssh", "-s", trial.stack, "isu3", "hostname; exit 3"], { env: trial.env })
    .done;
  expect([code, said]).toEqual([3, "isu3\n"]);
});

test("they are as the stack file says, and a second up finds nothing to do", async () => {
  const looked = await trial.run("verify");
  expect(looked.code, looked.said).toBe(0);
  expect(looked.said).not.toContain("a full run by Pulumi");
  const quick = await trial.up();
  expect(quick.said).toMatch(/^trial: nothing to do; \d+ resources on 3 servers as they should be$/m);
  const logged = engineLogs();
  const again = await trial.run("up", ["--yes", "--engine", "--verbose"]);
  expect(engineLogs()).toEqual(logged);
  expect(again.code, again.said).toBe(0);
  expect(again.said).toMatch(/Resources:\n +\d+ unchanged/);
  const { stdout } = await inside(
    trial.stack,
    "isu1",
    "hostname; systemctl is-enabled nginx; test -e /etc/nginx/sites-enabled/team && echo ours",
  );
  expect(stdout).toBe("isu1\nenabled\nours\n");
  for (const name of names) expect(await lookAt(name)).not.toEqual(before.get(name));
});

test("the quick answer is the engine's own, and goes to the engine where something differs", async () => {
  for (const [command, ...format] of [["verify", "--format", "json"], ["verify", "--all"], ["preview"], ["preview", "--json"]] as const) {
    const [quick, engine] = [await trial.run(command, format), await trial.run(command, [...format, "--engine"])];
    expect(quick.said).not.toContain("a full run by Pulumi");
    expect(inOrder(quick.stdout)).toEqual(inOrder(engine.stdout));
    expect([quick.code, engine.code]).toEqual([0, 0]);
  }
  const edit = "echo '# by hand' >> /etc/nginx/nginx.conf";
  await inside(trial.stack, "isu2", edit);
  const differs = await trial.run("verify");
  expect(differs.said).toMatch(/a full run by Pulumi: isu2 nginx: file\[\/etc\/nginx\/nginx\.conf\](?: and 1 more)? differs/);
  expect([differs.code, differs.stdout]).toEqual([7, expect.stringContaining("-# by hand")]);
  const healed = await trial.run("up", ["--yes"]);
  expect(healed.code, healed.said).toBe(0);
  expect(healed.stdout).toMatch(/^isu2 nginx: file\[\/etc\/nginx\/nginx\.conf\]: content /m);
  expect(healed.stdout).toMatch(/^trial: \d+ changes on 1 server, 2 servers unchanged; [\d.]+ s$/m);
  expect(healed.said).not.toMatch(/fleet:index:Role|Resources:/);
  expect((await trial.run("verify")).said).not.toContain("a full run by Pulumi");
});

/** Of this stack: what was typed by hand is logged, what `fleet` starts is not. */
const engineLogs = (): readonly string[] =>
  existsSync(join(ownHome(), "logs")) ? readdirSync(join(ownHome(), "logs")).filter((name) => name.includes(trial.stack)) : [];

/** The engine takes servers in the order in which they answer. */
const inOrder = (text: string): unknown => {
  if (!text.startsWith("[")) return text.split("\n\n").sort();
  const reports = JSON.parse(text) as readonly { readonly host: string; readonly role: string }[];
  return reports.toSorted((a, b) => `${a.host} ${a.role}`.localeCompare(`${b.host} ${b.role}`));
};

test("a team and a server that are called otherwise are told so, and followed where they say what they were called", async () => {
  trial.edit((fleet) => {
    const { isu2, ...others } = fleet.servers as Record<string, Fleet>;
    fleet.team = "renamed";
    fleet.servers = { ...others, web2: isu2 };
  });
  const refused = await trial.up();
  expect(refused.code, refused.said).toBe(2);
  expect(refused.said).toContain("write `was: trial` beside it");
  trial.edit((fleet) => {
    fleet.was = "trial";
  });
  const unsaid = await trial.up();
  expect(unsaid.code, unsaid.said).toBe(2);
  expect(unsaid.said).toContain(
    `servers.web2: expected \`isu2\`, by whose name the server at \`${network}.12\` was made, got \`web2\`; write \`was: isu2\` in it`,
  );
  trial.edit((fleet) => {
    (fleet.servers as Record<string, Fleet>).web2!.was = "isu2";
  });
  const followed = await trial.up();
  expect(followed.code, followed.said).toBe(0);
  expect(followed.said).not.toMatch(/\d+ (?:created|deleted|replaced)/);
  const { stdout } = await inside(trial.stack, "isu2", "hostname; systemctl is-enabled nginx memcached; id -u ada >/dev/null && echo ada");
  expect(stdout).toBe("web2\nenabled\nenabled\nada\n");
  const looked = await trial.run("verify");
  expect(looked.code, looked.said).toBe(0);
});

test("down puts back every file, package, service, account and setting, and names what it can't", async () => {
  const { code, said } = await trial.run("down", ["--yes"]);
  expect(code, said).toBe(0);
  // A database may hold what somebody wants by now: named, and remembered on the server until it is dropped there.
  expect(said).toMatch(/mysql-database\[team\]: can't be undone: its data may be wanted, and stays; `DROP DATABASE team`/);
  expect(said.match(/can't be undone/g)).toHaveLength(said.match(/mysql-database\[team\]: can't be undone/g)!.length);
  const dropped = await inside(trial.stack, "isu3", "mariadb -e 'DROP DATABASE team'; rm -r /var/lib/fleet");
  expect(dropped.code, dropped.said).toBe(0);
  for (const name of names) await soon(() => lookAt(name), `${name} after:\n${said}`).toEqual(before.get(name));
  await soon(async () => (await inside(trial.stack, "isu1", "curl -s http://127.0.0.1:8080/")).stdout).toBe("the shop\n");
});
