// The team's own /etc on a server that somebody else set up: each file before its service, under its validator, heard of, and taken back whole.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fleet, inside, Trial } from "../support/fleet.ts";
import { handOut } from "../support/handed-out.ts";
import { ownNetwork, ownProject } from "../support/own.ts";
import { soon } from "../support/soon.ts";

const network = ownNetwork();
const user = { name: "isucon", password: "pass of the contest", sudo: "free" } as const;

const trial = new Trial("overlay", {
  target: "inventory",
  servers: { isu1: { address: `${network}.11`, user: "isucon", roles: ["base"] } },
  params: { base: { packages: [] } },
  fileRules: [{ path: "/etc/nginx/tls/*.key", owner: "root", mode: "0600" }],
});

/** nginx and MariaDB of the organiser's, an application with its unit, and /etc/nginx kept elsewhere, by a link. */
const theirs = `
export DEBIAN_FRONTEND=noninteractive
apt-get -q update; apt-get -q -y install --no-install-recommends nginx-light mariadb-server openssl curl
cp -a /etc/nginx /home/isucon/nginx; rm -r /etc/nginx; ln -s /home/isucon/nginx /etc/nginx
printf '[Service]\\nExecStart=/bin/sh -c "exec sleep 1000000"\\n' > /etc/systemd/system/notes.sh.service
printf '[Service]\\nExecStart=/bin/sleep 1000000\\n' > '/etc/systemd/system/notes-matcher.service'
install -d -o isucon -g isucon /home/isucon/webapp; printf 'theirs\\n' > /home/isucon/webapp/env.sh; chown isucon: /home/isucon/webapp/env.sh; chmod 600 /home/isucon/webapp/env.sh
systemctl daemon-reload; systemctl restart nginx mariadb; systemctl start notes.sh`;

const snapshot = `cd /; find etc home srv -xdev -printf '%p %y %m %u:%g %l\\n' | sort; find etc home srv -xdev -type f -exec sha256sum {} + | sort -k 2
systemctl list-units --type=service --state=running --no-legend --plain | cut -d' ' -f1; cat /proc/sys/net/ipv4/tcp_fin_timeout; mariadb -N -e 'SELECT @@long_query_time'`;

async function told(script: string): Promise<string> {
  const { code, stdout, said } = await inside(trial.stack, "isu1", script);
  expect(code, said).toBe(0);
  return stdout;
}

const lay = (path: string, content?: string): void => trial.overlay("isu1", path, content);
/** In the tree, as it is on this computer. */
const at = (path: string): string => join(ownProject, "stacks", `files-${trial.stack}`, "isu1", path);
const settled = async (): Promise<void> => {
  const looked = await trial.run("verify");
  expect(looked.code, looked.said).toBe(0);
  const again = await trial.run("up", ["--yes", "--engine"]);
  expect(again.said).toMatch(/nothing to do; \d+ resources|Resources:\n +\d+ unchanged/);
};

const site =
  "server { listen 8181 ssl; ssl_certificate tls/team.crt; ssl_certificate_key tls/team.key; location / { include snippets/team.conf; } }\n";
let before = "";

beforeAll(async () => {
  await handOut(trial, network, [{ name: "isu1", host: 11, user }]);
  await told(theirs);
  before = await told(snapshot);
  await trial.secret("servers.isu1.password", user.password);
  const [key, certificate] = (
    await told(
      "cd /tmp; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=team -keyout k -out c 2>/dev/null; cat k; echo @@; cat c; rm k c",
    )
  ).split("@@\n");
  lay("/etc/nginx/sites-available/team.conf", site);
  mkdirSync(dirname(at("/etc/nginx/sites-enabled/team.conf")), { recursive: true });
  symlinkSync("../sites-available/team.conf", at("/etc/nginx/sites-enabled/team.conf"));
  lay("/etc/nginx/snippets/team.conf", 'return 200 "team\\n";\n');
  lay("/etc/nginx/tls/team.crt", certificate);
  lay("/etc/nginx/tls/team.key", key);
  lay("/etc/mysql/mariadb.conf.d/zz-team.cnf", "[mysqld]\nlong_query_time = 0.25\n");
  lay("/etc/systemd/system/notes.sh.service.d/team.conf", "[Service]\nEnvironment=TEAM=1\n");
  lay("/etc/systemd/system/notes-matcher.service.d/team.conf", "[Service]\nEnvironment=TEAM=1\n");
  lay("/etc/systemd/system/notes-matcher.service", "[Service]\nExecStart=/bin/sleep 2000000\n");
  lay("/etc/systemd/system/odd\\x2dname@.service", "[Service]\nExecStart=/bin/true\n");
  lay("/etc/sysctl.d/99-team.conf", "# ours\nnet.ipv4.tcp_fin_timeout = 17\n");
  lay("/etc/ssh/sshd_config.d/10-team.conf", "LoginGraceTime 33\n");
  lay("/etc/sudoers.d/team", "Defaults:isucon !lecture\n");
  lay("/etc/hosts", "127.0.0.1 localhost\n192.0.2.77 ours\n");
  lay("/etc/tmpfiles.d/team.conf", "f /run/team 0640 isucon isucon - ours\n");
  lay("/etc/profile.d/team.sh", "export TEAM=1\n");
  lay("/etc/apt/apt.conf.d/99team", 'APT::Install-Suggests "false";\n');
  lay("/etc/hostname", "team-1\n");
  lay("/srv/team dump.sql", "SELECT 1;\n");
  lay("/home/isucon/webapp/env.sh", "ours\n");
  lay("/home/isucon/webapp/go/ホーム @1.txt", "x\n");
  lay("/home/isucon/webapp/run.sh", "#!/bin/sh\n");
  chmodSync(at("/home/isucon/webapp/run.sh"), 0o755);
  lay("/etc/team.conf.tmpl", 'name={{ server.name }} password={{ "servers.isu1.password" | secret }}\n');
  lay("/etc/team.txt", "⟦secret:servers.isu1.password⟧\n");
});
afterAll(() => trial.remove());

