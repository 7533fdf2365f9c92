// The team's own files: whose each is, what it takes from there, and who hears of it.
import { dirname } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Facts } from "../../provisioners/engine/facts.ts";
import { inOrder } from "../../provisioners/engine/order.ts";
import { latesIn, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import { problemsIn } from "../../provisioners/engine/problems.ts";
import { expandRole, planFleet, replacements, rolesOf } from "../../provisioners/expand.ts";
import { pathsOf } from "../../provisioners/overlay/owners.ts";
import type { Declared } from "../../provisioners/resources/want.ts";
import { choices } from "../../provisioners/stack.ts";
import { type OverlayEntry, ruled } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import { parseStack } from "../../spec/read.ts";
import { blankFacts as facts } from "../support/facts.ts";

const file = (path: string, content = "x\n"): OverlayEntry => ({ path, content, mode: "0644" });

function planned(roles: string, overlay: readonly OverlayEntry[], params = "{}") {
  const text = `config:
  contest-fleet:fleet:
    team: t
    target: inventory
    servers:
      isu1: { roles: [${roles}], address: 192.0.2.1, user: isucon, password: { secure: v1:x }, params: ${params} }
`;
  const { spec } = parseStack(text, "stacks/Pulumi.t.yaml", choices);
  const plan = planFleet(spec, { stack: "t", cores: 1, architecture: "amd64", overlays: { isu1: overlay } });
  return { plan };
}

function laid(roles: string, overlay: readonly OverlayEntry[], params = "{}") {
  const { plan } = planned(roles, overlay, params);
  const server = plan.servers[0]!;
  const wants = Object.fromEntries(rolesOf(server).map((role) => [role, expandRole(plan, server, role, facts)]));
  for (const [role, of] of Object.entries(wants)) expect(problemsIn(of), role).toEqual([]);
  return wants;
}

test("services that read a file of the team's as their environment start again with it, whoever they are", () => {
  const wants = laid("app", [file("/home/isucon/env.sh"), file("/home/isucon/webapp/index.html")]);
  const handlers = Object.values(wants).flatMap((of) =>
    Object.entries(of).filter(([address]) => address.startsWith("handler[environment")),
  );
  expect(handlers).toMatchObject([
    ["handler[environment-home-isucon-env-sh]", { on: ["file[/home/isucon/env.sh]"], below: ["/home/isucon/env.sh"] }],
  ]);
  expect((handlers[0]![1] as { run: string }).run).toContain("file=/home/isucon/env.sh ");
});

test.each([
  ["mysql", "/etc/mysql/conf.d/team.cnf", "mysql", "mariadb.service"],
  ["redis", "/etc/redis/team.conf", "redis", "redis-server.service"],
  ["php-fpm", "/etc/php/8.2/fpm/conf.d/zzz-team.ini", "php", "php8.2-fpm.service"],
])("what runs is compared to the team's own files of %s too, beside the role's", (role, path, of, unit) => {
  const looks = (overlay: readonly OverlayEntry[]) =>
    Object.values(laid(role, overlay)).flatMap((wants) => Object.entries(wants).filter(([address]) => address.startsWith(`live[${of}`)));
  const [own] = looks([]);
  expect(looks([file(path)])).toEqual([
    own,
    [`live[${of}:${path}]`, expect.objectContaining({ of, file: path, unit, after: [`service[${unit}]`] })],
  ]);
  // In the place of the role's own it is compared already, and what is none of its files is nothing to compare.
  const { file: place } = own![1] as unknown as { readonly file: string };
  expect(looks([file(place)])).toHaveLength(1);
  expect(looks([file(`${dirname(path)}/README`)])).toEqual([own]);
});

test("services that read the file of the application's variables start again with them, but for those that do so anyway", () => {
  const own = "services: { web: { user: isucon, workingDirectory: /tmp, command: [/bin/true] } }";
  const wants = laid("app", [], `{ app: { environment: { A: b }, ${own} } }`);
  const handler = Object.values(wants).flatMap((of) => of["handler[app-environment]"] ?? []);
  expect(handler).toMatchObject([{ on: ["block[/home/isucon/env.sh:app]"] }]);
  const [{ run }] = handler as unknown as [{ readonly run: string }];
  expect(run).toContain("file=/home/isucon/env.sh ");
  expect(run).toContain("case $unit in web.service) continue ;; esac");
});

describe("a file belongs", () => {
  test.each([
    ["to the role in whose territory it lies", "nginx", "/etc/nginx/snippets/a.conf", "nginx"],
    ["to the role that runs the unit", "mysql", "/etc/systemd/system/mariadb.service.d/limits.conf", "mysql"],
    ["to the role that writes it itself", "base", "/etc/timezone", "base"],
    ["to nobody where the server has no such role", "base", "/etc/nginx/snippets/a.conf", "files"],
    ["to nobody elsewhere", "base, nginx", "/srv/dump.sql", "files"],
  ])("%s", (_what, roles, path, owner) => {
    const wants = laid(roles, [file(path)]);
    const holders = Object.entries(wants).filter(([, of]) =>
      Object.keys(of).some((address) => address.includes(path.replace("/etc/systemd/system/", ""))),
    );
    expect(holders.map(([role]) => role)).toEqual([owner]);
  });

  test("right after base where nobody owns it", () => {
    const wants = laid("base, nginx, mysql", [file("/srv/dump.sql")]);
    expect(Object.keys(wants)).toEqual(["base", "files", "nginx", "mysql"]);
  });
});

describe("is heard", () => {
  test("by the role's own service, before which it is there, under its validator", () => {
    const { nginx } = laid("nginx", [
      file("/etc/nginx/conf.d/team.conf"),
      { path: "/etc/nginx/sites-enabled/a", target: "../sites-available/a" },
    ]);
    expect(nginx!["service[nginx.service]"]).toMatchObject({
      reloadOn: expect.arrayContaining(["file[/etc/nginx/conf.d/team.conf]", "link[/etc/nginx/sites-enabled/a]"]),
      validate: "nginx -t",
    });
  });

  test("by what runs there without a role, which is neither started nor stopped", () => {
    const { files } = laid("base", [
      file("/etc/nginx/conf.d/team.conf"),
      file("/etc/mysql/conf.d/team.cnf"),
      file("/etc/systemd/system/nginx.service.d/a.conf"),
    ]);
    expect(files!["service[nginx.service]"]).toMatchObject({
      keep: true,
      validate: "nginx -t",
      reloadOn: ["file[/etc/nginx/conf.d/team.conf]"],
      restartOn: ["unit[nginx.service.d/a.conf]"],
      below: ["/etc/systemd/system/nginx.service", "/etc/systemd/system/nginx.service.d", "/etc/nginx"],
    });
    expect(files!["service[mariadb.service]"]).toMatchObject({ keep: true, restartOn: ["file[/etc/mysql/conf.d/team.cnf]"] });
  });

  test("by a unit of the team's own that runs, and by systemd for what is no unit", () => {
    const { files } = laid("base", [
      file("/etc/systemd/system/notes.sh.service"),
      file("/etc/systemd/system/run-\\x2d@.service"),
      { path: "/etc/systemd/system/multi-user.target.wants/a.service", target: "../a.service" },
    ]);
    expect(Object.keys(files!).sort()).toEqual([
      "directory[/etc/systemd/system/multi-user.target.wants]",
      "directory[/etc/systemd/system]",
      "directory[/etc/systemd]",
      "handler[systemd]",
      "link[/etc/systemd/system/multi-user.target.wants/a.service]",
      "service[notes.sh.service]",
      "unit[notes.sh.service]",
      "unit[run-\\x2d@.service]",
    ]);
  });

  test("by the socket whose drop-in it is: another port is open at once, and not at the next boot", () => {
    const { files } = laid("base", [file("/etc/systemd/system/ssh.socket.d/port.conf", "[Socket]\nListenStream=2222\n")]);
    expect(files!["service[ssh.socket]"]).toMatchObject({ keep: true, restartOn: ["unit[ssh.socket.d/port.conf]"] });
  });

  test("by sshd and sudo, each with its own check", () => {
    const { base } = laid("base", [file("/etc/ssh/sshd_config.d/10-team.conf"), file("/etc/sudoers.d/team")]);
    expect(base!["service[ssh.service]"]).toMatchObject({
      keep: true,
      validate: "sshd -t",
      reloadOn: ["file[/etc/ssh/sshd_config.d/10-team.conf]"],
    });
    expect(base!["file[/etc/sudoers.d/team]"]).toMatchObject({ validate: "visudo -cf %s", mode: "0440" });
    expect(base!["handler[sudoers]"]).toMatchObject({ on: ["file[/etc/sudoers.d/team]"], validate: "visudo -cq" });
  });

  test("by apt and dpkg, checked before the first package: what is refused there is mended by the next run, and not the end of it", () => {
    const paths = [
      "/etc/apt/apt.conf.d/99team",
      "/etc/apt/preferences.d/team",
      "/etc/apt/keyrings/team.asc",
      "/etc/apt/sources.list.d/team.sources",
      "/etc/dpkg/dpkg.cfg.d/team",
    ];
    const { base, ...others } = laid(
      "base",
      paths.map((path) => file(path)),
      "{ base: { packages: [jq] } }",
    );
    expect(Object.values(others).flatMap(Object.keys)).toEqual([]);
    const order = inOrder(base!);
    const before = order.slice(0, order.indexOf("package[jq]"));
    expect(before).toEqual(expect.arrayContaining([...paths.map((path) => `file[${path}]`), "handler[apt]", "handler[apt-settings]"]));
    for (const path of paths) {
      expect(before.indexOf(`directory[${dirname(path)}]`)).toBeLessThan(before.indexOf(`file[${path}]`));
      expect(before.indexOf(`file[${path}]`)).toBeLessThan(before.indexOf("handler[apt]"));
    }
    expect(base!["handler[apt-settings]"]).toMatchObject({ validate: expect.stringContaining("apt-config dump") });
  });

  test.each([
    ["/etc/hostname", "handler[hostname]", { run: "hostname -F /etc/hostname" }],
    ["/etc/tmpfiles.d/team.conf", "handler[tmpfiles]", { run: expect.stringContaining("systemd-tmpfiles --create") }],
    ["/etc/systemd/system.conf.d/team.conf", "handler[systemd-settings]", { run: "systemctl daemon-reload" }],
    ["/etc/systemd/journald.conf.d/team.conf", "service[systemd-journald.service]", { keep: true }],
    ["/etc/systemd/timesyncd.conf", "service[systemd-timesyncd.service]", { keep: true }],
    ["/etc/systemd/resolved.conf", "service[systemd-resolved.service]", { keep: true }],
    ["/etc/rsyslog.d/team.conf", "service[rsyslog.service]", { keep: true, validate: expect.stringContaining("rsyslogd -N1") }],
    ["/etc/chrony/chrony.conf", "service[chrony.service]", { keep: true }],
    ["/etc/logrotate.d/team", "handler[logrotate]", { validate: expect.stringContaining("logrotate -d") }],
    ["/etc/profile.d/team.sh", "file[/etc/profile.d/team.sh]", { validate: expect.stringContaining("bash -n %s") }],
  ])("by what reads it on every server: %s by %s", (path, address, wanted) => {
    expect(laid("base", [file(path)], "{ base: { hostname: false } }").base![address as never]).toMatchObject(wanted);
  });

  test("by the kernel, where it names the server: role base does not give it the stack file's name as well", () => {
    const { base } = laid("base", [file("/etc/hostname", "team-1\n")]);
    expect(base!["file[/etc/hostname]"]).toMatchObject({ content: "team-1\n" });
    expect(Object.keys(base!).filter((address) => address.endsWith("[hostname]"))).toEqual(["handler[hostname]"]);
    expect(Object.keys(laid("base", [file("/etc/motd")]).base!)).toContain("command[hostname]");
  });

  test("by the application whose folder it lies in, after its checkout", () => {
    const app =
      "{ app: { git: { repository: /srv/repo, path: /home/isucon/webapp }, services: { web: { user: isucon, workingDirectory: /home/isucon/webapp/go, command: [/bin/true] } } } }";
    const wants = laid("base, app", [file("/home/isucon/webapp/go/.env")], app);
    expect(wants.app!["file[/home/isucon/webapp/go/.env]"]).toMatchObject({
      owner: "isucon",
      keep: true,
      after: ["git[/home/isucon/webapp]"],
    });
    expect(wants.app!["service[web.service]"]).toMatchObject({ restartOn: expect.arrayContaining(["file[/home/isucon/webapp/go/.env]"]) });
  });
});

describe("two that say what is in one file", () => {
  test("the team's file stands in for a unit of a role, which its service hears of", () => {
    const app = "{ app: { services: { web: { user: isucon, workingDirectory: /tmp, command: [/bin/true] } } } }";
    const { app: wants } = laid("app", [file("/etc/systemd/system/web.service", "[Service]\nExecStart=/bin/x\n")], app);
    expect(wants!["unit[web.service]"]).toMatchObject({ content: "[Service]\nExecStart=/bin/x\n" });
    expect(wants!["service[web.service]"]).toMatchObject({ restartOn: ["unit[web.service]"] });
  });

  test("a whole /etc/hosts keeps the fleet's block, once, at its end", () => {
    const { base } = laid("base", [
      file("/etc/hosts", "127.0.0.1 localhost\n# BEGIN fleet team\n192.0.2.9 old\n# END fleet team\n::1 ip6"),
    ]);
    expect(Object.keys(base!).filter((address) => address.includes("/etc/hosts"))).toEqual(["file[/etc/hosts]"]);
    expect(base!["file[/etc/hosts]"]).toMatchObject({
      content: "127.0.0.1 localhost\n::1 ip6\n# BEGIN fleet team\n192.0.2.1 isu1\n# END fleet team\n",
    });
  });

  test.each([
    ["limits", "/etc/security/limits.d/zz-fleet.conf", "limits[zz-fleet]"],
    ["link", "/etc/localtime", "link[/etc/localtime]"],
  ])("the team's file stands in for a %s", (_kind, path, gone) => {
    const { base } = laid("base", [file(path)]);
    expect(Object.keys(base!)).toContain(`file[${path}]`);
    expect(Object.keys(base!)).not.toContain(gone);
  });

  test("or a path that has to be absent", () => {
    const { nginx } = laid("nginx", [{ path: "/etc/nginx/sites-enabled/default", target: "../sites-available/mine" }]);
    expect(Object.keys(nginx!).filter((address) => address.includes("sites-enabled/default"))).toEqual([
      "link[/etc/nginx/sites-enabled/default]",
    ]);
  });

  test("is said where the team's file takes the place of a role's", () => {
    const overlay = [file("/etc/hosts"), file("/etc/localtime"), file("/etc/motd")];
    const { plan } = planned("base, nginx", overlay);
    expect(replacements(plan, plan.servers[0]!, facts)).toEqual([
      "isu1: the team's `/etc/hosts` keeps `block[/etc/hosts:team]` of the role `base`",
      "isu1: the team's `/etc/localtime` takes the place of `link[/etc/localtime]` of the role `base`",
    ]);
  });

  test("a file where a role wants a folder is refused", () => {
    expect(() => laid("base", [file("/home/isucon/.ssh")])).toThrow(
      "files: expected no file `/home/isucon/.ssh`, where the role `base` wants",
    );
  });
});

describe("kernel settings", () => {
  const base = "{ base: { sysctl: { overrides: { net.core.somaxconn: 1000, fs.file-max: 100000 } } } }";

  test("of the team's files win over a role's, each key by itself, and the last file by name over the others", () => {
    const overlay = [
      file("/etc/sysctl.d/10-a.conf", "# a\nnet.core.somaxconn = 1\nvm/swappiness=1\n"),
      file("/etc/sysctl.d/99-b.conf", "-net.core.somaxconn=2\n"),
    ];
    const { base: wants } = laid("base", overlay, base);
    expect(wants!["sysctl[base]"]).toMatchObject({ settings: { "fs.file-max": "100000" } });
    expect(wants!["sysctl[etc-sysctl-d-10-a-conf]"]).toMatchObject({
      settings: { "vm.swappiness": "1" },
      text: "# a\nnet.core.somaxconn = 1\nvm/swappiness=1\n",
    });
    expect(wants!["sysctl[etc-sysctl-d-99-b-conf]"]).toMatchObject({ settings: { "net.core.somaxconn": "2" } });
  });

  test("that are no settings are refused with their line", () => {
    expect(() => laid("base", [file("/etc/sysctl.d/10-a.conf", "# a\nnet.core.somaxconn 1\n")])).toThrow(
      'files: /etc/sysctl.d/10-a.conf:2: expected `name = value`, got "net.core.somaxconn 1"',
    );
  });

  test.each([
    ["Somaxconn = 1", "the name of a kernel setting"],
    ["somaxconn = 1", "the name of a kernel setting"],
    ["net..core = 1", "the name of a kernel setting"],
    ["net.core.somaxconn =", "a value after `net.core.somaxconn =`"],
    ["net.core.somaxconn == 1", "a value after `net.core.somaxconn =`"],
    ["sysctl -w net.core.somaxconn=1", "`name = value`"],
    ["<<<<<<< HEAD", "`name = value`"],
  ])("that systemd would skip in silence are refused: %s", (line, expected) => {
    expect(() => laid("base", [file("/etc/sysctl.d/10-a.conf", `${line}\n`)])).toThrow(
      `files: /etc/sysctl.d/10-a.conf:1: expected ${expected}`,
    );
  });

  test("with a slash for a dot, patterns and a name that patterns leave out are settings", () => {
    const text =
      "net/core/somaxconn = 1\nnet.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.lo.rp_filter\nnet/ipv4/conf/eth0.100/rp_filter = 1\n";
    const { base: wants } = laid("base", [file("/etc/sysctl.d/10-a.conf", text)]);
    expect(wants!["sysctl[etc-sysctl-d-10-a-conf]"]).toMatchObject({ settings: { "net.core.somaxconn": "1" }, text });
  });
});

test("what looks like a secret's mark in a file of the team's stays text, beside a mark of the fleet's own", () => {
  const text = "password = ⟦secret:servers.isu1.password⟧ ⟦ ⟦text:⟧\n";
  const { files, base } = laid("base", [file("/srv/a", text), file("/root/.ssh/authorized_keys", text)]);
  expect(latesIn(files!)).toEqual([]);
  expect(resolvePlaceholders(files!, {})["file[/srv/a]"]).toMatchObject({ content: text });
  const keys = base!["file[/root/.ssh/authorized_keys]"]!;
  expect(latesIn([keys])).toEqual(["mesh-public-key:"]);
  expect(resolvePlaceholders(keys, { "mesh-public-key:": "ssh-ed25519 AAAA" })).toMatchObject({
    content: `${text}# BEGIN fleet team\nssh-ed25519 AAAA\n# END fleet team\n`,
  });
});

describe("a template", () => {
  const template = (content: string, path = "/srv/app.conf"): OverlayEntry => ({ path, content, mode: "0644", template: true });

  test("knows the server, the team, facts, parameters and endpoints", () => {
    const { files } = laid("base, mysql", [
      template(
        "{{ server.name }} {{ server.user }} {{ facts.cores }} {{ params.mysql.port }} {{ endpoints.mysql.server }}:{{ endpoints.mysql.port }}\n{% for each in team.servers %}{{ each.address }}{% endfor %}\n",
      ),
    ]);
    expect(files!["file[/srv/app.conf]"]).toMatchObject({ content: "isu1 isucon 1 3306 isu1:3306\n192.0.2.1\n", keep: true });
  });

  test.each([
    ["what is not defined", "{{ server.nmae }}\n", "undefined variable: server.nmae"],
    ["what is no filter", "{{ server.name | shout }}", "undefined filter: shout"],
    ["a file of this computer", "{% include '/etc/passwd' %}", "ENOENT"],
    [
      "a secret that it does not ask for by name",
      "{{ params.mysql.users.shop.password }}",
      "undefined variable: params.mysql.users.shop.password",
    ],
  ])("is refused for %s", (_what, content, reason) => {
    const params = "{ mysql: { users: { shop: { password: { secure: v1:x } } } } }";
    expect(() => laid("base, mysql", [template(content)], params)).toThrow(`files: /srv/app.conf.tmpl: ${reason}`);
  });

  test("with a secret, asked for by name, is its owner's alone and masked", () => {
    const { files } = laid("base", [template('p={{ "servers.isu1.password" | secret }} ⟦secret:servers.isu1.password⟧\n')]);
    const wants = files!["file[/srv/app.conf]"]!;
    expect(wants).toMatchObject({ mode: "0600", sensitive: true });
    expect("keep" in wants).toBe(false);
    expect(resolvePlaceholders(wants, { "secret:servers.isu1.password": "hunter2" })).toMatchObject({
      content: "p=hunter2 ⟦secret:servers.isu1.password⟧\n",
    });
    expect(() => laid("base", [template('{{ "x" | derived }}', "/etc/systemd/system/a.service")])).toThrow(
      "expected no secret in a file that everybody",
    );
  });
});

test("owner and mode are what the stack file says of a pattern, the last that matches", () => {
  const rules = [
    { path: "/srv/*", owner: "www-data", mode: "0640" },
    { path: "/srv/*.key", mode: "0600" },
  ];
  const { files } = laid("base", ruled([file("/srv/a.crt"), file("/srv/a.key"), file("/srv/deep/er")], rules));
  expect(files!["file[/srv/a.crt]"]).toMatchObject({ owner: "www-data", group: "www-data", mode: "0640" });
  expect(files!["file[/srv/a.key]"]).toMatchObject({ owner: "root", mode: "0600" });
  expect(files!["file[/srv/a.key]"]).not.toHaveProperty("keep");
  expect(files!["file[/srv/deep/er]"]).toMatchObject({ keep: true, owner: "root" });
});

test("whatever the tree, no path is said twice, every reference holds, and each file of the team's is there once", () => {
  const names = fc.constantFrom(
    "etc",
    "nginx",
    "conf.d",
    "sites-enabled",
    "a.conf",
    "default",
    "hosts",
    "systemd",
    "system",
    "web.service",
    "web.service.d",
    "sysctl.d",
    "99-a.conf",
    "sudoers.d",
    "zz-fleet",
    "home",
    "isucon",
    "x y",
    ".ssh",
    "authorized_keys",
    "mysql",
    "security",
    "limits.d",
    "zz-fleet.conf",
    "cron.d",
  );
  const entry = fc.tuple(fc.array(names, { minLength: 2, maxLength: 5 }), fc.boolean()).map(([parts, link]): OverlayEntry => {
    const path = `/${parts.join("/")}`;
    return link ? { path, target: "../x" } : file(path, path.includes("sysctl") ? "net.core.somaxconn = 1024\n" : "a = 1\n");
  });
  const trees = fc
    .uniqueArray(entry, { maxLength: 12, selector: ({ path }) => path })
    .map((all) => all.filter(({ path }) => !all.some((other) => other.path.startsWith(`${path}/`))));
  const roles = "base, app, nginx, mysql";
  const app = "{ app: { environment: { A: b }, services: { web: { user: isucon, workingDirectory: /tmp, command: [/bin/true] } } } }";
  fc.assert(
    fc.property(trees, (overlay) => {
      let wants: ReturnType<typeof laid>;
      try {
        wants = laid(roles, overlay, app);
      } catch (error) {
        // What can't stand together is said instead.
        return error instanceof UserError && /^files: expected no file/.test(error.message);
      }
      const declared = Object.values(wants).flatMap((of) => Object.entries(of).map(([address, want]) => ({ address, want }) as Declared));
      const paths = declared.filter(({ address }) => !address.startsWith("directory[") && !address.startsWith("block[")).flatMap(pathsOf);
      expect(paths.filter((path, at) => paths.indexOf(path) !== at)).toEqual([]);
      const blocks = declared.filter(({ address }) => address.startsWith("block[")).flatMap(pathsOf);
      expect(blocks.filter((path) => paths.includes(path))).toEqual([]);
      expect(overlay.filter(({ path }) => !paths.includes(path))).toEqual([]);
      return true;
    }),
    { numRuns: 100 },
  );
});

describe("mode and owner", () => {
  test("are what the server's file has; below the application user's home the user's", () => {
    const { files } = laid("base", [file("/home/dev/webapp/a.py"), file("/srv/b")], "{ base: { appUser: dev } }");
    expect(files!["file[/home/dev/webapp/a.py]"]).toMatchObject({ keep: true, owner: "dev", group: "dev" });
    expect(files!["directory[/home/dev/webapp]"]).toMatchObject({ keep: true, owner: "dev" });
    expect(files!["file[/srv/b]"]).toMatchObject({ keep: true, owner: "root" });
  });
});

describe("what nobody on the server would read is said", () => {
  const said = (...entries: readonly OverlayEntry[]) => {
    const { plan } = planned("base", entries);
    return replacements(plan, plan.servers[0]!, facts).filter((each) => /nobody|CRLF/.test(each));
  };

  test.each([
    "/etc/cron.d/backup.sh",
    "/etc/cron.daily/backup.sh",
    "/etc/sudoers.d/team.conf",
    "/etc/sudoers.d/team~",
    "/etc/security/limits.d/team",
    "/etc/sysctl.d/90-team",
    "/etc/modules-load.d/team.modules",
    "/etc/udev/rules.d/60-team",
    "/etc/ssh/sshd_config.d/team",
    "/etc/systemd/system/nginx.service.d/limits",
    "/etc/apt/sources.list.d/team.repo",
    "/etc/mysql/mariadb.conf.d/team.conf",
    "/etc/php/8.2/fpm/conf.d/team.conf",
    "/etc/nginx/conf.d/team",
  ])("by its name: %s", (path) => {
    expect(said(file(path))).toEqual([expect.stringContaining(`isu1: the team's \`${path}\` is read by nobody: `)]);
  });

  test("by its mode, where it is to be run", () => {
    expect(said(file("/etc/cron.daily/backup"))).toEqual([expect.stringContaining("is run by nobody")]);
    expect(said({ path: "/etc/cron.daily/backup", content: "#!/bin/sh\n", mode: "0755" })).toEqual([]);
    expect(said({ ...file("/etc/cron.daily/backup"), rule: { mode: "0750" } } as OverlayEntry)).toEqual([]);
  });

  test("by the ends of its lines", () => {
    expect(said(file("/etc/cron.d/team", "*/5 * * * * root true\r\n"))).toEqual([expect.stringContaining("(CRLF)")]);
    expect(said(file("/home/isucon/env.sh", "A=b\r\n"))).toEqual([expect.stringContaining("(CRLF)")]);
    expect(said(file("/home/isucon/webapp/public/index.html", "<p>\r\n"))).toEqual([]);
  });

  test("by what cron takes on the server's distribution", () => {
    const of = planned("base", [file("/etc/cron.d/backup.sh"), file("/etc/cron.daily/backup.sh"), file("/etc/sudoers.d/a.b")]).plan;
    const on = (packageManager: Facts["packageManager"]) => replacements(of, of.servers[0]!, { ...facts, packageManager }).join("\n");
    expect(on("apt").match(/is (?:read|run) by nobody: \w+/g)).toEqual([
      "is read by nobody: cron",
      "is read by nobody: cron",
      "is read by nobody: sudo",
    ]);
    expect(on("dnf").match(/is (?:read|run) by nobody: \w+/g)).toEqual(["is run by nobody: cron", "is read by nobody: sudo"]);
  });

  test("but not where another file of the team's reads it", () => {
    const site = file("/etc/nginx/sites-enabled/a", "include conf.d/common.inc;\ninclude /etc/nginx/conf.d/*.part;\n");
    const parts = ["common.inc", "a.part", "b.inc"].map((name) => file(`/etc/nginx/conf.d/${name}`));
    expect(said(site, ...parts)).toEqual([expect.stringContaining("conf.d/b.inc` is read by nobody")]);
  });

  test("and of what is read, or is there for people, nothing", () => {
    const paths = [
      "cron.d/team",
      "cron.d/README",
      "sudoers.d/team",
      "sysctl.d/90-team.conf",
      "nginx/conf.d/a.conf.disabled",
      "nginx/snippets/a",
      "motd",
    ];
    expect(said(...paths.map((path) => file(`/etc/${path}`)))).toEqual([]);
  });
});
