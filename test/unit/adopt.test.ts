// fleet adopt: what it makes of the answers of servers, without a server.
import { describe, expect, test } from "vitest";
import { serversIn, serversInTable } from "../../operations/adopt/addresses.ts";
import { merged } from "../../operations/adopt/again.ts";
import { describe as described } from "../../operations/adopt/describe.ts";
import { changesOf } from "../../operations/adopt/diff.ts";
import { guardsIn } from "../../operations/adopt/guarded.ts";
import { SecretNames } from "../../operations/adopt/hidden.ts";
import { oddOn } from "../../operations/adopt/odd.ts";
import { pageOf } from "../../operations/adopt/page.ts";
import { factsOf } from "../../operations/adopt/parse.ts";
import { planFor } from "../../operations/adopt/prove.ts";
import { openAll } from "../../operations/adopt/reach.ts";
import { encryptionBy } from "../../operations/adopt/secrets.ts";
import { fleetOf, stackText } from "../../operations/adopt/stack-file.ts";
import { talksOf } from "../../operations/adopt/traffic.ts";
import { layersOf } from "../../operations/adopt/trees.ts";
import { asAdopted } from "../../provisioners/adopted.ts";
import { HostError } from "../../provisioners/engine/shell.ts";
import { expandRole } from "../../provisioners/expand.ts";
import { roleNamed, roles } from "../../provisioners/roles/roles.ts";
import { choices } from "../../provisioners/stack.ts";
import { withSecrets } from "../../pulumi/open-fleet.ts";
import { unlock } from "../../pulumi/passphrase.ts";
import { parseStack } from "../../spec/read.ts";
import { answersOf, hostKey, facts as machine, system, unitOf } from "../support/adopted.ts";

const ways = [1, 2].map((n) => ({ name: `isu${n}`, address: `203.0.113.1${n}`, user: "isucon", hostKey, password: "correct horse" }));
const encryption = {
  salt: "v1:c2FsdA==:v1:bm9uY2U=:ZGF0YQ==",
  encrypt: (text: string) => `v1:bm9uY2U=:${Buffer.from(text).toString("hex")}`,
};
const adopted = (...answers: readonly ReturnType<typeof answersOf>[]) => ({
  stack: "team-a",
  members: [],
  servers: answers.map((each, index) => ({ way: ways[index]!, facts: factsOf(ways[index]!.name, each) })),
});
const made = (...answers: readonly ReturnType<typeof answersOf>[]) => described(adopted(...answers));

test("each server that refuses is named at once, and one alone as ever", async () => {
  const refusing = (...names: readonly string[]) => ({
    async get({ name }: { readonly name: string }) {
      if (names.includes(name)) throw new HostError(name, "auth", "refused the password");
      return {} as never;
    },
  });
  await expect(openAll(refusing("isu1", "isu2"), ways)).rejects.toThrow("isu1: refused the password\nisu2: refused the password");
  await expect(openAll(refusing("isu2"), ways)).rejects.toThrow(HostError);
  expect((await openAll(refusing(), ways)).map(({ name }) => name)).toEqual(["isu1", "isu2"]);
});

describe("servers as they were handed out", () => {
  test("one by one, with a port", () => {
    expect(serversIn(["isu1=203.0.113.11", "isu2=203.0.113.12:2222"])).toEqual([
      { name: "isu1", address: "203.0.113.11" },
      { name: "isu2", address: "203.0.113.12", port: 2222 },
    ]);
  });

  test.for([
    ["tabs and a heading", "Server\tPublic IP\tPrivate IP\nisu1\t203.0.113.11\t192.168.0.11\nisu2\t203.0.113.12\t192.168.0.12\n"],
    ["Markdown", "| name | ip | private |\n|---|---|---|\n| isu1 | 203.0.113.11 | 192.168.0.11 |\n| isu2 | 203.0.113.12 | 192.168.0.12 |"],
    ["commas, the address first", "203.0.113.11,192.168.0.11,ISU1\n203.0.113.12,192.168.0.12,ISU2"],
  ])("a pasted table: %s", ([, text]) => {
    expect(serversInTable(text!)).toEqual([
      { name: "isu1", address: "203.0.113.11", privateAddress: "192.168.0.11" },
      { name: "isu2", address: "203.0.113.12", privateAddress: "192.168.0.12" },
    ]);
  });

  test.for([
    [() => serversIn(["isu1"]), "write a server as `isu1=203.0.113.11`"],
    [() => serversIn(["isu1=203.0.113.11", "isu1=203.0.113.12"]), "isu1: expected each server once"],
    [() => serversIn(["isu1=203.0.113.11", "isu2=203.0.113.11"]), "isu2: expected each server once"],
    [() => serversInTable("no address at all"), "got no line with an address"],
    [() => serversInTable("203.0.113.11"), "expected a server's name beside 203.0.113.11"],
  ] as const)("refuses what is none", ([read, sentence]) => {
    expect(read).toThrow(sentence);
  });
});