test("all of it is live after one up, with the owner and mode that it is to have, and a second up changes nothing", async () => {
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  expect(said).not.toContain(user.password);
  await soon(() =>
    told(
      "curl -sk https://127.0.0.1:8181/; mariadb -N -e 'SELECT @@long_query_time'; cat /proc/sys/net/ipv4/tcp_fin_timeout; sshd -T | grep logingracetime",
    ),
  ).toBe("team\n0.250000\n17\nlogingracetime 33\n");
  await soon(() =>
    told(
      "tr '\\0' '\\n' < /proc/$(systemctl show -p MainPID --value notes.sh)/environ | grep TEAM; systemctl is-active notes-matcher || systemctl show -p Environment,NeedDaemonReload notes-matcher",
    ),
  ).toBe("TEAM=1\ninactive\nEnvironment=TEAM=1\nNeedDaemonReload=no\n");
  expect(
    await told(
      "cd /; stat -c '%n %a %U:%G' etc/nginx/tls/team.key etc/sudoers.d/team etc/team.conf 'srv/team dump.sql' home/isucon/webapp/env.sh home/isucon/webapp/go home/isucon/webapp/go/* home/isucon/webapp/run.sh; readlink etc/nginx etc/nginx/sites-enabled/team.conf",
    ),
  ).toBe(
    [
      ...[
        "etc/nginx/tls/team.key 600 root:root",
        "etc/sudoers.d/team 440 root:root",
        "etc/team.conf 600 root:root",
        "srv/team dump.sql 644 root:root",
      ],
      ...["home/isucon/webapp/env.sh 600 isucon:isucon", "home/isucon/webapp/go 755 isucon:isucon"],
      ...["home/isucon/webapp/go/ホーム @1.txt 644 isucon:isucon", "home/isucon/webapp/run.sh 755 isucon:isucon"],
      ...["/home/isucon/nginx", "../sites-available/team.conf", ""],
    ].join("\n"),
  );
  expect(await told("cat /run/team; stat -c ' %a %U' /run/team; hostname; sh -lc 'echo $TEAM'")).toBe("ours 640 isucon\nteam-1\n1\n");
  expect(await told("cat /etc/hosts /etc/team.conf /etc/team.txt")).toBe(
    `127.0.0.1 localhost\n192.0.2.77 ours\n# BEGIN fleet team\n${network}.11 isu1\n# END fleet team\nname=isu1 password=${user.password}\n⟦secret:servers.isu1.password⟧\n`,
  );
  await settled();
});