describe("what runs is said as it is", () => {
  const services = (...units: readonly string[]) => made(answersOf({ units: units.join("\n\n") })).servers.isu1?.services;

  test("on, off and masked; neither for what a boot would change, nor for what is the organiser's or the system's", () => {
    expect(
      services(
        unitOf("app-go", { ActiveState: "active", UnitFileState: "enabled" }),
        unitOf("app-ruby", { ActiveState: "inactive", UnitFileState: "disabled" }),
        unitOf("mysql", { ActiveState: "inactive", LoadState: "masked", UnitFileState: "masked", FragmentPath: "" }),
        unitOf("by-hand", { ActiveState: "active", UnitFileState: "disabled" }),
        unitOf("crashed", { ActiveState: "failed", UnitFileState: "enabled" }),
        unitOf("envcheck", { ActiveState: "active", UnitFileState: "enabled" }),
        unitOf("cron", { ActiveState: "active", UnitFileState: "enabled", FragmentPath: "/lib/systemd/system/cron.service" }),
      ),
    ).toEqual({ "app-go.service": "on", "app-ruby.service": "off", "mysql.service": "masked" });
  });

  test("what an organiser checks with is guarded", () => {
    const { guards } = made(
      answersOf({ units: unitOf("envcheck", {}), people: "isuadmin\t/home/isuadmin\t/bin/bash", organiser: "/opt/isucon-env-checker" }),
    );
    expect(guards).toEqual({
      paths: ["/etc/systemd/system/envcheck.service", "/home/isuadmin", "/opt/isucon-env-checker"],
      users: ["isuadmin"],
      units: ["envcheck.service"],
    });
  });
});

describe("trees", () => {
  const nginx = (content: string, path = "/etc/nginx/nginx.conf") => ({ path, content });

  test("what is the same on all servers is common, all else each server's own", () => {
    const { layers } = made(
      answersOf({ files: [nginx("same"), nginx("1", "/etc/nginx/x.conf"), nginx("only here", "/etc/nginx/y.conf")] }),
      answersOf({ files: [nginx("same"), nginx("2", "/etc/nginx/x.conf")] }),
    );
    const paths = (entries: readonly { readonly path: string }[] = []) => entries.map(({ path }) => path);
    expect([paths(layers.common), paths(layers.own.isu1), paths(layers.own.isu2)]).toEqual([
      ["/etc/nginx/nginx.conf"],
      ["/etc/nginx/x.conf", "/etc/nginx/y.conf"],
      ["/etc/nginx/x.conf"],
    ]);
  });

  test("one server's execute bit makes a file its own", () => {
    const script = (mode: "0644" | "0755") => ({ path: "/etc/mysql/debian-start", content: "#!/bin/sh\n", mode });
    expect(layersOf({ isu1: [script("0755")], isu2: [script("0644")] }).common).toEqual([]);
  });

  test("a file that not everybody may read stays on its server, and is told", () => {
    const { layers, left } = made(answersOf({ files: [{ path: "/etc/nginx/tls/site.key", content: "KEY", mode: "600" }] }));
    expect(layers.common).toEqual([]);
    expect(left.isu1).toEqual([{ path: "/etc/nginx/tls/site.key", why: "not for everybody to read: a secret may stand in it" }]);
  });

  test("what a package brought and nobody changed is no news, but in a program's own tree", () => {
    const md5 = "d41d8cd98f00b204e9800998ecf8427e";
    const files = [nginx(""), nginx("", "/etc/sysctl.conf"), nginx("x", "/etc/crontab")];
    const conffiles = files.map(({ path }) => ` ${path} ${md5}`).join("\n");
    const { common } = made(answersOf({ files, conffiles })).layers;
    expect(common.map(({ path }) => path)).toEqual(["/etc/crontab", "/etc/nginx/nginx.conf"]);
  });

  test("what systemctl keeps for itself is none of the team's files", () => {
    const at = "/etc/systemd/system";
    const files = [
      { path: `${at}/multi-user.target.wants/app.service`, target: `${at}/app.service` },
      { path: `${at}/masked.service`, target: "/dev/null" },
      { path: `${at}/dbus-org.freedesktop.timesync1.service`, target: "/lib/systemd/system/systemd-timesyncd.service" },
      { path: `${at}/linked.service`, target: "/home/isucon/linked.service" },
    ];
    expect(made(answersOf({ files })).layers.common).toEqual([{ path: `${at}/linked.service`, target: "/home/isucon/linked.service" }]);
  });
});

describe("passwords in the servers' files", () => {
  const env = (content: string, path = "/home/isucon/env.sh") => ({ path, content, owner: "isucon", group: "isucon", mode: "644" });
  const units = unitOf("app", { EnvironmentFiles: "/home/isucon/env.sh (ignore_errors=no)" });

  test("become secrets of the stack, the file a template with the owner and mode that it had", () => {
    const { layers, secrets, rules } = made(
      answersOf({ units, files: [env('HOST="db"\nexport DB_PASSWORD="it is {{ secret }}"\nEMPTY_TOKEN=\n')] }),
    );
    expect(layers.common).toMatchObject([
      { template: true, content: 'HOST="db"\nexport DB_PASSWORD="{{ "secrets.db-password" | secret }}"\nEMPTY_TOKEN=\n' },
    ]);
    expect(secrets).toEqual({ "db-password": "it is {{ secret }}" });
    expect(rules).toEqual([{ path: "/home/isucon/env.sh", owner: "isucon", group: "isucon", mode: "0644" }]);
  });

  test("every value of an environment file that not everybody may read is one", () => {
    const file = { ...env("HOST=db\nN=3\n# of the organiser\n"), mode: "640" };
    const { layers, secrets, rules } = made(answersOf({ units, files: [{ ...file, told: true }] }));
    expect(layers.common).toMatchObject([
      { content: 'HOST={{ "secrets.host" | secret }}\nN={{ "secrets.n" | secret }}\n# of the organiser\n' },
    ]);
    expect([secrets, rules]).toEqual([{ host: "db", n: "3" }, [{ path: file.path, owner: "isucon", group: "isucon", mode: "0640" }]]);
  });

  test("stay on the server where such a file is more than a list of variables", () => {
    const { layers, left } = made(answersOf({ units, files: [{ ...env("KEY='a\nb'\n"), mode: "600", told: true }] }));
    expect([layers.common, left.isu1?.map(({ path }) => path)]).toEqual([[], ["/home/isucon/env.sh"]]);
  });

  test("another server's own value has a name of its own, and the file is each server's", () => {
    const { layers, secrets } = made(
      answersOf({ units, files: [env("DB_PASSWORD=one\n")] }),
      answersOf({ units, files: [env("DB_PASSWORD=two\n")] }),
    );
    expect(secrets).toEqual({ "db-password": "one", "db-password-2": "two" });
    expect(layers.common).toEqual([]);
  });

  test("are in no file that is written, and the servers get the same bytes back", () => {
    const text = "A={{ x }}\nDB_PASSWORD='p q'\n{% if %}\n";
    const of = adopted(answersOf({ units, files: [env(text)] }));
    const description = described(of);
    const written = stackText(description, [ways[0]!], encryption);
    expect(JSON.stringify([written, description.layers])).not.toContain("p q");
    const plan = planFor(description, written);
    const wants = expandRole(plan, plan.servers[0]!, "files", machine);
    expect(wants["file[/home/isucon/env.sh]"]).toMatchObject({
      content: text.replace("p q", "⟦secret:secrets.db-password⟧"),
      mode: "0644",
      owner: "isucon",
    });
  });
});

test("secrets open with the passphrase that they were written with, and with no other", async () => {
  const { salt, encrypt } = await encryptionBy("the team's");
  const key = await unlock(salt, "the team's");
  expect(key && withSecrets({ password: { secure: encrypt("isucon") } }, key)).toEqual({ password: "isucon" });
  expect(await unlock(salt, "another")).toBeUndefined();
});