/** What is broken, how, what its validator says, and what still answers. */
const broken: readonly (readonly [string, string, RegExp, string, string])[] = [
  ["/etc/nginx/snippets/team.conf", "retrn 200;\n", /unknown directive "retrn"/, "curl -sk https://127.0.0.1:8181/", "team\n"],
  ["/etc/nginx/tls/team.crt", "no certificate\n", /cannot load certificate/, "curl -sk https://127.0.0.1:8181/", "team\n"],
  [
    "/etc/mysql/mariadb.conf.d/zz-team.cnf",
    "[mysqld]\nno_such_option = 1\n",
    /unknown variable 'no_such_option=1'/,
    "mariadb -N -e 'SELECT @@long_query_time'",
    "0.250000\n",
  ],
  [
    "/etc/mysql/mariadb.conf.d/zz-team.cnf",
    "[mysqld]\nskip_name_resolve = maybe\n",
    /'maybe' wasn't recognized/,
    "mariadb -N -e 'SELECT @@long_query_time'",
    "0.250000\n",
  ],
  [
    "/etc/systemd/system/notes.sh.service.d/team.conf",
    "[Service]\nUser=nobody-at-all\n",
    /did not come up after restart/,
    "systemctl is-active notes.sh",
    "active\n",
  ],
  [
    "/etc/sysctl.d/99-team.conf",
    "net.ipv4.tcp_fin_timeout = many\n",
    /99-team|tcp_fin_timeout/,
    "cat /proc/sys/net/ipv4/tcp_fin_timeout",
    "17\n",
  ],
  [
    "/etc/ssh/sshd_config.d/10-team.conf",
    "PasswordAuthenticatoin no\n",
    /Bad configuration option: PasswordAuthenticatoin/,
    "sshd -t; systemctl is-active ssh",
    "active\n",
  ],
  ["/etc/tmpfiles.d/team.conf", "nonsense\n", /Syntax error/, "cat /run/team", "ours"],
  ["/etc/profile.d/team.sh", "if [ ; then\n", /syntax error/, "sh -lc 'echo $TEAM'", "1\n"],
  ["/etc/apt/apt.conf.d/99team", "APT { Foo; }; }; x y\n", /Syntax error/, "apt-config dump > /dev/null && echo ok", "ok\n"],
  ["/etc/sudoers.d/team", "isucon ALL ALL ALL(\n", /syntax error/, "visudo -cq; sudo -u isucon sudo -n true", ""],
];

describe("broken, it does not land, and what runs goes on", () => {
  test.each(broken)("%s: %j", async (path, content, words, asks, answer) => {
    const good = await told(`cat '${path}'`);
    lay(path, content);
    const refused = await trial.up();
    expect(refused.code, refused.said).toBe(1);
    expect(refused.said).toMatch(words);
    expect(await told(`cat '${path}'`)).toBe(good);
    await soon(() => told(asks)).toBe(answer);
    lay(path, good);
  });

  test("corrected, or taken out, it is mended by the next up", async () => {
    lay("/etc/nginx/conf.d/bad.conf", "{\n");
    expect((await trial.up()).code).toBe(1);
    lay("/etc/nginx/conf.d/bad.conf");
    const mended = await trial.up();
    expect(mended.code, mended.said).toBe(0);
    await settled();
  });
});

test("a file that a role takes over is the role's in the same up", async () => {
  lay("/etc/systemd/system/notes-matcher.service");
  lay("/etc/systemd/system/notes-matcher.service.d/team.conf");
  trial.edit((fleet) => {
    const { isu1 } = fleet.servers as Record<string, Fleet>;
    isu1!.roles = ["base", "app"];
    (fleet.params as Record<string, Fleet>).app = {
      services: { "notes-matcher": { user: "isucon", workingDirectory: "/srv", command: ["/bin/sleep", "3000000"] } },
    };
  });
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  await soon(() =>
    told("systemctl is-active notes-matcher; cat /proc/$(systemctl show -p MainPID --value notes-matcher)/cmdline | tr '\\0' ' '"),
  ).toBe("active\n/bin/sleep 3000000 ");
  await settled();
});

test("the service of a role that is dropped hears of it, where files of the team's keep it", async () => {
  const withRoles = (roles: readonly string[], nginx?: Fleet): void =>
    trial.edit((fleet) => {
      const [{ isu1 }, params] = [fleet.servers, fleet.params] as [Record<string, Fleet>, Record<string, Fleet | undefined>];
      isu1!.roles = roles;
      params.nginx = nginx;
    });
  const ask =
    "grep files /proc/$(systemctl show -p MainPID --value nginx)/limits; curl -sk https://127.0.0.1:8181/ http://127.0.0.1:8282/ || echo closed";
  await soon(() => told(ask)).toMatch(/team\nclosed\n$/);
  const theirs = await told(ask);
  withRoles(["base", "nginx", "app"], {
    main: { workerRlimitNofile: 4321 },
    sites: [{ name: "own", listen: [8282], routes: [{ kind: "return", path: "/", status: 200, text: "own" }] }],
  });
  const added = await trial.up();
  expect(added.code, added.said).toBe(0);
  await soon(() => told(ask)).toMatch(/4321 .*\nteam\nown/);
  withRoles(["base", "app"]);
  const dropped = await trial.up();
  expect(dropped.code, dropped.said).toBe(0);
  await soon(() => told(ask)).toBe(theirs);
  await settled();
});

test("what is no longer wanted is heard of, and down gives everything back", async () => {
  rmSync(at("/etc/nginx/sites-enabled/team.conf"));
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  // A reload returns before nginx' old workers have heard of it.
  await soon(() => told("curl -sk https://127.0.0.1:8181/ || echo closed")).toBe("closed\n");
  const down = await trial.run("down", ["--yes"]);
  expect(down.code, down.said).toBe(0);
  await soon(() => told(snapshot)).toBe(before);
  expect(await told("systemctl show -p Environment notes.sh; sshd -T | grep logingracetime")).toBe("Environment=\nlogingracetime 120\n");
});