describe("roles that are adopted", () => {
  const sockets =
    'tcp LISTEN 0 80 127.0.0.1:3306 0.0.0.0:* users:(("mariadbd",pid=30,fd=1))\ntcp LISTEN 0 5 *:8080 *:* users:(("app",pid=40,fd=3))';
  const app = unitOf("app-go", {
    ...{ ActiveState: "active", UnitFileState: "enabled", User: "isucon", WorkingDirectory: "/home/isucon/go", MainPID: "40" },
    ExecStart: "{ path=/bin/sh ; argv[]=/bin/sh -c exec ./app ; ignore_errors=no ; }",
  });
  const mariadb = unitOf("mariadb", {
    ActiveState: "active",
    UnitFileState: "enabled",
    FragmentPath: "/lib/systemd/system/mariadb.service",
    MainPID: "30",
  });
  const mysql = "asked\nversion\t10.11.6-MariaDB\tDebian 12\nport\t3306\ndatabase\tnotes\tutf8mb4\tutf8mb4_general_ci\n";
  const unitFile = { path: "/etc/systemd/system/app-go.service", content: '[Service]\nExecStart=/bin/sh -c "exec ./app"\n' };
  const answers = answersOf({
    units: [app, mariadb].join("\n\n"),
    sockets,
    mysql,
    files: [unitFile],
    code: "folder\t/home/isucon/go\nmark\tgo.mod\n",
  });
  const description = made(answers);
  const plan = planFor(description, stackText(description, [ways[0]!], encryption));

  test("say where the database and the application are", () => {
    expect(plan.spec.servers.isu1).toMatchObject({
      roles: ["base", "mysql", "app"],
      adopted: ["mysql", "app"],
      params: { app: { ports: [8080] } },
    });
    expect(plan.spec.servers.isu1?.params.app?.services).toMatchObject({
      "app-go": { command: ["/bin/sh", "-c", "exec ./app"], workingDirectory: "/home/isucon/go" },
    });
    expect(plan.team.endpoints).toMatchObject([
      { protocol: "mysql", server: "isu1", port: 3306 },
      { protocol: "http", port: 8080 },
    ]);
  });

  // Two need to be told of others first.
  test.for(roles.filter(({ name }) => !["base", "varnish", "wordpress"].includes(name)).map(({ name }) => name))(
    "%s neither installs nor writes",
    (name) => {
      const self = { ...plan.servers[0]!.view, roles: [name] };
      const wants = asAdopted(
        roleNamed(name).resources({ params: roleNamed(name).params.parse({}), facts: machine, shared: false, self, team: plan.team }),
      );
      expect(wants.filter(({ address }) => !/^(?:service|check)\[/.test(address))).toEqual([]);
      const there = new Set(wants.map(({ address }) => address));
      const named = wants.flatMap(({ want }) =>
        Object.entries(want).flatMap(([key, value]) => (/^(?:after|on|restartOn|reloadOn)$/.test(key) ? value : [])),
      );
      expect(named.filter((address) => !there.has(address))).toEqual([]);
    },
  );

  test("have the code that the team names all the same, its build, and services that hear of both", () => {
    const git = { repository: "git@example.org:team/app.git", path: "/home/isucon/go" };
    const params = roleNamed("app").params.parse({ git, build: "make", services: plan.spec.servers.isu1!.params.app!.services });
    const self = { ...plan.servers[0]!.view, roles: ["app"] };
    const wants = asAdopted(roleNamed("app").resources({ params, facts: machine, shared: false, self, team: plan.team }));
    const [code, build] = ["git[/home/isucon/go]", "command[app-build]"];
    expect(wants.map(({ address }) => address)).toEqual([code, build, "service[app-go.service]"]);
    expect(wants.at(-1)!.want).toMatchObject({ restartOn: [code, build] });
  });

  test("leave a unit's file to the team's tree, which the role's service hears of", () => {
    const wants = expandRole(plan, plan.servers[0]!, "app", machine);
    expect(wants["unit[app-go.service]"]).toMatchObject({ content: unitFile.content });
    expect(wants["service[app-go.service]"]).toMatchObject({ restartOn: ["unit[app-go.service]"] });
  });

  test.for([
    [["base"], "got `base`"],
    [["redis"], "got `redis`"],
  ] as const)("are roles of the server, and never base: %s", ([adopted, sentence]) => {
    const text = `config:\n  contest-fleet:fleet:\n    team: t\n    target: practice\n    servers: { isu1: { roles: [base, nginx], adopted: [${adopted}] } }\n`;
    expect(() => parseStack(text, "stacks/Pulumi.x.yaml", choices)).toThrow(
      `servers.isu1.adopted[0]: expected one of the server's roles but \`base\`, ${sentence}`,
    );
  });
});

describe("the page", () => {
  const looked = { from: 1_790_000_000, to: 1_790_000_004 };
  const oddities = (said: Parameters<typeof answersOf>[0]) => {
    const facts = factsOf("isu1", answersOf(said));
    return oddOn(facts, guardsIn([facts]), looked);
  };
  const keeper = unitOf("chrony", { ActiveState: "active", UnitFileState: "enabled", FragmentPath: "/lib/systemd/system/chrony.service" });
  const unit = (name: string, of: Readonly<Record<string, string>>) => ({ units: [keeper, unitOf(name, of)].join("\n\n") });

  test.for([
    ["nothing", {}, []],
    [
      "two languages",
      {
        units: [keeper, ...["go", "ruby"].map((of) => unitOf(`app-${of}`, { ActiveState: "active", UnitFileState: "enabled" }))].join(
          "\n\n",
        ),
      },
      ["app is enabled in 2 languages (go, ruby): all start at a boot"],
    ],
    [
      "what a reboot ends",
      unit("app", { ActiveState: "active", UnitFileState: "disabled" }),
      ["app.service runs and is not enabled: a reboot ends it"],
    ],
    ["what has failed", unit("app", { ActiveState: "failed", UnitFileState: "enabled" }), ["app.service has failed"]],
    [
      "an old unit file",
      unit("app", { NeedDaemonReload: "yes" }),
      ["app.service: its file was changed after systemd read it (systemctl daemon-reload)"],
    ],
    [
      "an open database",
      { units: keeper, sockets: "tcp LISTEN 0 80 0.0.0.0:3306 0.0.0.0:*" },
      ["MySQL listens on every address (port 3306)"],
    ],
    [
      "a full disk",
      { units: keeper, disks: "Filesystem Type 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 ext4 100 95 5 95% /\n" },
      ["/ is 95 % full"],
    ],
    ["a clock", { units: keeper, system: system.replace("1790000000", "1790000090") }, ["its clock is 86 s ahead of this computer's"]],
    [
      "a certificate",
      { units: keeper, certificates: "/etc/nginx/tls/x.crt\tSep 25 00:00:00 2026 GMT" },
      ["the certificate /etc/nginx/tls/x.crt ends in 3 days"],
    ],
    [
      "a program by hand",
      {
        units: keeper,
        sockets: 'tcp LISTEN 0 5 *:9000 *:* users:(("app",pid=7,fd=3))',
        processes: "7 isucon 100 ./app",
        groups: "/proc/7/cgroup:0::/user.slice/user-1000.slice/session-3.scope",
      },
      ["app on port 9000 was started by hand, in no unit: a reboot ends it"],
    ],
    [
      "tables",
      {
        units: keeper,
        mysql:
          "asked\nversion\t8.0.36\tMySQL\ntable\tnotes\tnote\t20092\t3000000\nindex\tnotes\tnote\tPRIMARY\ntable\tnotes\tlog\t5\t100\nuser\tisucon\t%\n",
      },
      [
        "database user isucon may come from anywhere (%)",
        "no key at all: table notes.log",
        "no index beside the primary key: notes.note (about 20000 rows)",
      ],
    ],
    [
      "a database that is shut",
      { units: keeper, mysql: "asked\nERROR 1045 (28000): Access denied\n" },
      ["the database did not let root in: ERROR 1045 (28000): Access denied"],
    ],
  ] as const)("says what is odd: %s", ([, said, sentences]) => {
    expect(oddities(said)).toEqual(sentences);
  });

  test("names who talks to whom, over servers", () => {
    const nginx =
      "upstream app { server 192.168.0.12:8080; server 127.0.0.1:8080; }\n# server 192.0.2.1:1;\nserver { location / { proxy_pass http://app; } }\n";
    const one = { name: "isu1", addresses: ["192.168.0.11"], facts: factsOf("isu1", answersOf({ nginx })) };
    const connections = '0 0 192.168.0.12:40000 192.168.0.11:3306 users:(("app",pid=9,fd=3))';
    const two = {
      name: "isu2",
      addresses: ["192.168.0.12"],
      facts: factsOf("isu2", answersOf({ connections, sockets: 'tcp LISTEN 0 5 *:8080 *:* users:(("app",pid=9,fd=3))' })),
    };
    expect(talksOf([one, two]).map(({ from, to, port, what, how }) => `${from} ${to}:${port} ${what} ${how}`)).toEqual([
      "isu1 nginx isu1:8080  configured",
      "isu1 nginx isu2:8080 app configured",
      "isu2 app isu1:3306  connected",
    ]);
  });

  test("fits 80 columns, and says what several servers have alike once", () => {
    const long = { path: `/etc/nginx/${"deep/".repeat(6)}secret.key`, content: "k", mode: "600" };
    const of = adopted(answersOf({ files: [long] }), answersOf({ files: [long] }));
    const page = pageOf(of, { description: described(of), misfits: [], own: {} }, looked);
    expect(page.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(page).toContain("- isu1, isu2: /etc/nginx/deep/");
  });
});

describe("the stack file", () => {
  test("passes every check, and wants nothing but the fleet's own users and keys", () => {
    const description = made(answersOf({}), answersOf({}));
    const plan = planFor(description, stackText(description, ways, encryption));
    expect(
      Object.keys(expandRole(plan, plan.servers[0]!, "base", machine)).filter(
        (address) => !/ssh|sudo|fleet-admin|^user\[isucon\]$/.test(address),
      ),
    ).toEqual([]);
  });

  test("says a private address only where the servers know each other by another one", () => {
    const description = made(
      answersOf({ addresses: "2: eth0 inet 192.168.0.11/24" }),
      answersOf({ addresses: "2: eth0 inet 203.0.113.12/24" }),
    );
    const { servers } = fleetOf(description, ways, encryption) as { servers: Record<string, Record<string, unknown>> };
    expect([servers.isu1?.privateAddress, servers.isu2?.privateAddress]).toEqual(["192.168.0.11", undefined]);
  });
});

describe("a second look", () => {
  const path = "/etc/nginx/nginx.conf";
  const entry = (content: string, more: object = {}) => ({ path, content, mode: "0644" as const, ...more });
  const server = { files: [], units: [] };

  test("takes what the server says, and keeps what it was not asked and what it does not tell", () => {
    const tool = { ...entry("tool"), path: "/opt/tool" };
    const key = { ...entry("k", { template: true }), path: "/etc/nginx/site.key" };
    const gone = { ...entry("gone"), path: "/etc/nginx/gone.conf" };
    const files = [{ path: key.path, mode: "0600", owner: "root", group: "root", size: 1 }];
    expect(merged([entry("old"), tool, key, gone], [entry("new")], { ...server, files })).toEqual([entry("new"), key, tool]);
  });

  test.for([
    ["that says more than a secret stays", "worker {{ facts.cores }};", "kept"],
    ["of secrets alone follows the server", 'a {{ "secrets.a" | secret }}{% raw %}{{ x }}{% endraw %}', "new"],
  ] as const)("a template %s", ([, content, expected]) => {
    const old = entry(content, { template: true });
    expect(merged([old], [entry("new")], server)).toEqual([expected === "kept" ? old : entry("new")]);
  });

  test("tells what is so on several servers once", () => {
    const [old, now] = [entry("a\nb\nc\nd\n"), entry("a\nB\nc\nd\n")];
    const trees = (of: object) => ({ isu1: [of], isu2: [of] }) as never;
    expect(changesOf(trees(old), trees(now))).toEqual([{ servers: ["isu1", "isu2"], path, lines: [" a", "-b", "+B", " c"] }]);
    expect(changesOf({ isu1: [old] }, { isu1: [] })).toEqual([{ servers: ["isu1"], path, lines: ["gone from the server"] }]);
    expect(changesOf(trees(old), trees(old))).toEqual([]);
  });

  test("the same password keeps its name", () => {
    const names = new SecretNames({ "db-password": "one" });
    expect([names.nameFor("DB_PASSWORD", "two"), names.nameFor("DB_PASSWORD", "one")]).toEqual(["db-password-2", "db-password"]);
  });
});
